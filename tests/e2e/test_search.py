"""Finding mail of many scripts and charsets, captured over LMTP and asked for over HTTPS."""
import re

import pytest

from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"


def mail(subject, text, charset="utf-8", sender="sender@example.net", day="15 Jun 2011", more=""):
    """The header is UTF-8 as in SMTPUTF8 mail; the body is in that charset, eight bits as they are."""
    head = ("From: %s\r\nTo: bob@example.org\r\nSubject: %s\r\nDate: %s 10:00:00 +0000\r\n%sMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" % (sender, subject, day, more, charset))
    return head.encode() + text.encode(charset).replace(b"\n", b"\r\n") + b"\r\n"


MAILS = {
    "tokyo": mail("会議", "会議は東京都庁で行います。", "iso-2022-jp"),
    "osaka": mail("大阪", "大阪城の写真", "shift_jis"),
    "beijing": mail("北京", "北京大学的报告", "gb18030"),
    "seoul": mail("회의", "서울특별시에서 회의", "euc-kr"),
    "bangkok": mail("ประชุม", "ฉันจะไปประชุมที่กรุงเทพมหานครพรุ่งนี้", "tis-620"),
    "moscow": mail("=?koi8-r?Q?=EF=D4=DE=A3=D4?=", "Готовый отчёт", "koi8-r"),
    "koeln": mail("=?iso-8859-1?Q?Gr=FC=DFe_aus_K=F6ln?=", "Die Straße zum Café", "iso-8859-1"),
    "hanoi": mail("Tiếng Việt", "Báo cáo tài chính", "utf-8"),
    "alice": mail("report", "Annual report <b>& costs</b>", sender="Alice <alice@example.org>", day="01 Jan 2012"),
    "malice": mail("late report", "The report is late", sender="malice@example.org", day="31 Dec 2012"),
    "bobalice": mail("other", "Nothing", sender="bob.alice@example.org", day="01 Jan 2013",
                     more="Message-ID: <Strange$Id.42@mail.example.org>\r\n"),
}

FOUND = {
    "東京": "tokyo", "都庁": "tokyo", "京": "tokyo beijing", "会議": "tokyo", "大阪城": "osaka", "写真": "osaka", "北京": "beijing",
    "报告": "beijing", "特別": "", "특별": "seoul", "회의": "seoul",
    "ประชุม": "bangkok", "กรุงเทพมหานคร": "bangkok",
    "отчет": "moscow", "ОТЧЁТ": "moscow", "strasse": "koeln", "STRASSE": "koeln", "cafe": "koeln", "CAFÉ": "koeln", "gruss*": "koeln",
    "grusse": "koeln", "koln": "koeln", "tieng viet": "hanoi", "bao cao": "hanoi",
    "report": "alice malice", "rep*": "alice malice", "subject:late": "malice", "\"annual report\"": "alice", "\"report annual\"": "",
    "from:alice@example.org": "alice", "alice@example.org": "alice", "from:alice": "alice bobalice", "from:@example.org":
    "alice malice bobalice", "alice@exa*": "alice", "message-id:strange$id.42@mail.example.org": "bobalice",
    "report NOT late": "alice", "late OR annual": "alice malice", "report date:2012-01-01": "alice", "date:2012": "alice malice",
    "date:2012-12-31..2013": "malice bobalice", "date:>2012": "bobalice", "from:alice (report OR size:>1G)": "alice", "nowhere": "",
}


class Archive:
    def __init__(self):
        self.site = Site()
        self.site.init()
        secrets = {"eve": self.site.add_user("eve", PASSWORD, "--all"),
                   "mal": self.site.add_user("mal", PASSWORD, "--mailbox", "alice@example.org")}
        self.site.start("lmtpd", "queryd")
        self.ids = {}
        with self.site.lmtp() as c:
            for name, raw in MAILS.items():
                sender = b"alice@example.org" if name == "alice" else b"sender@example.net"
                code, text = c.send(raw, sender, [b"bob@example.org"], args=b" SMTPUTF8")[0]
                assert code == 250, text
                self.ids[text.split()[-1].decode()] = name
        self.eve = self.site.api("eve", PASSWORD, secrets["eve"])
        self.mal = self.site.api("mal", PASSWORD, secrets["mal"])
        wait_until("all messages are indexed", lambda: self.eve.search()["total"] == len(MAILS))

    def find(self, query, api=None, **more):
        """The names of what is found, newest first."""
        answer = (api or self.eve).search(query, **more)
        assert answer["total"] == len(answer["hits"]) or answer["next_cursor"]
        return [self.ids[h["id"]] for h in answer["hits"]]


@pytest.fixture(scope="module")
def archive():
    a = Archive()
    yield a
    a.eve.close()
    a.mal.close()
    a.site.close()


@pytest.mark.parametrize("query", FOUND)
def test_finds(archive, query):
    assert sorted(archive.find(query)) == sorted(FOUND[query].split())


def test_newest_first_and_by_pages(archive):
    everything = archive.find("")
    assert everything[:3] == ["bobalice", "malice", "alice"]
    cursor, pages = None, []
    while True:
        answer = archive.eve.search("", limit=4, **({"cursor": cursor} if cursor else {}))
        pages += [archive.ids[h["id"]] for h in answer["hits"]]
        assert answer["total"] == len(MAILS)
        cursor = answer["next_cursor"]
        if not cursor:
            break
    assert pages == everything


def test_snippets_mark_hits_and_are_safe_to_show(archive):
    snippets = {q: archive.eve.search(q)["hits"][0]["snippet"] for q in ("annual", "costs", "東京", "strasse", "subject:late")}
    assert snippets["annual"].strip() == "<mark>Annual</mark> report &lt;b&gt;&amp; costs&lt;/b&gt;"
    assert "<mark>costs</mark>" in snippets["costs"]
    assert "<mark>東京</mark>都庁" in snippets["東京"]
    assert "<mark>Straße</mark>" in snippets["strasse"]
    assert snippets["subject:late"].strip() == "<mark>late</mark> report"
    for s in snippets.values():
        assert not re.search(r"<(?!/?mark>)", s)


def test_a_scope_shows_its_own_mail_only(archive):
    assert archive.find("", archive.mal) == ["alice"]
    for query in ("late", "malice@example.org", "NOT report", "size:>=0 NOT from:alice@example.org", "東京 OR 大阪"):
        answer = archive.mal.search(query)
        assert (answer["total"], answer["hits"], answer["next_cursor"]) == (0, [], None)


@pytest.mark.parametrize("query, position, says", [
    ("(report", 0, "never closed"), ("report AND", 10, "missing at the end"), ("sender:bob", 0, "no field"), ("date:soon", 5, "No such date"),
    ("größe \"x", 8, "quote"), ("re*port", 2, "only at the end"), ("&", 0, "no letter or digit"), ("NOT NOT x", 4, "twice")])
def test_a_bad_query_says_where_and_why(archive, query, position, says):
    status, problem = archive.eve.json("POST", "/api/v1/search/emails/", {"query": query})
    assert status == 400
    assert problem["position"] == position
    assert says in problem["detail"]


def test_a_foreign_cursor_is_refused(archive):
    status, _ = archive.eve.json("POST", "/api/v1/search/emails/", {"query": "", "cursor": "0" * 24})
    assert status == 400
