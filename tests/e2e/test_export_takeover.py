"""Two strongroom-workerd at one export: its builder stops in the middle of it, another takes it over, and the first goes on as if nothing had
been. One export is whole, and nothing else is there."""
import hashlib

import pytest

from stack.exports import archive_of, ask, check_manifest, download, key_of, left_behind, status_of, take_at_once, unpack, wait_for
from stack.process import pause, wait_until
from stack.replica import Worker, pause_between_writes

COUNT = 12
SLOW = "4K"    # a second: the small ones go at once, and behind a large one it rests


def raw(n):
    lines = 400 if n in (5, 6) else 1
    line = b"%d %s\r\n" % (n, hashlib.sha512(b"%d" % n).hexdigest().encode())
    return (b"From: anne@example.org\r\nTo: bob@example.org\r\nSubject: number %d\r\nDate: Mon, 5 Jan 2026 10:%02d:00 +0000\r\n\r\nstrawberry\r\n%s"
            % (n, n, line * lines))


@pytest.fixture(scope="module")
def made():
    with archive_of([(raw(n), b"bob@example.org") for n in range(COUNT)], **{"workerd.reconcile_interval": "1d"}) as s:
        s.stop("workerd")
        yield s


@pytest.fixture
def site(made, request):
    """Its own strongroom-workerd is a slow one."""
    request.node.servers = [made]
    made.write_conf(workerd__export_rate=SLOW)
    made.start("workerd")
    yield made
    if made.running("workerd"):
        pause(made.pid("workerd"), False)
        made.kill("workerd")


@pytest.fixture
def second(site, servers):
    """Starts a strongroom-workerd on another machine, or on this one."""
    def start(rate="0", **settings):
        worker = Worker(site, **{"workerd.export_rate": rate, **settings})
        servers.append(worker)
        return worker
    return start


def stop_in_the_middle(site, export):
    wait_until("a part of it is built", lambda: 0 < status_of(site.erin, export)["progress"]["done"] < COUNT)
    pause_between_writes(site, site.pid("workerd"))
    take_at_once(site, export)


def go_on(site, export):
    """What it began comes to nothing."""
    pause(site.pid("workerd"), False)
    wait_until("it has seen that it is another's", lambda: any("taken over" in line["message"] for line in site.log("workerd")
                                                               if line.get("export") == export))


def check(site, export, container, folder):
    files = unpack(download(site.erin, export), container, str(folder))
    m = check_manifest(files, missing=[])
    assert sorted(f["sha256"] for f in m["files"]) == sorted(hashlib.sha256(raw(n)).hexdigest() for n in range(COUNT))
    ours = [key for key in site.store.exports() if export in key]
    assert ours == [key_of(export, container, 2)]
    wait_until("nothing is under way", lambda: not any(site.store.uploads(key_of(export, container, n)) for n in (1, 2)))


def results(site, export):
    """Of each attempt, as the audit has it."""
    return [r[0] for r in site.rows("SELECT o.result FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id WHERE i.action = 'export.build'"
                                    " AND i.object = ? ORDER BY i.id", (export,), database="control")]


@pytest.mark.parametrize("container, where, when", [("tar.gz", "elsewhere", "when it is over"), ("zip", "elsewhere", "meanwhile"),
                                                    ("tar.gz", "here", "meanwhile")])
def test_the_first_goes_on(site, second, tmp_path, container, where, when):
    export = ask(site.erin, query="strawberry", container=container)
    stop_in_the_middle(site, export)
    other = second("20K" if when == "meanwhile" else "0", **({"spool_dir": site.settings["spool_dir"]} if where == "here" else {}))
    if when == "meanwhile":
        wait_until("it is built anew", lambda: "attempt 2" in other.show_logs())
        go_on(site, export)
    wait_for(site.erin, export)
    if when != "meanwhile":
        go_on(site, export)
    check(site, export, container, tmp_path)
    assert results(site, export) == ["failed", "allowed"]
    wait_until("nothing waits on the disks", lambda: not left_behind(site, other.path("spool")))
