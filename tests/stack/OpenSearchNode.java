/* One OpenSearch 2 node for tests, from the published jars, with the two modules that Strongroom uses:
 * OpenSearchNode DIRECTORY HTTP_PORT TRANSPORT_PORT */
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

public final class OpenSearchNode extends Node {
	private OpenSearchNode(Environment env) {
		super(env, List.of(Netty4Plugin.class, CommonAnalysisPlugin.class), true);
	}

	private static Settings settings(Path home, String http, String transport) {
		return Settings.builder()
			.put("path.home", home.toString())
			.put("cluster.name", "strongroom")
			.put("node.name", "strongroom")
			.put("discovery.type", "single-node")
			.put("network.host", "127.0.0.1")
			.put("http.port", http)
			.put("http.type", "netty4")
			.put("transport.port", transport)
			.put("transport.type", "netty4")
			.put("cluster.routing.allocation.disk.threshold_enabled", false)
			.build();
	}

	public static void main(String[] args) throws Exception {
		Path home = Path.of(args[0]).toAbsolutePath(), config = home.resolve("config");

		Files.createDirectories(config);
		LogConfigurator.configureWithoutConfig(Settings.builder().put("logger.level", "WARN").build());
		LogConfigurator.setNodeName("strongroom");
		Node node = new OpenSearchNode(
			InternalSettingsPreparer.prepareEnvironment(settings(home, args[1], args[2]), Map.of(), config, () -> "strongroom"));
		CountDownLatch ended = new CountDownLatch(1);

		Runtime.getRuntime().addShutdownHook(new Thread(() -> {
			try {
				node.close();
			} catch (java.io.IOException e) {
				e.printStackTrace();
			}
			ended.countDown();
		}));
		node.start();
		ended.await();
	}
}
