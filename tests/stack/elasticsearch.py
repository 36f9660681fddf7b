"""A private Elasticsearch 8: one node from the jars of its server, without plugins (ElasticsearchNode.java)."""
from .search_engine import SearchEngine

VERSION = "8.13.4"


class Elasticsearch(SearchEngine):
    name = "Elasticsearch"
    artifacts = ["org.elasticsearch:elasticsearch:" + VERSION, "org.elasticsearch.plugin:transport-netty4:" + VERSION,
                 "org.elasticsearch.test:framework:" + VERSION, "org.apache.lucene:lucene-analysis-common:9.10.0"]
    # With the jars of its tests' own runner a node believes that it is in a test, and refuses to start without.
    without = "randomizedtesting|mockito|byte-buddy|objenesis|junit|hamcrest|mocksocket|lucene-test"
    main = "org.elasticsearch.node.ElasticsearchNode"
