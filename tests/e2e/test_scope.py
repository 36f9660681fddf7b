"""Nobody sees what is outside of their scope, by no way there is: random messages, scopes and requests, against an oracle that
looks at each message by itself: hits, totals, facets, coverage, conversations, reading.

A message is within a scope when its date is, and when one of the scope's mailboxes took part in it, in the envelope or in its head
(Reply-To does not count). What a request narrows, it narrows; nothing that it says widens.

STRONGROOM_PROPERTY_SCOPES: how many scopes are tried (24); STRONGROOM_PROPERTY_SEED: other messages, scopes and requests (9)."""
import collections
import datetime
import os
import random

import pytest
from stack.lmtp import archive_id
from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"
MESSAGES, SCOPES, REQUESTS = 120, int(os.environ.get("STRONGROOM_PROPERTY_SCOPES", 24)), 6
SEED = int(os.environ.get("STRONGROOM_PROPERTY_SEED", 9))

PEOPLE = ["ann@example.org", "joann@example.org", "ann@example.org.example.net", "bob@example.org", "b.ob@example.org", "carol@example.net",
          "dave+x@example.net", "dave@example.net", "o'hara@example.com", "zoe@xn--bcher-kva.example"]
NOBODY = "nobody@example.org"
DEPARTMENTS = {"sales": PEOPLE[:2] + [NOBODY], "law": PEOPLE[3:6], "empty": [NOBODY]}
TYPES = ["application/pdf", "image/png", "application/x-odd"]
FACETS = ["sender", "department", "month", "attachment_type"]
WORDS = ["red", "green", "blue", "grey", "black"]
HEADERS = ["Sender", "Reply-To", "To", "Cc", "Bcc", "Resent-From", "Resent-To"]
FIRST = datetime.datetime(2011, 1, 1, tzinfo=datetime.timezone.utc)
DAYS = 40


class Message:
    def __init__(self, rng, number):
        self.words = set(rng.sample(WORDS, rng.randrange(4)))
        self.date = FIRST + datetime.timedelta(days=rng.randrange(DAYS), seconds=rng.choice([0, 1, 43200, 86399]))
        self.sender, self.recipients = rng.choice([*PEOPLE, ""]), rng.sample(PEOPLE, rng.randrange(1, 3))
        head = {"From": [rng.choice(PEOPLE)], **{name: rng.sample(PEOPLE, rng.randrange(1, 3)) for name in HEADERS if rng.random() < 0.3}}
        head["Sender"] = head.get("Sender", [])[:1]
        self.people = {self.sender, *self.recipients} - {""} | {a for name, list_ in head.items() if name != "Reply-To" for a in list_}
        lines = ["%s: %s" % (name, ", ".join(written(rng, a) for a in list_)) for name, list_ in head.items() if list_]
        self.senders = set(head["From"])
        self.types = {t for t in TYPES if rng.random() < 0.2}
        self.kind = rng.choice(["plain"] * 9 + ["encrypted"]) if number else "truncated"
        self.id = "%d@example.org" % number
        # Some answer, to what was archived or never was; case tells identifiers apart.
        self.links = rng.sample(["%d@example.org" % rng.randrange(MESSAGES), "%d@Example.org" % rng.randrange(MESSAGES),
                                 "gone%d@example.org" % rng.randrange(30)], rng.choice([0, 0, 0, 1, 1, 2]))
        if self.links:
            head_links = [("References", "\r\n\t".join("<%s>" % i for i in self.links))] if rng.random() < 0.6 else []
            head_links += [("In-Reply-To", "<%s>" % self.links[0])] if rng.random() < 0.6 or not head_links else []
            self.links = self.links if head_links[0][0] == "References" else self.links[:1]
        else:
            head_links = []
        # What is only spoken of takes no part.
        lines += ["%s: %s" % link for link in head_links]
        self.raw = ("\r\n".join(lines) + "\r\nSubject: about %s\r\nDate: %s\r\nMessage-ID: <%s>\r\nMIME-Version: 1.0\r\n%s" % (
            rng.choice(PEOPLE), self.date.strftime("%a, %d %b %Y %H:%M:%S +0000"), self.id, self.body(rng.choice(PEOPLE)))).encode()

    def body(self, spoken_of):
        text = "%s %s\r\n" % (" ".join(sorted(self.words)), spoken_of)
        if self.kind == "truncated":
            text += ("-" * 76 + "\r\n") * 60000
        if self.kind == "encrypted":
            self.words, self.types = set(), {"application/pgp-encrypted", "application/octet-stream"}
            return ('Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\r\n\r\n'
                    "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
                    "--b\r\nContent-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n--b--\r\n")
        parts = "".join("--b\r\nContent-Type: %s\r\nContent-Disposition: attachment\r\n\r\nx\r\n" % t for t in sorted(self.types))
        return "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n%s\r\n%s--b--\r\n" % (text, parts) if parts else "\r\n" + text

    @property
    def names(self):
        return {self.id, *self.links}


def written(rng, address):
    """As people write it."""
    return rng.choice(["%s", "<%s>", '"%s" <%%s>' % rng.choice(PEOPLE), "(%s) %%s" % rng.choice(PEOPLE)]) % rng.choice(
        [address, address.upper(), address.title()])


# ---- the oracle ----

class Scope:
    """What is granted, or asked for. people: None for everybody's; of and until: None for open."""

    def __init__(self, people=None, of=None, until=None):
        self.people, self.of, self.until = people, of, until

    def narrowed(self, other):
        """To the mailboxes and the time that both have: another's mailbox can't be looked into by way of one's own."""
        people = self.people if other.people is None else other.people if self.people is None else self.people & other.people
        return Scope(people, max(filter(None, (self.of, other.of)), default=None), min(filter(None, (self.until, other.until)), default=None))

    def covers(self, m):
        return ((self.people is None or m.people & self.people) and (self.of is None or m.date >= self.of) and
                (self.until is None or m.date < self.until))


def random_time(rng):
    return FIRST + datetime.timedelta(days=rng.randrange(-1, DAYS + 1), seconds=rng.choice([0, 1, 43200])) if rng.random() < 0.3 else None


def random_span(rng):
    """(the first instant, the first after it), None for open."""
    of, until = random_time(rng), random_time(rng)
    return (of, until) if not of or not until or of < until else (until, of) if until < of else (of, None)


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def random_grant(rng):
    """(Scope, what `strongroom user scope` is told)."""
    people, arguments = set(), []
    kind = rng.choice(["all", "nobody", "some", "some", "some", "departments", "both"])
    if kind == "nobody":
        people, arguments = {NOBODY}, ["--mailbox", NOBODY]
    if kind in ("some", "both"):
        people |= set(rng.sample([*PEOPLE, NOBODY], rng.randrange(1, 4)))
        arguments += [a for person in sorted(people) for a in ("--mailbox", rng.choice([person, person.upper()]))]
    if kind in ("departments", "both"):
        for name in rng.sample(sorted(DEPARTMENTS), rng.randrange(1, 3)):
            people |= set(DEPARTMENTS[name])
            arguments += ["--department", name]
    scope = Scope(None if kind == "all" else people, *random_span(rng))
    arguments += ["--all"] if kind == "all" else []
    arguments += ["--from", stamp(scope.of)] if scope.of else []
    arguments += ["--until", stamp(scope.until)] if scope.until else []
    return scope, arguments


def random_query(rng):
    """(text, a function of a message's words)."""
    a, b = rng.sample(WORDS, 2)
    return rng.choice([
        ("", lambda w: True), (a, lambda w: a in w), ("NOT " + a, lambda w: a not in w), ("%s %s" % (a, b), lambda w: a in w and b in w),
        ("%s OR %s" % (a, b), lambda w: a in w or b in w), ("NOT %s OR size:>=0" % a, lambda w: True), ("%s OR NOT %s" % (a, a), lambda w: True)])


def random_request(rng):
    """(the request, the Scope that it narrows to, a function of a message's words)."""
    text, holds = random_query(rng)
    request, scope = {"limit": rng.choice([1, 7, 50, 500])}, Scope()
    if rng.random() < 0.5:
        request["facets"] = rng.sample(FACETS, rng.randrange(1, 5))
    if text:
        request["query"] = text
    if rng.random() < 0.4:
        person = rng.choice([*PEOPLE, NOBODY])
        request["mailbox"] = rng.choice([person, person.upper()])
        scope = scope.narrowed(Scope({person}))
    if rng.random() < 0.3:
        request["department"] = rng.choice([*DEPARTMENTS, "unknown"])
        scope = scope.narrowed(Scope(set(DEPARTMENTS.get(request["department"], ()))))
    of, until = random_span(rng)
    request.update({name: stamp(time) for name, time in (("after", of), ("before", until)) if time})
    return request, scope.narrowed(Scope(None, of, until)), holds


# ---- the archive ----

class Archive:
    def __init__(self):
        self.rng = random.Random(SEED)
        self.site = Site()
        self.messages = {}

    def fill(self):
        site = self.site
        site.init()
        for name, people in DEPARTMENTS.items():
            site.run("department", "set", name, *people)
        secret = site.add_user("eve", PASSWORD)
        site.start("lmtpd", "queryd", "workerd")
        with site.lmtp() as c:
            for number in range(MESSAGES):
                m = Message(self.rng, number)
                code, text = c.send(m.raw, m.sender.encode(), [r.encode() for r in m.recipients])[0]
                assert code == 250, text
                self.messages[archive_id(text)] = m
        self.api = site.api("eve", PASSWORD, secret)
        wait_until("all is indexed", lambda: site.rows("SELECT count(*) FROM outbox")[0][0] == 0, 60, 0.1)
        return self

    def grant(self, arguments):
        self.site.run("user", "scope", "eve", *arguments)

    def search(self, request):
        """(ids in order, the last page)."""
        found, cursor = [], None
        while True:
            status, page = self.api.json("POST", "/api/v1/search/emails/", {**request, **({"cursor": cursor} if cursor else {})})
            assert status == 200, page
            found += [hit["id"] for hit in page["hits"]]
            cursor = page["next_cursor"]
            if not cursor:
                return found, page


@pytest.fixture(scope="module")
def archive():
    a = Archive()
    try:
        yield a.fill()
    finally:
        a.site.close()


def check_search(a, scope, granted):
    request, narrower, holds = random_request(a.rng)
    said = granted, request
    within = {id for id, m in a.messages.items() if scope.narrowed(narrower).covers(m)}
    expected = {id for id in within if holds(a.messages[id].words)}
    found, page = a.search(request)
    assert len(found) == len(set(found)) and set(found) == expected, said
    assert page["total"] == len(expected), said
    kinds = [a.messages[id].kind for id in within]
    del page["coverage"]["generation"]
    assert page["coverage"] == {"in_scope": len(within), "not_indexed": 0, "truncated": kinds.count("truncated"),
                                "unreadable": kinds.count("encrypted"), "exact": True}, said
    check_facets([a.messages[id] for id in expected], scope.narrowed(narrower), request.get("facets", ()), page.get("facets", {}), said)


def check_facets(found, scope, wanted, facets, said):
    """Each value is counted once for a message that was found; a department by those of its mailboxes that are in the scope."""
    values = {
        "sender": lambda m: m.senders, "attachment_type": lambda m: m.types, "month": lambda m: {m.date.strftime("%Y-%m")},
        "department": lambda m: {name for name, people in DEPARTMENTS.items()
                                 if m.people & (set(people) if scope.people is None else set(people) & scope.people)}}
    assert set(facets) == set(wanted), said
    for name in wanted:
        counts = collections.Counter(value for m in found for value in values[name](m))
        order = sorted(counts.items(), reverse=True) if name == "month" else sorted(counts.items(), key=lambda v: (-v[1], v[0]))
        assert facets[name] == {"values": [{"value": v, "count": n} for v, n in order], "more": False, "exact": True}, (name, said)


def conversation(messages, first):
    """The messages that share a name with the first, or with one that does."""
    found, names = {first}, set(messages[first].names)
    while True:
        more = {id for id, m in messages.items() if id not in found and m.names & names}
        if not more:
            return found
        found |= more
        names = names.union(*(messages[id].names for id in more))


def check_conversations(a, scope):
    visible = {id: m for id, m in a.messages.items() if scope.covers(m)}
    for id in a.rng.sample(sorted(a.messages), 3):
        status, answer = a.api.json("GET", "/api/v1/archive/emails/%s/conversation" % id)
        if id not in visible:
            assert status == 404
            continue
        ids = [item["id"] for item in answer["items"]]
        assert status == 200 and answer["complete"] and set(ids) == conversation(visible, id), id
        assert [a.messages[i].date for i in ids] == sorted(a.messages[i].date for i in ids) and len(ids) == len(set(ids))


def check_reading(a, scope):
    """What is outside is answered as what does not exist."""
    _, nothing, _ = a.api.call("GET", "/api/v1/archive/emails/01930000-0000-7000-8000-000000000000/")
    for id in a.rng.sample(sorted(a.messages), 6):
        m = a.messages[id]
        for path in ("", "content", "attachments/0", "attachments/9"):
            status, body, _ = a.api.call("GET", "/api/v1/archive/emails/%s/%s" % (id, path))
            if not scope.covers(m):
                assert (status, body) == (404, nothing), (id, path)
            elif path == "content":
                assert (status, body) == (200, m.raw)
            else:
                assert status == (404 if path == "attachments/9" or (path and not m.types) else 200)


def test_scopes_agree_with_the_oracle(archive, request):
    request.node.servers = [archive.site]
    for _ in range(SCOPES):
        scope, arguments = random_grant(archive.rng)
        archive.grant(arguments)
        for _ in range(REQUESTS):
            check_search(archive, scope, arguments)
        check_reading(archive, scope)
        check_conversations(archive, scope)
