"""The kinds of index: what is found must not depend on them, so tests of searching run over each, one after the other. With
STRONGROOM_STACK set they run over that alone."""
import contextlib

from stack import engines

AT_SERVERS = ["opensearch.OpenSearch", "elasticsearch.Elasticsearch"]
KINDS = ["embedded", *AT_SERVERS] if engines.stack_name() == "embedded" else [engines.stack_name()]


@contextlib.contextmanager
def servers_of(kind):
    """What a Site takes as `servers`."""
    if kind not in AT_SERVERS:
        yield engines.current
        return
    with contextlib.closing(engines.Engines("index=" + kind)) as e:
        yield e.start()
