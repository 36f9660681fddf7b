/* One OpenSearch 2 node for tests, from the published jars, with the two modules that Strongroom uses:
 * OpenSearchNode SETTING=VALUE... */
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.lucene.util.IOUtils;
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

	private static Settings settings(String[] all) {
		Settings.Builder builder = Settings.builder();

		for (String one : all)
			builder.put(one.substring(0, one.indexOf('=')), one.substring(one.indexOf('=') + 1));
		return builder.build();
	}

	public static void main(String[] args) throws Exception {
		Settings settings = settings(args);
		Path config = Path.of(settings.get("path.home")).resolve("config");

		Files.createDirectories(config);
		LogConfigurator.configureWithoutConfig(Settings.builder().put("logger.level", "WARN").build());
		LogConfigurator.setNodeName("strongroom");
		Node node = new OpenSearchNode(
			InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "strongroom"));

		Runtime.getRuntime().addShutdownHook(new Thread(() -> IOUtils.closeWhileHandlingException(node)));
		node.start();
		Thread.currentThread().join(); // until it is told to end
	}
}
