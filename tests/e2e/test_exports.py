"""Exports: asked for at strongroom-queryd, built by strongroom-workerd, unpacked here with other people's programs."""
import csv
import hashlib
import http.client
import io
import mailbox
import os
import time
import uuid
import xml.etree.ElementTree

import pytest

from stack.exports import EXPORTS, PASSWORD, archive_of, ask, check_manifest, download, status_of, unpack, wait_for
from stack.process import wait_until

COUNT = 40


def raw(n):
    text = b"From me to you: line %d\r\n>From there\r\nand so on \xe2\x82\xac\r\n" % n
    return (b"From: =?utf-8?q?=C3=84nne_%d?= <anne@example.org>\r\nTo: bob@example.org, \"C, \"\"D\" <carol@example.org>\r\nSubject: =?utf-8?q?=EF=BF=BF?="
            b" number %d & <more>\r\nDate: Mon, 5 Jan 2026 10:%02d:00 +0000\r\nMessage-ID: <%d@example.org>\r\n\r\nstrawberry\r\n%s"
            % (n, n, n % 60, n, text * (n % 7 + 1)))


@pytest.fixture(scope="module")
def site():
    with archive_of([(raw(n), b"bob@example.org" if n % 4 else b"carol@example.org") for n in range(COUNT)]) as s:
        s.narrow = s.add_user("nora", PASSWORD, "--role", "exporter", "--mailbox", "carol@example.org", "--mailbox", "bob@example.org")
        s.nora = s.api("nora", PASSWORD, s.narrow)
        yield s


@pytest.fixture
def slow(site):
    """Exports are built a little at a time while it lasts."""
    def rate(text):
        if site.running("workerd"):
            site.stop("workerd")
        site.write_conf(workerd__export_rate=text)
        site.start("workerd")
    yield rate
    site.write_conf(workerd__export_rate="0")
    if site.running("workerd"):
        site.stop("workerd")
    site.start("workerd")


def sent():
    return {hashlib.sha256(m).hexdigest(): m for m in map(raw, range(COUNT))}


@pytest.mark.parametrize("container", ["tar.gz", "zip"])
def test_files_as_they_were_archived(site, tmp_path, container):
    export = ask(site.erin, query="strawberry", container=container, case="2026/17")
    done = wait_for(site.erin, export)
    assert done["progress"] == {"total": COUNT, "done": COUNT, "missing": 0, "bytes": sum(map(len, sent().values()))}
    files = unpack(download(site.erin, export), container, str(tmp_path))
    m = check_manifest(files, id=export, requested_by="erin", reason="case 17", case="2026/17", request={"query": "strawberry"}, format="eml",
                       container=container, scope_when_built={"all_mailboxes": True}, missing=[], messages=[])
    assert m["counts"]["messages"] == COUNT and m["counts"]["in_scope"] == COUNT and m["counts"]["not_indexed"] == 0
    archived = {f["sha256"] for f in m["files"] if "message" in f}
    assert archived == set(sent())
    for f in m["files"]:
        assert f["path"].endswith("/%s.eml" % f["message"])


@pytest.mark.parametrize("container", ["tar.gz", "zip"])
def test_mbox(site, tmp_path, container):
    export = ask(site.erin, query="strawberry", format="mbox", container=container)
    wait_for(site.erin, export)
    files = unpack(download(site.erin, export), container, str(tmp_path))
    m = check_manifest(files, format="mbox", missing=[])
    path = [n for n in files if n.endswith(".mbox")][0]
    box = mailbox.mbox(os.path.join(str(tmp_path), "out", path), create=False)
    found = set()
    for key in box.keys():
        text = box.get_bytes(key)
        lines = [line[1:] if line.lstrip(b">").startswith(b"From ") else line for line in text.splitlines(keepends=True)]
        found.add(hashlib.sha256(b"".join(lines)).hexdigest())
    listed = {x["sha256"] for x in m["messages"]}
    assert listed == found == set(sent()) and len(box) == COUNT
    assert "anne@example.org" in box.get_message(box.keys()[0]).get_from()


def test_load_file(site, tmp_path):
    export = ask(site.erin, format="loadfile")
    wait_for(site.erin, export)
    files = unpack(download(site.erin, export), "tar.gz", str(tmp_path))
    check_manifest(files, request={})
    text = files["export-%s/loadfile.csv" % export]
    rows = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    assert len(rows) == COUNT and text.count(b"\r\n") == COUNT + 1
    for row in rows:
        assert hashlib.sha256(files[row["NATIVE_PATH"]]).hexdigest() == row["SHA256"]
        assert row["FROM"].startswith("\u00c4nne ") and row["SUBJECT"].endswith(" & <more>")
        assert row["DATE_SENT"].startswith("2026-01-05T10:")
    root = xml.etree.ElementTree.fromstring(files["export-%s/edrm.xml" % export])
    assert (root.get("MajorVersion"), root.get("MinorVersion")) == ("1", "2")
    documents = root.findall("./Batch/Documents/Document")
    assert {d.get("DocID") for d in documents} == {row["DOC_ID"] for row in rows}
    for d in documents:
        f = d.find("./Files/File/ExternalFile")
        assert hashlib.sha256(files[f.get("FilePath") + "/" + f.get("FileName")]).hexdigest() == f.get("Hash")
        tags = {t.get("TagName"): t.get("TagValue") for t in d.findall("./Tags/Tag")}
        assert tags["#Subject"].startswith("\ufffd") and tags["#Subject"].endswith(" & <more>") and "bob@example.org" in tags["#To"]


def test_only_what_one_may_see(site, tmp_path):
    """Ids outside the scope are as ids that do not exist."""
    every = [hit["id"] for hit in site.erin.search(limit=500)["hits"]]
    site.run("user", "scope", "nora", "--mailbox", "nobody@example.org")
    try:
        nothing = str(uuid.uuid4())
        export = ask(site.nora, ids=every[:3] + [nothing, every[0].upper()])
        wait_for(site.nora, export)
        m = check_manifest(unpack(download(site.nora, export), "tar.gz", str(tmp_path)))
        assert m["files"] == []
        assert {x["message"] for x in m["missing"]} == {*every[:3], nothing}
        assert len({x["reason"] for x in m["missing"]}) == 1
        assert m["counts"]["in_scope"] == 0
        export = ask(site.nora)
        assert wait_for(site.nora, export)["progress"]["total"] == 0
    finally:
        site.run("user", "scope", "nora", "--mailbox", "carol@example.org", "--mailbox", "bob@example.org")


def test_a_scope_that_is_narrowed_counts(site, tmp_path):
    site.stop("workerd")
    try:
        export = ask(site.nora)
        site.run("user", "scope", "nora", "--mailbox", "bob@example.org", "--from", "2026-01-05T10:10:00Z")
    finally:
        site.start("workerd")
    assert wait_for(site.nora, export)["progress"]["done"] == COUNT - 10
    m = check_manifest(unpack(download(site.nora, export), "tar.gz", str(tmp_path)))
    assert m["scope_when_built"] == {"mailboxes": ["bob@example.org"], "from": "2026-01-05T10:10:00Z"}
    assert m["scope_when_requested"]["mailboxes"] == ["bob@example.org", "carol@example.org"]
    site.run("user", "scope", "nora", "--mailbox", "bob@example.org", "--from", "2026-01-05T10:20:00Z")
    status, _, _ = site.nora.call("GET", EXPORTS + export + "/download")
    assert status == 403
    site.run("user", "scope", "nora", "--mailbox", "carol@example.org", "--mailbox", "bob@example.org")
    download(site.nora, export)


def test_each_has_its_own(site):
    export = ask(site.erin, query="subject:7")
    for path in (export + "/", export + "/download"):
        assert site.nora.json("GET", EXPORTS + path)[0] == 404
    for path in (export + "/cancel", export + "/download-url"):
        assert site.nora.json("POST", EXPORTS + path)[0] == 404
    mine = site.erin.json("GET", EXPORTS + "?limit=1")[1]
    assert [j["id"] for j in mine["items"]] == [export]
    second = site.erin.json("GET", EXPORTS + "?limit=500&cursor=" + mine["next_cursor"])[1]["items"]
    assert export not in [j["id"] for j in second]
    assert export not in [j["id"] for j in site.nora.json("GET", EXPORTS)[1]["items"]]


@pytest.mark.parametrize("body, field", [
    ({}, "reason"), ({"reason": " "}, "reason"), ({"reason": "a\nb"}, "reason"), ({"reason": "x", "format": "pst"}, "format"), ({"reason": "x", "container": "rar"}, "container"),
    ({"reason": "x", "ids": []}, "ids"), ({"reason": "x", "ids": ["1"]}, "ids"), ({"reason": "x", "query": "(", }, "query"),
    ({"reason": "x", "ids": [str(uuid.uuid4())], "query": "a"}, "ids"), ({"reason": "x", "after": "soon"}, "after"), ({"reason": "x", "y": 1}, "y"),
])
def test_wrong_input(site, body, field):
    status, j = site.erin.json("POST", EXPORTS, body)
    assert (status, j.get("field")) == (400, field), j


def test_what_can_not_be_read_is_listed(site, tmp_path):
    ids = [hit["id"] for hit in site.erin.search("strawberry", limit=3)["hits"]]
    name = [n for n in site.objects() if ids[1] in n][0]
    with site.store.lost(name):
        export = ask(site.erin, ids=ids)
        assert wait_for(site.erin, export)["progress"]["missing"] == 1
    m = check_manifest(unpack(download(site.erin, export), "tar.gz", str(tmp_path)))
    assert [x["message"] for x in m["missing"]] == [ids[1]]
    assert len(m["files"]) == 2


def test_a_store_that_takes_nothing_puts_it_off(site):
    with site.store.refusing():
        export = ask(site.erin, query="subject:8")
        wait_until("it is put off", lambda: status_of(site.erin, export)["detail"], 120)
        assert status_of(site.erin, export)["state"] == "queued"
    assert wait_for(site.erin, export, seconds=120)["attempts"] >= 2


def test_the_audit_says_whose_mail_went_out(site):
    export = ask(site.nora, query="subject:4", case="2026/18")
    wait_for(site.nora, export)
    download(site.nora, export)
    for action, reason in (("export.build", "case 17"), ("export.download", None)):
        row = site.rows("SELECT i.mailboxes, i.reason, i.case_ref FROM audit_intent i WHERE i.action = ? AND i.object = ?", (action, export),
                        database="control")[0]
        mailboxes = site.rows("SELECT mailbox FROM audit_mailbox WHERE digest = ? ORDER BY mailbox", (row[0],), database="control")
        assert [m[0] if isinstance(m[0], str) else m[0].decode() for m in mailboxes] == ["bob@example.org", "carol@example.org"]
        assert (row[1].decode() if isinstance(row[1], bytes) else row[1]) == reason


def test_cancel(site, slow):
    slow("1K")
    export = ask(site.erin)
    wait_until("some of it is done", lambda: status_of(site.erin, export)["progress"]["done"] > 0, 60)
    status, j = site.erin.json("POST", EXPORTS + export + "/cancel")
    assert status == 200 and j["state"] == "cancelled"
    site.log_line("workerd", "the export was cancelled", 60)
    assert site.erin.json("POST", EXPORTS + export + "/cancel")[0] == 200    # again
    assert site.erin.json("GET", EXPORTS + export + "/download")[0] == 409
    other = ask(site.erin, query="subject:3")
    slow("0")
    wait_for(site.erin, other)
    assert site.erin.json("POST", EXPORTS + other + "/cancel")[0] == 409


def test_who_is_disabled_exports_nothing(site):
    secret = site.add_user("olaf", PASSWORD, "--role", "exporter", "--all")
    olaf = site.api("olaf", PASSWORD, secret)
    site.stop("workerd")
    try:
        export = ask(olaf)
        site.run("user", "disable", "olaf")
    finally:
        site.start("workerd")
    wait_until("the export has failed", lambda: site.rows("SELECT state FROM export_job WHERE id = ?", (uuid.UUID(export).bytes,),
                                                          database="control")[0][0] in ("failed", b"failed"), 60)


def test_killed_again_and_again(site, slow, tmp_path):
    """Whatever moment the builder dies at, the export is built in the end, whole, and on record."""
    slow("16K")
    export = ask(site.erin, format="mbox")
    for n in range(20):
        time.sleep(0.05 * (n % 5))
        site.kill("workerd")
        state = status_of(site.erin, export)
        assert state["state"] in ("queued", "building", "ready"), state
        if state["state"] == "ready":
            break
        site.start("workerd")
    slow("0")
    wait_for(site.erin, export)
    m = check_manifest(unpack(download(site.erin, export), "tar.gz", str(tmp_path)))
    assert {x["sha256"] for x in m["messages"]} == set(sent())
    intents = site.rows("SELECT i.id, o.result FROM audit_intent i LEFT JOIN audit_outcome o ON o.intent_id = i.id"
                        " WHERE i.action = 'export.build' AND i.object = ?", (export,), database="control")
    results = [row[1].decode() if isinstance(row[1], bytes) else row[1] for row in intents]
    assert "allowed" in results and len(results) <= status_of(site.erin, export)["attempts"]


def test_stopped_and_gone_on_with(site, slow, tmp_path):
    """An orderly end saves what there is: nothing of it is read again."""
    slow("512")
    export = ask(site.erin, query="strawberry", container="zip")
    wait_until("some of it is done", lambda: status_of(site.erin, export)["progress"]["done"] > 2, 60)
    site.stop("workerd")
    done = status_of(site.erin, export)["progress"]["done"]
    slow("0")
    wait_for(site.erin, export)
    ours = [line["message"] for line in site.log("workerd") if line.get("export") == export]
    resumed = [int(m.split("done=")[1].split()[0]) for m in ours if "export resumed" in m]
    read = [int(m.split("read=")[1]) for m in ours if "read=" in m]
    assert resumed and resumed[-1] >= done and read == [COUNT - resumed[-1]], ours
    m = check_manifest(unpack(download(site.erin, export), "zip", str(tmp_path)), missing=[])
    assert {f["sha256"] for f in m["files"] if "message" in f} == set(sent())


def test_queryd_dies_in_a_download(site):
    export = ask(site.erin, query="strawberry", container="zip")
    wait_for(site.erin, export)
    api = site.erin.another()
    api.c.request("GET", EXPORTS + export + "/download", headers={"Authorization": "Bearer " + api.token})
    answer = api.c.getresponse()
    answer.read(10)
    site.kill("queryd")
    try:
        answer.read()
    except (http.client.HTTPException, OSError):
        pass
    site.start("queryd")
    site.erin.c.close()
    site.nora.c.close()
    download(site.erin, export)
    audited = site.rows("SELECT count(*) FROM audit_intent WHERE action = 'export.download' AND object = ?", (export,), database="control")
    assert audited[0][0] == 2


def test_a_url_for_some_minutes(site):
    export = ask(site.erin, query="subject:5")
    wait_for(site.erin, export)
    status, j = site.erin.json("POST", EXPORTS + export + "/download-url")
    assert status == 200, j
    anybody = site.api()
    status, data, headers = anybody.call("GET", j["url"])
    assert status == 200 and hashlib.sha256(data).hexdigest() == status_of(site.erin, export)["result"]["sha256"]
    assert export in headers["Content-Disposition"]
    wrong = j["url"][:-1] + ("0" if j["url"][-1] != "0" else "1")
    other = j["url"].replace(export, str(uuid.uuid4()))
    for url in (wrong, other, j["url"].split("?")[0], j["url"].split("=")[0] + "="):
        status, _, _ = anybody.call("GET", url)
        assert status == 403, url
    intents = site.rows("SELECT i.strength, o.item_count FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id"
                        " WHERE i.action = 'export.download' AND i.object = ? AND o.status = 200", (export,), database="control")
    assert [tuple(r.decode() if isinstance(r, bytes) else r for r in row) for row in intents] == [("link", len(data))]


def test_a_url_ends_with_its_session(site):
    export = ask(site.erin, query="subject:5")
    wait_for(site.erin, export)
    api = site.api("erin", PASSWORD, site.secret)
    url = api.json("POST", EXPORTS + export + "/download-url")[1]["url"]
    assert site.api().call("GET", url)[0] == 200
    assert api.call("POST", "/api/v1/auth/logout")[0] == 204
    assert site.api().call("GET", url)[0] == 403


def test_its_time_ends(site):
    if site.settings["store"].startswith("s3:"):
        pytest.skip("locks there last some minutes at least")
    site.stop("workerd")
    site.write_conf(workerd__export_keep="1s")
    site.start("workerd")
    try:
        export = ask(site.erin, query="subject:6")
        wait_for(site.erin, export, "expired")
        status, j = site.erin.json("GET", EXPORTS + export + "/download")
        assert status == 409 and "expired" in j["detail"]
        assert not [f for base, _, files in os.walk(site.store.folder) for f in files if export in f]
    finally:
        site.stop("workerd")
        site.write_conf(workerd__export_keep="7d")
        site.start("workerd")
