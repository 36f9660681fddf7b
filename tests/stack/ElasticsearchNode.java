/* One Elasticsearch 8 node for tests, put together from the published jars: ElasticsearchNode SETTING=VALUE...
 *
 * The distribution's modules are not among those jars. Of what Strongroom uses that leaves out the tokenizer char_group and the
 * filter pattern_capture: they are registered here under the same names, with the same settings, over the same Lucene classes. */
package org.elasticsearch.node; // for the constructor of Node

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.apache.lucene.analysis.util.CharTokenizer;
import org.apache.lucene.util.IOUtils;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.IndexSettings;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.MockPluginsService;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.plugins.PluginsService;
import org.elasticsearch.transport.netty4.Netty4Plugin;

public final class ElasticsearchNode {
	public static final class AnalysisParts extends Plugin implements AnalysisPlugin {
		private static TokenizerFactory charGroup(IndexSettings index, Environment env, String name, Settings s) {
			Set<Integer> separators = s.getAsList("tokenize_on_chars").stream().map(c -> c.codePointAt(0)).collect(Collectors.toSet());
			int most = s.getAsInt("max_token_length", 255);

			return TokenizerFactory.newFactory(name, () -> new CharTokenizer(Tokenizer.DEFAULT_TOKEN_ATTRIBUTE_FACTORY, most) {
				@Override
				protected boolean isTokenChar(int c) {
					return !separators.contains(c);
				}
			});
		}

		private static TokenFilterFactory patternCapture(IndexSettings index, Environment env, String name, Settings s) {
			Pattern[] patterns = s.getAsList("patterns").stream().map(Pattern::compile).toArray(Pattern[]::new);
			boolean preserve = s.getAsBoolean("preserve_original", true);

			return new TokenFilterFactory() {
				@Override
				public String name() {
					return name;
				}

				@Override
				public TokenStream create(TokenStream in) {
					return new PatternCaptureGroupTokenFilter(in, preserve, patterns);
				}
			};
		}

		@Override
		public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
			return Map.of("char_group", AnalysisPlugin.requiresAnalysisSettings(AnalysisParts::charGroup));
		}

		@Override
		public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
			return Map.of("pattern_capture", AnalysisPlugin.requiresAnalysisSettings(AnalysisParts::patternCapture));
		}
	}

	/* Takes the two plugins from the class path, where the real service would look for their folders. */
	private static final class Parts extends NodeServiceProvider {
		@Override
		PluginsService newPluginService(Environment env, Settings settings) {
			return new MockPluginsService(settings, env, List.of(Netty4Plugin.class, AnalysisParts.class));
		}
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
		LogConfigurator.configureESLogging();
		LogConfigurator.setNodeName("strongroom");
		Environment env = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "strongroom");
		Node node = new Node(NodeConstruction.prepareConstruction(env, new Parts(), true));

		Runtime.getRuntime().addShutdownHook(new Thread(() -> IOUtils.closeWhileHandlingException(node)));
		node.start();
		Thread.currentThread().join(); // until it is told to end
	}
}
