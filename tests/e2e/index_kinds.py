"""The kinds of index: what is found must not depend on them, so tests of searching run over each, one after the other. With
STRONGROOM_STACK set they run over that alone."""
import contextlib

import pytest

from stack import engines

AT_SERVERS = ["opensearch.OpenSearch", "elasticsearch.Elasticsearch"]
KINDS = [engines.stack_name(), *(pytest.param(kind, marks=pytest.mark.engines) for kind in AT_SERVERS if engines.stack_name() == "embedded")]


@contextlib.contextmanager
def servers_of(kind):
    """What a Site takes as `servers`."""
    if kind not in AT_SERVERS:
        yield engines.current
        return
    with contextlib.closing(engines.Engines("index=" + kind)) as e:
        yield e.start()
