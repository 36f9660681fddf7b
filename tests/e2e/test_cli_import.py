"""strongroom import: bytes, envelopes, resuming, and an honest account."""
import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest

FROM = b"From alice@example.org Mon Jan  5 12:00:00 2026\n"


def mail(n, more=b"", body=b"body\n"):
    return b"Return-Path: <alice@example.org>\nDelivered-To: bob@example.org\n%sSubject: number %d\n\n%s" % (more, n, body)


def account(out):
    names = ("offered", "archived", "already there", "refused")
    return tuple(int(re.search(r"^%s +(\d+)$" % name, out, re.M)[1]) for name in names)


def refused(out):
    return re.findall(r"^refused (\S.*): (.*)$", out, re.M)


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


def archived(site):
    return sorted(site.store.read(name) for name in site.objects())


def test_every_kind_of_source_keeps_its_bytes(site):
    crlf = mail(1).replace(b"\n", b"\r\n")
    odd = mail(2, body=b"\0\xff bare \r and no end")
    box = [mail(3), mail(4, body=b"a\n\n>From the sea\n\n\n"), mail(5, body=b"From now on it is text\n")]
    maildir = [mail(6), mail(7), mail(8), mail(9)]
    write(site.path("in", "one.eml"), crlf)
    write(site.path("in", "deep", "er", "TWO.EML"), odd)
    write(site.path("in", "box.mbox"), b"".join(FROM + m + b"\n" for m in box))
    for i, (folder, m) in enumerate(zip(("cur", "new", ".Sent/cur", ".Sent/new"), maildir)):
        write(site.path("in", "Maildir", folder, "170000%d.M1P1.host:2,S" % i), m)
    for folder in ("tmp", ".Sent/tmp"):
        write(site.path("in", "Maildir", folder, "half"), b"half a message")
    write(site.path("in", "Maildir", "dovecot-uidlist"), b"3 V1")
    write(site.path("in", "notes.txt"), b"no mail")
    status, out, _ = site.run("import", site.path("in"))
    assert account(out) == (9, 9, 0, 0) and "1 files named neither" in out
    assert archived(site) == sorted([crlf, odd, *box, *maildir])


def test_file_without_a_name_of_its_own_and_standard_input(site):
    path = write(site.path("message"), mail(1))
    assert account(site.run("import", path)[1]) == (1, 1, 0, 0)
    box = FROM + mail(2) + b"\n" + FROM + mail(3) + b"\n"
    assert account(site.run("import", "-", input=box.decode())[1]) == (2, 2, 0, 0)
    assert archived(site) == sorted([mail(1), mail(2), mail(3)])


def test_mboxrd_is_unquoted_when_asked(site):
    body = b"x\n\n>From a\n>>From b\n> From c\n"
    path = write(site.path("box"), FROM + mail(1, body=body) + b"\n")
    site.run("import", "--mboxrd", path)
    assert archived(site) == [mail(1, body=b"x\n\nFrom a\n>From b\n> From c\n")]


def test_envelope(site):
    write(site.path("in", "1.eml"), mail(1, b"X-Original-To: list@example.org\n"))
    write(site.path("in", "2.mbox"), b"From carol@example.org Mon Jan  5 12:00:00 2026\nSubject: number 2\n\nx\n\n")
    site.run("import", site.path("in"))
    site.add_user("eve", "correct horse battery", "--all")
    rows = {r["subject"]: r for r in rows_of(site)}
    assert rows["number 1"]["evidence"]["client"].endswith("1.eml")
    assert rows["number 2"]["evidence"]["client"].endswith("2.mbox:0")
    assert rows["number 1"]["envelope"] == [(1, "alice@example.org"), (2, "bob@example.org"), (2, "list@example.org")]
    assert rows["number 2"]["envelope"] == [(1, "carol@example.org")]
    given = write(site.path("3.eml"), mail(3))
    site.run("import", "--rcpt", "x@example.org", "--rcpt", "y@example.org", given)
    rows = {r["subject"]: r for r in rows_of(site)}
    assert rows["number 3"]["envelope"] == [(1, "alice@example.org"), (2, "x@example.org"), (2, "y@example.org")]


def test_links_lead_nowhere(site):
    """Root reads everybody's files: an owner of a Maildir must not choose which."""
    secret = write(site.path("secret"), mail(9))
    box = site.path("box")
    for name in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(box, name))
    write(os.path.join(box, "new", "1"), mail(1))
    os.symlink(secret, os.path.join(box, "new", "2"))
    os.symlink(secret, os.path.join(box, "3.eml"))
    status, out, _ = site.run("import", box, check=False)
    assert status == 1 and account(out) == (3, 1, 0, 2) and out.count("is a symbolic link") == 2
    assert archived(site) == [mail(1)]
    os.symlink(secret, site.path("named.eml"))
    assert account(site.run("import", site.path("named.eml"))[1]) == (1, 1, 0, 0) # whoever names it wants it


def test_a_link_that_takes_a_directory_s_place(site):
    """While it is read, as its owner may do at any moment."""
    box, hidden = site.path("box"), site.path("hidden")
    for name in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(box, name))
    secret = mail(1000)
    for i in range(300):
        write(os.path.join(box, "new", "%d" % i), mail(i))
        write(os.path.join(hidden, "%d" % i), secret)
    there, aside = os.path.join(box, "new"), os.path.join(box, "aside")
    ended = threading.Event()

    def swap():
        while not ended.is_set():
            time.sleep(0.01)
            os.rename(there, aside)
            os.symlink(hidden, there)
            time.sleep(0.002)
            os.unlink(there)
            os.rename(aside, there)
    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(5):
            site.run("import", box, check=False)
    finally:
        ended.set()
        swapper.join()
    site.run("import", box)
    assert archived(site) == sorted(mail(i) for i in range(300))


def rows_of(site):
    rows = [dict(r) for r in site.rows("SELECT * FROM message")]
    for row in rows:
        row["evidence"] = json.loads(row["evidence"])
        row["envelope"] = []
    envelope = {row["id"]: row["envelope"] for row in rows}
    for id, role, address in site.rows("SELECT message_id, role, address FROM participant WHERE role IN (1, 2) AND address != '' "
                                       "ORDER BY message_id, position"):
        envelope[id].append((role, address))
    return rows


def test_again_finds_everything_there(site):
    for i in range(20):
        write(site.path("in", "%d.eml" % i), mail(i % 15))
    assert account(site.run("import", site.path("in"))[1]) == (20, 15, 5, 0)
    assert account(site.run("import", site.path("in"))[1]) == (20, 0, 20, 0)
    site.run("import", "--rcpt", "other@example.org", site.path("in", "1.eml"))
    assert len(rows_of(site)) == 16  # the same bytes to somebody else are another capture


def test_refusals_are_listed_and_do_not_stop_it(site):
    site.write_conf(message_size_max="4K")
    write(site.path("in", "big.eml"), mail(1, body=b"x" * 5000))
    write(site.path("in", "empty.eml"), b"")
    write(site.path("in", "good.eml"), mail(2))
    write(site.path("in", "box.mbox"), FROM + mail(3, body=b"y" * 70000 + b"\n") + b"\n" + FROM + mail(4) + b"\n")
    os.makedirs(site.path("in", "folder.eml", "cur", "x"))
    os.makedirs(site.path("in", "folder.eml", "new"))
    status, out, _ = site.run("import", site.path("in"), site.path("nowhere"), check=False)
    assert status == 1
    assert sorted((os.path.basename(where), why) for where, why in refused(out)) == [
        ("big.eml", "is larger than message_size_max, which is 4096 bytes"),
        ("box.mbox:0", "is larger than message_size_max, which is 4096 bytes"),
        ("empty.eml", "is empty"),
        ("nowhere", "No such file or directory"),
        ("x", "is no regular file"),
    ]
    assert account(out) == (7, 2, 0, 5)
    assert archived(site) == sorted([mail(2), mail(4)])


def test_root_may_import_what_the_account_may_not_read(site):
    if os.geteuid():
        pytest.skip("needs root")
    path = write(site.path("private", "1.eml"), mail(1))
    os.chmod(path, 0o600)
    os.chmod(site.path("private"), 0o700)
    probe = subprocess.run(["setpriv", "--reuid", site.user, "--clear-groups", "--inh-caps", "+dac_read_search", "--ambient-caps",
                            "+dac_read_search", "cat", path], capture_output=True)
    if probe.returncode:
        pytest.skip("this machine does not grant CAP_DAC_READ_SEARCH to root")
    assert account(site.run("import", site.path("private"))[1]) == (1, 1, 0, 0)
    uid, _ = site.owner()
    for place in (site.path("spool"), *site.store.places, *site.meta.places, *site.index.places):
        for base, _, files in os.walk(place):
            assert all(os.stat(os.path.join(base, f)).st_uid == uid for f in files), base


def large_box(site, n):
    path = site.path("large.mbox")
    with open(path, "wb") as f:
        for i in range(n):
            f.write(FROM + mail(i, body=b"%d\n" % i * 200) + b"\n")
    return path


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_and_resumed(site, sig):
    path = large_box(site, 3000)
    p = subprocess.Popen([site.program("strongroom"), "import", path], env=site.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while p.poll() is None and len(site.objects()) < 50:
        pass
    p.send_signal(sig)
    out, _ = p.communicate()
    before = len(site.objects())
    if sig == signal.SIGINT and p.returncode != 0:
        assert p.returncode == 1 and b"stopped early: run it again" in out
        offered, done, known, bad = account(out.decode())
        assert offered == done and (known, bad) == (0, 0) and done == before
    _, out, _ = site.run("import", path)
    offered, done, known, bad = account(out)
    assert (offered, done + known, bad) == (3000, 3000, 0)
    rows = rows_of(site)
    assert len(rows) == 3000 and len({r["sha256"] for r in rows}) == 3000
    for r in rows[::100]:
        assert hashlib.sha256(site.store.at(r)).digest() == r["sha256"]


def test_gives_up_on_a_broken_store_and_goes_on_when_it_is_mended(site):
    if os.geteuid() == 0 and not site.user:
        pytest.skip("root can write everywhere")
    path = large_box(site, 100)
    with site.store.refusing():
        status, out, err = site.run("import", path, check=False)
        assert status == 70 and err
        assert "run it again" in out
        offered, done, known, bad = account(out)
        assert (done, known) == (0, 0) and 0 < bad == offered < 100
    assert account(site.run("import", path)[1])[0] == 100
    assert len(rows_of(site)) == 100


def test_import_without_an_index(site):
    path = large_box(site, 30)
    with site.index.broken():
        assert account(site.run("import", path)[1]) == (30, 30, 0, 0)
        s = json.loads(site.run("status", "--json", check=False)[1])
    assert s["outbox"] == 30 and s["outbox_oldest"]
    site.run("reindex")
    s = json.loads(site.run("status", "--json")[1])
    assert (s["indexed"], s["outbox"]) == (30, 0)
    assert site.run("check")[0] == 0
