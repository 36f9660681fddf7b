"""Exports that go on after their builder was killed: at every boundary, in every format and container, the result is right, and what
was in it already is not read again."""
import base64
import hashlib
import os
import random
import re
import signal
import uuid

import pytest

from stack.exports import (EXPORTS, PASSWORD, archive_of, ask, check_manifest, download, key_of, left_behind, status_of, take_at_once, unpack,
                           wait_for)
from stack.process import wait_until

pytestmark = pytest.mark.faults

COUNT = 24
LARGE = 4     # messages that a part of an upload does not hold many of
KINDS = [(f, c) for f in ("eml", "mbox", "loadfile") for c in ("tar.gz", "zip")]
ALWAYS = "export.save-due=fail"    # a checkpoint behind every message
POINTS = ("export.save", "export.saved", "export.ended", "export.finished", "export.told")


def large(n):
    """Some megabytes that can't be made much smaller."""
    data = base64.encodebytes(random.Random(n).randbytes(4 << 20)).replace(b"\n", b"\r\n")
    return (b"From: anne@example.org\r\nTo: bob@example.org\r\nSubject: blueberry %d\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n%s" % (n, data))


def who(n):
    return b"bob" if n % 4 else b"carol"


def raw(n):
    line = b"From me: %d %s\r\n" % (n, hashlib.sha256(b"%d" % n).hexdigest().encode())
    return (b"From: anne@example.org\r\nTo: %s@example.org\r\nSubject: number %d\r\nDate: Mon, 5 Jan 2026 10:%02d:00 +0000\r\n\r\n"
            b"strawberry\r\n%s" % (who(n), n, n % 60, line * (n * 40 + 1)))


@pytest.fixture(scope="module")
def site():
    with archive_of([(raw(n), who(n) + b"@example.org") for n in range(COUNT)] + [(large(n), b"bob@example.org") for n in range(LARGE)]) as s:
        s.stop("workerd")
        yield s


@pytest.fixture(autouse=True)
def left_alone(site):
    yield
    if site.running("workerd"):
        site.kill("workerd")


def lines(site, export, text):
    return [line["message"] for line in site.log("workerd") if line.get("export") == export and text in line["message"]]


def ask_and_die(site, fault, **body):
    """An export whose builder is killed there."""
    export = ask(site.erin, **{"query": "strawberry", **body})
    die(site, fault)
    return export


def die(site, fault):
    try:
        site.start("workerd", fault=fault)
    except Exception:    # it may be gone before it was ready
        pass
    wait_until("workerd is killed", lambda: not site.running("workerd"), 60)
    assert site.wait_end("workerd") == -signal.SIGKILL, fault


def finish(site, export):
    """The last attempt: {done when it was resumed, messages that it read}."""
    site.start("workerd")
    wait_for(site.erin, export)
    read = int(re.search(r"read=(\d+)", lines(site, export, "the export is ready")[-1]).group(1))
    resumed = lines(site, export, "export resumed")
    site.stop("workerd")
    return int(re.search(r"done=(\d+)", resumed[-1]).group(1)) if resumed else None, read


def check(site, export, container, tmp_path, format="eml", messages=tuple(map(raw, range(COUNT))), api=None):
    files = unpack(download(api or site.erin, export), container, str(tmp_path))
    m = check_manifest(files, format=format, missing=[])
    listed = m["messages"] if format == "mbox" else [f for f in m["files"] if "message" in f]
    assert sorted(x["sha256"] for x in listed) == sorted(hashlib.sha256(m).hexdigest() for m in messages)
    assert len({x["message"] for x in listed}) == len(listed)
    assert m["counts"]["messages"] == len(listed)
    return files, m


@pytest.mark.parametrize("format, container", KINDS)
def test_killed_between_messages(site, tmp_path, format, container):
    export = ask_and_die(site, ALWAYS + ",export.message=kill@10", format=format, container=container)
    before = status_of(site.erin, export)["progress"]["done"]
    die(site, ALWAYS + ",export.message=kill@8")
    assert status_of(site.erin, export)["progress"]["done"] >= before
    assert finish(site, export) == (16, COUNT - 16)
    assert len(lines(site, export, "export resumed")) == 2
    files, _ = check(site, export, container, tmp_path, format)
    if format == "loadfile":
        text = files["export-%s/loadfile.csv" % export].decode()
        assert len(text.splitlines()) == COUNT + 1
    assert not left_behind(site)


@pytest.mark.parametrize("point, container", zip(POINTS, ["zip", "tar.gz"] * len(POINTS)))
def test_killed_at_a_boundary(site, tmp_path, point, container):
    count = "@5" if point in ("export.save", "export.saved") else ""
    export = ask_and_die(site, "%s,%s=kill%s" % (ALWAYS, point, count), container=container)
    done, read = finish(site, export)
    assert done == {"export.save": 4, "export.saved": 5, "export.ended": COUNT}.get(point, COUNT)
    assert read == COUNT - done
    check(site, export, container, tmp_path)
    assert not left_behind(site)


@pytest.mark.parametrize("container", ["tar.gz", "zip"])
def test_parts_of_an_upload(site, tmp_path, container):
    """Whole parts are in the store already, and a piece that is none yet waits here."""
    export = ask_and_die(site, ALWAYS + ",export.message=kill@4", query="subject:blueberry", container=container)
    assert finish(site, export) == (3, 1)
    check(site, export, container, tmp_path, messages=[large(n) for n in range(LARGE)])


@pytest.mark.parametrize("point", ["export.message=fail@5", "export.save=fail@5", "export.finished=fail"])
def test_what_fails_goes_on(site, tmp_path, point):
    """Put off, and gone on with later."""
    export = ask(site.erin, query="strawberry")
    site.start("workerd", fault="%s,%s" % (ALWAYS, point))
    wait_until("it has failed", lambda: lines(site, export, "could not be built"), 60)
    site.kill("workerd")
    take_at_once(site, export)
    done, read = finish(site, export)
    assert done >= 4 and done + read == COUNT
    check(site, export, "tar.gz", tmp_path)


def test_given_by_id(site, tmp_path):
    ids = [hit["id"] for hit in site.erin.search("strawberry", limit=500)["hits"]]
    nothing = str(uuid.uuid4())
    export = ask(site.erin, ids=ids[:5] + [nothing] + ids[5:])
    die(site, ALWAYS + ",export.message=kill@12")
    assert finish(site, export) == (11, COUNT + 1 - 11)
    m = check_manifest(unpack(download(site.erin, export), "tar.gz", str(tmp_path)))
    assert {f["message"] for f in m["files"]} == set(ids) and len(m["files"]) == COUNT
    assert [x["message"] for x in m["missing"]] == [nothing]


def test_a_scope_that_became_narrower(site, tmp_path):
    secret = site.add_user("nora", PASSWORD, "--role", "exporter", "--mailbox", "carol@example.org", "--mailbox", "bob@example.org")
    nora = site.api("nora", PASSWORD, secret)
    export = ask(nora, query="strawberry")
    die(site, ALWAYS + ",export.message=kill@10")
    site.run("user", "scope", "nora", "--mailbox", "bob@example.org")
    site.start("workerd")
    wait_for(nora, export)
    assert not lines(site, export, "export resumed")
    assert "what the account may see" in lines(site, export, "begins anew")[0]
    _, m = check(site, export, "tar.gz", tmp_path, messages=[raw(n) for n in range(COUNT) if n % 4], api=nora)
    assert m["scope_when_built"] == {"mailboxes": ["bob@example.org"]}


def place_of(site, export):
    found = [n for n in left_behind(site) if n.startswith(export)]
    assert len(found) == 1, found
    return site.path("spool", "exports", found[0])


@pytest.mark.parametrize("what", ["checkpoint", "manifest-files", "zip-directory", "the store", "the index", "everything"])
def test_what_was_saved_is_damaged_or_gone(site, tmp_path, what):
    export = ask_and_die(site, ALWAYS + ",export.message=kill@10", container="zip")
    folder = place_of(site, export)
    if what == "everything":    # another machine takes it up
        os.rename(folder, site.path("elsewhere"))
    elif what == "the index":    # places in the one before mean nothing in it
        site.run("reindex")
    elif what == "the store":
        assert site.store.uploads(key_of(export, "zip"))
        site.store.forget_uploads(key_of(export, "zip"))
    else:
        with open(os.path.join(folder, what), "r+b") as f:
            f.seek(3)
            f.write(b"damage")
    assert finish(site, export) == (None, COUNT)
    assert bool(lines(site, export, "begins anew")) == (what != "everything")
    check(site, export, "zip", tmp_path)
    if what == "everything":    # the first machine comes back
        os.rename(site.path("elsewhere"), folder)
        site.start("workerd")
        wait_until("it is swept away", lambda: not left_behind(site), 60)
    assert not left_behind(site)


def test_cancelled_meanwhile(site):
    export = ask_and_die(site, ALWAYS + ",export.message=kill@10")
    assert place_of(site, export) and site.store.uploads(key_of(export, "tar.gz"))
    assert site.erin.json("POST", EXPORTS + export + "/cancel")[0] == 200
    take_at_once(site, export)
    site.start("workerd")
    wait_until("nothing is left on the disk", lambda: not left_behind(site), 60)
    wait_until("nothing is left in the store", lambda: not site.store.uploads(key_of(export, "tar.gz")), 60)
