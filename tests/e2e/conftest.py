"""Fixtures of the end-to-end tests: real daemons from the build folder (STRONGROOM_BUILD, default build/release) between
real servers. What a test starts is ended by process id; logs are shown when it fails; what is missing is a skip that says
what and why."""
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from stack import Missing, engines  # noqa: E402
from stack.dovecot import Dovecot  # noqa: E402
from stack.lmtp import Client  # noqa: E402
from stack.postfix import Postfix  # noqa: E402
from stack.sendmail import Sendmail  # noqa: E402
from stack.sink import Sink  # noqa: E402
from stack.site import Site  # noqa: E402


# Between the daemons and the embedded default there is nothing to cut.
collect_ignore = ["test_nothing_lost.py"] if engines.stack_name() == "embedded" else []

MTA_FIXTURES = {"postfix", "new_postfix", "sendmail", "new_sendmail", "dovecot", "new_dovecot", "new_door"}


def pytest_collection_modifyitems(config, items):
    """A test of the embedded default by nature is none of an engine's: nothing is missing that could be named."""
    others = [i for i in items if i.get_closest_marker("embedded")] if engines.stack_name() != "embedded" else []
    for item in items:
        if MTA_FIXTURES & set(item.fixturenames):
            item.add_marker("mta")
    items[:] = [i for i in items if i not in others]
    config.hook.pytest_deselected(items=others)


def pytest_sessionstart():
    signal.signal(signal.SIGTERM, lambda number, frame: pytest.exit("terminated"))    # the engines are to end with it


def pytest_sessionfinish():
    engines.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if call.excinfo and call.excinfo.errisinstance(Missing):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, "Skipped: %s" % call.excinfo.value)
    elif report.failed:
        for server in getattr(item, "servers", []) + [getattr(item, "funcargs", {}).get("shared_site")]:
            if hasattr(server, "show_logs"):
                report.sections.append(("logs", server.show_logs()))


@pytest.fixture
def servers(request):
    """Servers to close at the end of the test, the last one first."""
    request.node.servers = started = []
    yield started
    for server in reversed(started):
        server.close()


def maker(make):
    """A fixture that is a function: each call makes one more server, closed at the end of the test."""
    @pytest.fixture
    def fixture(servers):
        def one_more(*args, **kw):
            server = make(*args, **kw)
            servers.append(server)
            return server
        return one_more
    return fixture


new_site = maker(Site)
new_postfix = maker(Postfix)
new_sendmail = maker(Sendmail)
new_dovecot = maker(Dovecot)


@pytest.fixture
def site(new_site):
    """A Site that is set up; daemons are the test's to start."""
    s = new_site()
    s.init()
    return s


@pytest.fixture(scope="module")
def shared_site():
    """The same for all tests of a file that leave each other alone."""
    s = Site()
    try:
        s.init()
        yield s
    finally:
        s.close()


@pytest.fixture
def lmtpd(site):
    """The same with strongroom-lmtpd running."""
    site.start("lmtpd")
    return site


@pytest.fixture
def postfix(new_postfix):
    """A Postfix without a milter that throws mail to example.org away."""
    return new_postfix().start()


@pytest.fixture
def sendmail(new_sendmail, sink):
    """A Sendmail without a milter that delivers to `sink`."""
    return new_sendmail(relay_port=sink.port).start()


@pytest.fixture
def dovecot(new_dovecot):
    return new_dovecot().start()


@pytest.fixture
def sink():
    """The far end of a relay."""
    s = Sink()
    yield s
    s.close()


class Door:
    """A real mail server that asks strongroom-milter, and delivers to a sink."""

    def __init__(self, mta, site, sink):
        self.mta, self.site, self.sink = mta, site, sink

    def connect(self, **kw):
        return Client(self.mta.address, b"EHLO client.example", **kw)

    def send(self, raw, **kw):
        """(code, text) of one SMTP transaction on a connection of its own."""
        with self.connect() as c:
            reply = c.send(raw, **kw)[0]
            c.quit()
        return reply

    def archived(self):
        """[(log line, bytes)] of all that the milter archived."""
        return [(line, self.site.object(line["archive_id"])) for line in self.site.archived()]


@pytest.fixture
def new_door(new_site, new_postfix, new_sendmail, sink, servers):
    """new_door("postfix" or "sendmail", "inet" or "unix", mta={…}, settings={…}): started, all of it."""
    def make(server, kind, mta=None, **site):
        mta = dict(mta or {})
        if server == "postfix":
            m = new_postfix(relay="lmtp:inet:127.0.0.1:%d" % sink.port, chroot=kind == "unix", **mta)
        else:
            m = new_sendmail(relay_port=sink.port, **mta)
        owner = "nobody" if os.geteuid() == 0 else ""
        path = os.path.join(m.socket_dir(owner), "milter.sock") if kind == "unix" else None
        s = new_site(milter=kind, milter_path=path, **site)
        if server == "postfix":
            m.milter = "unix:strongroom/milter.sock" if kind == "unix" else s.milter_address
        else:
            m.milter = "unix:" + path if kind == "unix" else "inet:%d@127.0.0.1" % s.milter_port
        s.init()
        s.start("milter")
        m.start()
        return Door(m, s, sink)
    return make
