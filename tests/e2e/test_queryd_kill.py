"""kill -9 of queryd and of workerd at any moment: what a client has received whole is on record, with its outcome and what was given
out; nothing is changed without a record of who asked for it; and no export that was promised is lost, or looks whole and is not.

QUERYD_KILLS (default 12) says how often."""
import hashlib
import http.client
import json
import os
import random
import threading
import time
import uuid

import pytest

from stack.process import wait_until

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("QUERYD_KILLS", "12"))
SEED = int(os.environ.get("DURABILITY_SEED", str(random.randrange(1 << 30))))
PASSWORD = "correct horse battery staple"
V = "/api/v1/"
RAW = b"From: ann@example.org\r\nTo: bob@example.org\r\nSubject: number %d\r\n\r\nstrawberry %d\r\n"
MESSAGES = 30


class Client(threading.Thread):
    """Asks until it is told to stop. `deed(client, n)` makes one request, or some."""

    def __init__(self, name, site, api, deed):
        super().__init__(name=name, daemon=True)
        self.site, self.token, self.deed = site, api.token, deed
        self.api, self.over, self.failure = None, threading.Event(), None
        self.received = []      # (request id, status, SHA-256 of the body)
        self.asked = {}         # what is changed, by the name of it → request id
        self.promised = []      # exports

    def call(self, method, path, body=None, changes=None):
        """(status, body) of an answer that came whole; else OSError or HTTPException."""
        request = "kill-" + uuid.uuid4().hex
        if changes:
            self.asked[changes] = request
        status, text, _ = self.api.call(method, V + path, body, {"X-Request-ID": request})
        self.received.append((request, status, hashlib.sha256(text).digest()))
        assert status < 300 or status in (429, 503), (method, path, status, text)
        return status, text

    def was_answered(self):
        return any(status < 300 for _, status, _ in self.received) and (self.promised or self.deed is not export)

    def json(self, *args, **kw):
        status, text = self.call(*args, **kw)
        return json.loads(text) if status < 300 else None

    def run(self):
        n = 0
        while not self.over.is_set():
            try:
                if not self.api:
                    self.api = self.site.api()
                    self.api.token = self.token
                n += 1
                self.deed(self, n)
            except (OSError, http.client.HTTPException):
                self.api.close()
                self.api = None
                time.sleep(0.02)
            except Exception as e:
                self.failure = e
                return


def name_of(client, n):
    return "%s-%d-%s" % (client.name, n, uuid.uuid4().hex[:8])


def search(client, n):
    found = client.json("POST", "search/emails/", {"query": "strawberry", "limit": 5})
    for hit in found["hits"][:3] if found else ():
        client.call("GET", "archive/emails/%s/" % hit["id"])
        client.call("GET", "archive/emails/%s/content" % hit["id"])


def audit(client, n):
    page = client.json("GET", "audit/?limit=20")
    if page and page["items"]:
        client.call("GET", "audit/%s/" % page["items"][n % len(page["items"])]["id"])


def save(client, n):
    name = name_of(client, n)
    saved = client.json("POST", "searches/", {"name": name, "request": {"query": "x"}}, changes=name)
    if saved and n % 3 == 0:
        client.call("DELETE", "searches/%s/" % saved["id"])


def manage(client, n):
    name = name_of(client, n)
    client.call("POST", "roles/", {"name": name, "permissions": ["AUDIT_READ"]}, changes=name)
    client.call("GET", "users/")


def export(client, n):
    """One at a time: asked for, looked at until it is there, fetched."""
    reason = name_of(client, n)
    job = client.json("POST", "archive/exports/", {"reason": reason}, changes=reason)
    if not job:
        return
    client.promised.append(job["id"])
    while not client.over.is_set():
        state = client.json("GET", "archive/exports/%s/" % job["id"])
        if state and state["state"] == "ready":
            status, text = client.call("GET", "archive/exports/%s/download" % job["id"])
            assert status >= 300 or hashlib.sha256(text).hexdigest() == state["result"]["sha256"]
            return
        time.sleep(0.05)


def start(site):
    """Clients of all kinds, each with a session of its own."""
    people = {"investigator": search, "auditor": audit, "legal": save, "administrator": manage, "exporter": export}
    secrets = {role: site.add_user("a-" + role, PASSWORD, "--role", role, "--all") for role in people}
    site.start("lmtpd", "workerd", "queryd")
    with site.lmtp() as c:
        for n in range(MESSAGES):
            assert c.send(RAW % (n, n), b"ann@example.org", [b"bob@example.org"])[0][0] == 250
    clients = [Client(role, site, site.api("a-" + role, PASSWORD, secret), people[role]) for role, secret in secrets.items()]
    wait_until("all is found", lambda: site.rows("SELECT count(*) FROM outbox")[0][0] == 0, 60)
    for client in clients:
        client.start()
    return clients


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def records(site):
    """Of each request of a client: (status, digest) of its outcomes, None for an intent that has none."""
    found = {}
    for request, status, digest in site.rows("SELECT i.request_id, o.status, o.digest FROM audit_intent i LEFT JOIN audit_outcome o "
                                             "ON o.intent_id = i.id WHERE i.request_id LIKE 'kill-%' AND i.action <> 'export.build'", (), "control"):
        found.setdefault(text(request), []).append(None if status is None else (status, digest and bytes(digest)))
    return found


def check_received(client, found):
    whole = [r for r in client.received if r[1] < 300]
    assert whole, client.name
    for request, status, digest in whole:
        assert len(found.get(request, [])) == 1 and found[request][0], "%s received what has no outcome: %s" % (client.name, request)
        told, given = found[request][0]
        assert told == status, (client.name, request, told, status)
        assert status == 204 or given == digest, "%s received something else than what is on record: %s" % (client.name, request)


def check_changes(site, clients, found):
    """By what is there, whether or not who asked for it was told."""
    asked = {name: request for client in clients for name, request in client.asked.items()}
    for sql in ("SELECT name FROM saved_search", "SELECT name FROM role", "SELECT reason FROM export_request"):
        made = [text(row[0]) for row in site.rows(sql, (), "control")]
        for name in made:
            assert name not in asked or found.get(asked[name]), "%s has no record" % name
        assert set(made) & set(asked), sql


def check_exports(site, clients):
    """What was promised is built, once workerd is left alone, and is what its state says."""
    api = site.api()
    client = next(c for c in clients if c.name == "exporter")
    api.token = client.token
    assert client.promised
    for job in client.promised:
        where = V + "archive/exports/%s/" % job
        wait_until("%s is ready" % job, lambda: api.json("GET", where)[1]["state"] == "ready", 120)
        status, data, _ = api.call("GET", where + "download")
        result = api.json("GET", where)[1]["result"]
        assert status == 200 and (len(data), hashlib.sha256(data).hexdigest()) == (result["size"], result["sha256"])


def test_nothing_is_shown_or_done_without_its_record(new_site):
    print("DURABILITY_SEED=%d" % SEED)
    chance = random.Random(SEED)
    site = new_site(settings={"workerd.export_interval": "100ms", "workerd.export_rate": "1M"})
    site.init()
    clients = start(site)
    for n in range(KILLS):
        time.sleep(chance.uniform(0.05, 0.8))
        victims = ("queryd", "workerd") if n % 4 == 3 else ("workerd",) if n % 4 == 1 else ("queryd",)
        site.kill(*victims)
        site.start(*victims)
    wait_until("all have been answered", lambda: all(c.failure or c.was_answered() for c in clients), 120)
    for client in clients:
        client.over.set()
    for client in clients:
        client.join(60)
        assert not client.failure, (client.name, client.failure)
        assert not client.is_alive(), client.name
    found = records(site)
    for client in clients:
        check_received(client, found)
    check_changes(site, clients, found)
    check_exports(site, clients)
    assert "agree" in site.run("check", "--ledger", check=False)[1]
    assert site.stop() == 0
