"""Searches that an account keeps: its own, run within the scope of whoever runs them."""
import json
import uuid

import pytest

from stack.lmtp import archive_id
from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"
SEARCHES = "/api/v1/searches/"
SEARCH = "/api/v1/search/emails/"
CASE = "01930000-0000-7000-8000-000000000001"


class Archive:
    def __init__(self):
        self.site = Site()
        self.site.init()
        secrets = {name: self.site.add_user(name, PASSWORD, *scope) for name, scope in (
            ("eve", ["--all"]), ("tom", ["--mailbox", "tom@example.org"]))}
        self.site.start("lmtpd", "queryd", "workerd")
        with self.site.lmtp() as c:
            self.ids = [archive_id(c.send(b"From: a@example.org\r\nTo: %s\r\nSubject: n%d\r\n\r\n%s\r\n" % (to, n, word), b"a@example.org", [to])[0][1])
                        for n, (to, word) in enumerate([(b"tom@example.org", b"red"), (b"ann@example.org", b"red"), (b"ann@example.org", b"blue")])]
        with self.site.meta.connect("control", write=True) as db:
            eve = db.execute("SELECT id FROM account WHERE username = 'eve'").fetchall()[0][0]
            db.execute("INSERT INTO legal_case VALUES (?, 'x', '')", (uuid.UUID(CASE).bytes,))
            db.execute("INSERT INTO legal_case_event VALUES (?, 1, 1, ?, '')", (uuid.UUID(CASE).bytes, eve))
            db.execute("INSERT INTO case_member VALUES (?, ?)", (uuid.UUID(CASE).bytes, eve))
        self.eve, self.tom = (self.site.api(name, PASSWORD, secrets[name]) for name in ("eve", "tom"))
        wait_until("all is indexed", lambda: self.eve.search()["total"] == 3, 60, 0.1)


@pytest.fixture(scope="module")
def archive():
    a = None
    try:
        a = Archive()
        yield a
    finally:
        if a:
            a.site.close()


def save(api, name="red", request=None, **more):
    status, saved = api.json("POST", SEARCHES, {"name": name, "request": request or {"query": "red", "limit": 1}, **more})
    assert status == 201, saved
    return saved


def test_what_is_saved_is_told_as_it_was(archive):
    status, text, headers = archive.eve.call("POST", SEARCHES, {"name": "Rot", "case": CASE, "request": {"query": "red", "facets": ["month"]}})
    saved = json.loads(text)
    assert status == 201 and headers["Location"] == SEARCHES + saved["id"] + "/" and headers["ETag"]
    assert (saved["name"], saved["case"], saved["request"]) == ("Rot", CASE, {"query": "red", "facets": ["month"]})
    assert archive.eve.json("GET", headers["Location"]) == (200, saved)
    assert archive.eve.call("GET", headers["Location"], headers={"If-None-Match": headers["ETag"]})[0] == 304
    assert saved in archive.eve.json("GET", SEARCHES + "?limit=500")[1]["items"]
    actions = [r[0] for r in archive.site.rows("SELECT action FROM audit_intent WHERE action <> ? ORDER BY id", ("search",), "control")]
    assert actions[-4:] == ["saved-search.add", "saved-search.read", "saved-search.read", "saved-search.list"]


def test_it_is_run_within_the_scope_of_whoever_runs_it(archive):
    for api, expected in ((archive.eve, archive.ids[:2]), (archive.tom, archive.ids[:1])):
        saved = save(api)
        status, page = api.json("POST", SEARCH, {"saved": saved["id"], "limit": 5})
        assert status == 200 and sorted(h["id"] for h in page["hits"]) == expected
        status, page = api.json("POST", SEARCH, {"saved": saved["id"], "facets": ["sender"]})
        assert status == 200 and len(page["hits"]) == 1 and page["facets"]["sender"]["values"] == [{"value": "a@example.org", "count": len(expected)}]
        if page["next_cursor"]:
            assert api.json("POST", SEARCH, {"saved": saved["id"], "cursor": page["next_cursor"]})[1]["hits"][0]["id"] in expected
    detail = archive.site.rows("SELECT detail FROM audit_intent WHERE action = ? ORDER BY id DESC LIMIT 1", ("search",), "control")[0][0]
    assert json.loads(detail)["saved"] == saved["id"] and json.loads(detail)["query"] == "red"


def test_it_is_nobody_elses(archive):
    saved = save(archive.eve)
    path = SEARCHES + saved["id"] + "/"
    assert archive.tom.json("GET", path)[0] == 404
    assert archive.tom.json("PATCH", path, {"name": "mine"})[0] == 404
    assert archive.tom.json("DELETE", path)[0] == 404
    status, _, headers = archive.tom.call("POST", SEARCH, {"saved": saved["id"]})
    tried = archive.site.rows("SELECT action, detail FROM audit_intent WHERE request_id = ?", (headers["X-Request-ID"],), "control")
    assert status == 404 and [(r[0], json.loads(r[1])) for r in tried] == [("search", {"saved": saved["id"]})]
    assert saved["id"] not in json.dumps(archive.tom.json("GET", SEARCHES)[1])
    assert archive.eve.json("GET", path) == (200, saved)


def test_changes_and_versions(archive):
    saved = save(archive.eve, case=CASE)
    path = SEARCHES + saved["id"] + "/"
    tag = archive.eve.call("GET", path)[2]["ETag"]
    status, text, headers = archive.eve.call("PATCH", path, {"name": "blue", "request": {"query": "blue"}}, headers={"If-Match": tag})
    changed = json.loads(text)
    assert status == 200 and headers["ETag"] != tag and (changed["name"], changed["request"], changed["case"]) == ("blue", {"query": "blue"}, CASE)
    assert archive.eve.call("PATCH", path, {"name": "x"}, headers={"If-Match": tag})[0] == 412
    assert archive.eve.call("DELETE", path, headers={"If-Match": tag})[0] == 412
    assert archive.eve.json("PATCH", path, {"case": None})[1]["case"] is None
    assert archive.eve.search(saved=saved["id"], query=None)["total"] == 1
    assert archive.eve.json("DELETE", path) == (204, None)
    assert archive.eve.json("GET", path)[0] == archive.eve.json("DELETE", path)[0] == 404


@pytest.mark.parametrize("body,field", [
    ({"request": {}}, "name"), ({"name": "", "request": {}}, "name"), ({"name": "x" * 256, "request": {}}, "name"), ({"name": "x"}, "request"),
    ({"name": "x", "request": {"query": "("}}, "query"), ({"name": "x", "request": {"cursor": "x"}}, "cursor"),
    ({"name": "x", "request": {"scope": "all"}}, "scope"), ({"name": "x", "request": {"limit": 0}}, "limit"),
    ({"name": "x", "request": {"facets": ["size"]}}, "facets"), ({"name": "x", "request": {"after": "soon"}}, "after"),
    ({"name": "x", "request": {}, "case": "mine"}, "case"), ({"name": "x", "request": [], "case": CASE}, "request")])
def test_what_can_not_be_searched_is_not_kept(archive, body, field):
    status, problem = archive.eve.json("POST", SEARCHES, body)
    assert (status, problem["field"]) == (400, field), problem


def test_a_search_that_is_saved_says_what_is_looked_for(archive):
    saved = save(archive.eve)
    for name in ("query", "mailbox", "department", "after", "before"):
        status, problem = archive.eve.json("POST", SEARCH, {"saved": saved["id"], name: "2011"})
        assert (status, problem["field"]) == (400, name)
    for name in ("nonsense", "01930000-0000-7000-8000-000000000000"):
        assert archive.eve.json("POST", SEARCH, {"saved": name})[0] == 404


def test_pages_of_the_list(archive):
    for n in range(3):
        save(archive.tom, "page %d" % n)
    found, cursor = [], ""
    while cursor is not None:
        status, page = archive.tom.json("GET", SEARCHES + "?limit=2" + ("&cursor=" + cursor if cursor else ""))
        assert status == 200 and len(page["items"]) <= 2
        found += [s["name"] for s in page["items"]]
        cursor = page["next_cursor"]
    assert found[-3:] == ["page 0", "page 1", "page 2"]
    assert archive.tom.json("GET", SEARCHES + "?cursor=nonsense")[0] == 400
