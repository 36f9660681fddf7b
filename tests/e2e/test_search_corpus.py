"""What an investigator finds in the mail of an insurer: one customer's policy and two claims among six thousand other
messages and a hundred and fifty that are made to be mistaken for them. By the grading key that comes with that mail:
plain queries find what must be found and nothing that must not."""
import email
import email.policy
import glob
import hashlib
import os
import re
import uuid

import pytest

from stack import Missing
from stack.process import wait_until
from stack.site import TOP, Site

CORPUS = os.environ.get("STRONGROOM_CORPUS", os.path.join(TOP, "../shared/corpus"))
MAIL = os.path.join(CORPUS, "mxhero-marina", "Marina Harbor")
PASSWORD = "correct horse battery staple"
CUSTOMER = "tbrennan@harborpointmarina.com"

pytestmark = pytest.mark.heavy

# By the key: the numbers of the claim's messages in insurance-marina.
CLAIM_2024 = {*range(15, 34), 35, 36, 38, 39}

POLICY = "6 8 10 11 12 13 14 15 16 17 18 19 20 21 23 40"

# Query → the numbers that it finds, and nothing else in all the mail.
ONLY = {
    # numbers of policies and claims, in any way to write them
    "MPP-2011-44873": POLICY, "mpp-2011-44873": POLICY, '"MPP-2011-44873"': POLICY, "44873": POLICY, "policy: MPP-2011-44873 NOT claim NOT coverage": "8",
    "CLM-2024-10592": "16 17 18 21 22 26 27 28 29 30 31 32 38 39", "CLM-2024-1059*": "16 17 18 21 22 26 27 28 29 30 31 32 38 39",
    "CLM-2011-3320": "11 20", "CLM-2024-8841": "34", "MPP-2011-4487": "", "CLM-2024-1059": "", "44873 NOT date:2024": "6 8 10 11 12 13 14",
    # the needle, from several sides
    '"Endorsement #3" "MPP-2011-44873" date:2011-06': "6", "from:k.whitfield@meridianmutual.com has:attachment": "6",
    "attachment:Endorsement_3_Dock_Boathouse.pdf": "6", 'attachment:"dock boathouse" "harbor point"': "4 5 6", "attachment:endors*": "6",
    'subject:"Endorsement #3 CONFIRMED" to:tbrennan': "6", "date:2011-06-09 has:attachment": "6",
    "message-id:<1783362079961474000.6530500d094ae725.6@localhost>": "6", '"This is the confirmation that the dock and boathouse are covered"': "6",
    # entities of nearly the same name
    '"Harbor Point Marina"': "1 2 3 4 5 6 7 15 26", '"harbor point marina" confirming': "6",
    "from:@harborpointmarina.com": "4 7 10 14 15 24 31 33 39", "tbrennan@harborpointmarina.com CLM-2024-8841": "34",
    "to:%s date:2011" % CUSTOMER: "6 8 11 13",
    # amounts and words
    "$340,000": "4 5 6 11 20 23 28 29 30 32 38", '"340,000" date:2024': "20 23 28 29 30 32 38", "15,900": "13",
    "44873 migration": "17 18 20 21", "glass from:meridian to:brennan": "34", "subject:umbrella to:brennan": "37",
    # dates, attachments
    "has:attachment": "1 4 5 6 13 14 15 23 25 26 27 30 31 32 34 37 38 40", "has:attachment before:2012": "1 4 5 6 13 14",
    "has:attachment date:2011-06..2011-12": "6 13 14", "attachment:Coverage_Determination_Letter_2024": "30", "attachment:pdf NOT has:attachment": "",
    "attachment:(endorsement OR appraisal)": "4 5 6", "has:attachment CLM-2024-10592 from:r.kim@meridianmutual.com": "26 30 32 38",
    # people
    '"Karen Whitfield" "Thomas Brennan" 340,000': "6 20", 'from:"Karen Whitfield" to:"Thomas Brennan"': "6", "from:alcott to:whitfield": "1 3 5",
    "from:(kim OR delgado) to:brennan": "16 23 30 32 38",
}

# Query → a number that it must find, and what all that it finds must hold (a regular expression).
HOLDS = {
    '"Endorsement #3"': (6, "endorsement #3"), '"Harbor Point"': (1, "harbor point"), "migration": (18, "migration"), '"nor\'easter"': (15, "nor'easter"),
    '"dock & boathouse"': (6, r"dock[\W_]+boathouse"), "subject:confirmed": (6, "confirmed"), '"replacement cost"': (20, r"replacement\Wcost"),
    "June 15, 2011": (6, "june 15, 2011"),
}

# Names that only the other mail has.
STRANGERS = ['"Harbor Point Yacht Club"', '"Harbor Point Condominium Association"', '"harbor point" NOT marina']


def text_of(m):
    body = m.get_body(("plain", "html"))
    words = [m["subject"] or "", body.get_content() if body else "", *(a.get_filename() or "" for a in m.iter_attachments())]
    return re.sub(r"\s+", " ", " ".join(words)).lower()


class Mail:
    """By SHA-256: the folder of a message, its number there, its text."""
    def __init__(self):
        self.known = {}
        for path in glob.glob(os.path.join(glob.escape(MAIL), "insurance-*", "emls", "*.eml")):
            with open(path, "rb") as f:
                raw = f.read()
            folder, number = re.search(r"insurance-([a-z-]+)/emls/Email-(\d+)\.eml$", path).groups()
            m = email.message_from_bytes(raw, policy=email.policy.default)
            self.known[hashlib.sha256(raw).hexdigest()] = (folder, int(number), text_of(m))


def coverage(api):
    """(messages in the scope, those of them that are not indexed yet)."""
    found = api.search()["coverage"]
    return found["in_scope"], found["not_indexed"]


class Archive:
    def __init__(self):
        self.site = Site()
        self.site.init()
        secrets = {"eve": self.site.add_user("eve", PASSWORD, "--all"), "tom": self.site.add_user("tom", PASSWORD, "--mailbox", CUSTOMER)}
        mail = Mail().known
        self.site.run("import", MAIL)
        self.ids = {str(uuid.UUID(bytes=i)): mail[sha.hex()] for i, sha in self.site.rows("SELECT id, sha256 FROM message")}
        assert len(self.ids) == len(mail)
        self.site.start("queryd", "workerd")
        self.eve, self.tom = (self.site.api(name, PASSWORD, secrets[name]) for name in ("eve", "tom"))
        wait_until("all messages are indexed", lambda: coverage(self.eve) == (len(mail), 0), 120)

    def find(self, query, api=None, **more):
        """(folder, number, text) of all that is found."""
        found, cursor = [], None
        api = (api or self.eve).another()    # one that nobody has closed for having been idle
        while True:
            answer = api.search(query, limit=500, **more, **({"cursor": cursor} if cursor else {}))
            found += [self.ids[h["id"]] for h in answer["hits"]]
            cursor = answer["next_cursor"]
            if not cursor:
                assert answer["total"] == len(found)
                return found

    def numbers(self, query, **more):
        """Of insurance-marina, when nothing else is found."""
        found = self.find(query, **more)
        assert {folder for folder, _, _ in found} <= {"marina"}
        return {number for _, number, _ in found}


@pytest.fixture(scope="module")
def archive():
    if not os.path.isdir(MAIL):
        raise Missing("no corpus at %s (STRONGROOM_CORPUS says where)" % os.path.relpath(CORPUS, TOP))
    a = Archive()
    yield a
    a.site.close()


@pytest.mark.parametrize("query", ONLY)
def test_finds_these_and_nothing_else(archive, query):
    assert archive.numbers(query) == {int(n) for n in ONLY[query].split()}


@pytest.mark.parametrize("query", HOLDS)
def test_all_that_is_found_holds_it(archive, query):
    number, pattern = HOLDS[query]
    found = archive.find(query)
    assert number in {n for folder, n, _ in found if folder == "marina"}
    assert [t for _, _, t in found if not re.search(pattern, t)] == []


@pytest.mark.parametrize("text", ["mpp-2011-44873", "clm-2024-10592", "harbor point yacht club", "endorsement #3", "boathouse"])
def test_no_message_with_it_is_missed(archive, text):
    found = {(folder, n) for folder, n, _ in archive.find('"%s"' % text)}
    assert found == {(folder, n) for folder, n, t in archive.ids.values() if text in t}


@pytest.mark.parametrize("query", STRANGERS)
def test_another_entity_stays_apart(archive, query):
    found = archive.find(query)
    assert found and {folder for folder, _, _ in found} == {"distractors"}


@pytest.mark.parametrize("query", [
    "(CLM-2024-10592 OR harborpointmarina.com) date:2024-02..2024-12 NOT subject:(glass OR umbrella OR renewal)",
    '(CLM-2024-10592 OR MPP-2011-44873 OR "Thomas Brennan") date:2024 NOT subject:(glass OR umbrella OR renewal)'])
def test_the_whole_trail_of_the_claim(archive, query):
    """Half of its messages don't name the claim: who wrote to whom in these weeks finds them."""
    assert archive.numbers(query) == CLAIM_2024


def test_the_earlier_claim(archive):
    assert {10, 11, 12, 13, 14} <= archive.numbers("MPP-2011-44873 date:2011-12..2012-06") <= {8, 10, 11, 12, 13, 14}


def test_fields_of_the_request_narrow_as_the_query_does(archive):
    assert archive.numbers("confirming", mailbox=CUSTOMER, after="2011-06-09", before="2011-06-10") == {6}
    assert archive.numbers("date:2011-06-09", mailbox=CUSTOMER) == archive.numbers("", mailbox=CUSTOMER, after="2011-06-09", before="2011-06-10")


def test_the_customers_scope(archive):
    """Every query again: within the scope, what it finds of the customer's own mail and nothing else, in the count too."""
    own = {number for _, number, _ in archive.find("", archive.tom)}
    assert coverage(archive.tom.another()) == (len(own), 0) and 9 not in own
    for query in ONLY:
        assert {n for _, n, _ in archive.find(query, archive.tom)} == archive.numbers(query) & own, query
    for query in STRANGERS:
        assert archive.find(query, archive.tom) == []
