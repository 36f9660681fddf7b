"""Policies keep mail longer than lock_days: stamped when it is archived, and brought to what is archived already."""
import json
import uuid

import pytest

from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"
V = "/api/v1/retention"
RAW = b"From: Ann <%s>\r\nTo: %s\r\nSubject: retention %d\r\n\r\nstrawberry\r\n"
DAY = 86400 * 10**6
STANDARD, LONGEST = 30, 400


class Keeping:
    def __init__(self):
        self.site = Site(settings={"lock_days": str(STANDARD), "lock_days_max": str(LONGEST)})
        self.site.init()
        self.site.run("department", "set", "Books", "bob@example.org")
        secrets = {"ada": self.site.add_user("ada", PASSWORD, "--role", "administrator"), "ivy": self.site.add_user("ivy", PASSWORD, "--all")}
        self.site.start("lmtpd", "workerd", "queryd")
        self.ada = self.site.api("ada", PASSWORD, secrets["ada"])
        self.ivy = self.site.api("ivy", PASSWORD, secrets["ivy"])
        self.sent = 0

    def send(self, sender="ann@example.org", to="bob@example.org"):
        self.sent += 1
        with self.site.lmtp() as c:
            code, text = c.send(RAW % (sender.encode(), to.encode(), self.sent), sender=b"ann@example.org", recipients=[b"box@example.org"])[0]
        assert code == 250, text
        return text.split()[-1].decode()

    def kept_days(self, archive_id):
        row = self.site.row(archive_id)
        more = self.site.rows("SELECT max(retain_until_us) AS until FROM retention_extension WHERE message_id = ?",
                              (uuid.UUID(archive_id).bytes,))[0]
        until = dict(more)["until"] or row["retain_until_us"]
        self.site.store.is_locked_until(row, until)
        return (until - row["received_us"]) // DAY

    def wait_kept(self, archive_id, days):
        wait_until("it is kept for %d days" % days, lambda: self.kept_days(archive_id) == days, 60)


@pytest.fixture(scope="module")
def keeping():
    k = None
    try:
        k = Keeping()
        yield k
    finally:
        if k:
            k.site.close()


def call(api, method, path, body=None, **headers):
    status, text, h = api.call(method, V + path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    return status, json.loads(text) if text else None, h


def create(k, **policy):
    status, p, h = call(k.ada, "POST", "/policies/", {"name": "a policy", **policy})
    assert status == 201, p
    assert h["Location"] == "%s/policies/%s/" % (V, p["id"])
    return p


def test_a_policy_is_stamped_and_prolongs_what_is_there(keeping):
    k = keeping
    older, other = k.send(), k.send(to="carol@example.net")
    assert k.kept_days(older) == k.kept_days(other) == STANDARD
    p = create(k, applies_to="department", subject="Books", days=100, reason="the books")
    k.wait_kept(older, 100)
    newer = k.send()
    wait_until("new mail is stamped", lambda: k.site.row(k.send())["retain_until_us"] - k.site.row(newer)["received_us"] > 99 * DAY, 60)
    stamped = k.site.row(k.send())
    assert stamped["policy_version"] == "lock_days=100 policy=%s/1" % p["id"]
    assert k.kept_days(other) == STANDARD
    status, s, _ = call(k.ada, "GET", "/")
    assert status == 200 and s["standard_days"] == STANDARD and s["longest_days"] == LONGEST
    wait_until("the change is everywhere", lambda: call(k.ada, "GET", "/")[1]["extension"]["finished_at"], 60)
    assert call(k.ada, "GET", "/")[1]["extension"]["messages_extended"] >= 1

    # fewer days are for what comes, and change nothing that is kept
    status, changed, h = call(k.ada, "PATCH", "/policies/%s/" % p["id"], {"days": 50, "reason": "less"}, If_Match='"v1"')
    assert (status, changed["revision"], [r["days"] for r in changed["history"]]) == (200, 2, [100, 50])
    wait_until("new mail is stamped", lambda: k.kept_days(k.send()) == 50, 60)
    assert k.kept_days(older) == k.kept_days(stamped_id(stamped)) == 100
    assert call(k.ada, "PATCH", "/policies/%s/" % p["id"], {"days": 60}, If_Match='"v1"')[0] == 412
    assert call(k.ada, "DELETE", "/policies/%s/" % p["id"])[0] == 204
    assert call(k.ada, "GET", "/policies/%s/" % p["id"])[1]["active"] is False
    assert call(k.ada, "PATCH", "/policies/%s/" % p["id"], {"days": 60})[0] == 409
    wait_until("it is over", lambda: k.kept_days(k.send()) == STANDARD, 60)
    assert "agree" in k.site.run("check", "--ledger", check=False)[1]
    for program in ("lmtpd", "workerd"):
        assert not [line for line in k.site.log(program) if line.get("level") == "error"]


def stamped_id(row):
    return str(uuid.UUID(bytes=bytes(row["id"])))


def test_a_sender_by_header_and_domain(keeping):
    k = keeping
    older = k.send(sender="eve@example.com")
    create(k, applies_to="sender", subject="@Example.COM", days=70)
    k.wait_kept(older, 70)
    wait_until("new mail is stamped", lambda: k.kept_days(k.send(sender="dan@example.com")) == 70, 60)
    assert k.kept_days(k.send(sender="dan@sub.example.com")) == STANDARD


def test_who_comes_into_a_department_later(keeping):
    """What he has is kept as long as the department's: when he comes, and when he comes back."""
    k = keeping

    def members(*names):
        k.site.run("department", "set", "Desk", *names)
        for program in ("lmtpd", "workerd"):    # which read it once a minute
            k.site.stop(program)
            k.site.start(program)

    def wait_reached(days):
        found = lambda: [row[1] for row in k.site.rows("SELECT mailbox, days FROM retention_reached") if row[0] in ("dan@example.org", b"dan@example.org")]
        wait_until("his mailbox was gone through", lambda: found() == [days], 60)

    members("eva@example.org")
    before, evas = k.send(to="dan@example.org"), k.send(to="eva@example.org")
    create(k, applies_to="department", subject="Desk", days=80)
    k.wait_kept(evas, 80)
    assert k.kept_days(before) == STANDARD
    members("eva@example.org", "dan@example.org")
    k.wait_kept(before, 80)
    wait_reached(80)
    members("eva@example.org")
    wait_reached(0)
    meanwhile = k.send(to="dan@example.org")
    assert (k.kept_days(before), k.kept_days(meanwhile)) == (80, STANDARD)
    members("dan@example.org")
    k.wait_kept(meanwhile, 80)


def test_what_is_refused(keeping):
    k = keeping
    good = {"name": "n", "applies_to": "mailbox", "subject": "a@example.org", "days": 40}
    for change, field in (({"days": LONGEST + 1}, "days"), ({"days": 0}, "days"), ({"days": 1.5}, "days"), ({"subject": "nobody"}, "subject"),
                          ({"subject": None}, "subject"), ({"applies_to": "world"}, "applies_to"), ({"name": ""}, "name"), ({"order": 0}, "order"),
                          ({"applies_to": "department"}, "subject"), ({"applies_to": "all"}, "subject"), ({"subject": "@example.org"}, "subject")):
        status, j, _ = call(k.ada, "POST", "/policies/", {**good, **change})
        assert (status, j.get("field")) == (400, field), (change, j)
    assert call(k.ivy, "GET", "/policies/")[0] == 403
    assert call(k.ivy, "POST", "/policies/", good)[0] == 403
    assert call(k.site.api(), "GET", "/")[0] == 401
    for path in ("/policies/x/", "/policies/%s/" % uuid.uuid4()):
        for method, body in (("GET", None), ("PATCH", {"days": 3}), ("DELETE", None)):
            assert call(k.ada, method, path, body)[0] == 404
    page = call(k.ada, "GET", "/policies/?limit=1")[1]
    assert len(page["items"]) == 1 and page["next_cursor"]
    rest = call(k.ada, "GET", "/policies/?cursor=" + page["next_cursor"])[1]
    assert page["items"][0]["id"] not in [p["id"] for p in rest["items"]] and rest["next_cursor"] is None


def test_refused_changes_are_audited(keeping):
    k = keeping
    path = "/policies/%s/" % create(k, applies_to="mailbox", subject="zoe@example.org", days=31)["id"]
    assert call(k.ada, "DELETE", path, If_Match='"v7"')[0] == 412
    assert call(k.ada, "DELETE", path, If_None_Match="*")[0] == 204
    assert call(k.ada, "PATCH", path, {"days": 32})[0] == 409
    row = k.site.rows("SELECT i.action, o.status FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id WHERE i.object = ?"
                      " ORDER BY i.at_us", (path.split("/")[2],), "control")
    assert [tuple(r) for r in row] == [("retention.end", 412), ("retention.end", 204), ("retention.change", 409)]
