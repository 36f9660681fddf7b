"""The operator's command: setting up, users, checking, rebuilding the index, and what it says when something is wrong."""
import fcntl
import json
import os
import pwd
import pty
import re
import signal
import stat
import subprocess
import termios

import pytest

PASSWORD = "correct horse battery"
MAIL = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: %s\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\nbody %s\r\n"


def problems(site, *more):
    """[(what, remedy)] of `strongroom check`, and its status."""
    status, out, _ = site.run("check", *more, check=False)
    lines = out.splitlines()
    found = []
    for i, line in enumerate(lines):
        if line.startswith("problem: "):
            remedy = lines[i + 1].strip() if i + 1 < len(lines) and "remedy:" in lines[i + 1] else ""
            found.append((line[len("problem: "):], remedy.replace("remedy: ", "")))
    assert status == (1 if found else 0), out
    return found


def audit(site):
    return [dict(r) for r in site.rows("SELECT * FROM audit_intent ORDER BY id", database="control")]


def import_some(site, n):
    folder = site.path("some")
    os.makedirs(folder, exist_ok=True)
    for i in range(n):
        with open(os.path.join(folder, "%d.eml" % i), "wb") as f:
            f.write(MAIL % (b"number %d" % i, b"%d" % i))
    return site.run("import", folder)


# ---- init ----

def test_init_can_be_repeated_and_leaves_everything_alone(site):
    watched = [p for p in (site.path("keys"), site.path("tls"), site.path("index"), site.path("meta")) if os.path.isdir(p)]
    before = {p: {f: os.stat(os.path.join(p, f)).st_mtime_ns for f in os.listdir(p) if not re.search(r"-(wal|shm)$|\.lock$", f)}
              for p in watched}
    key = open(site.path("keys", "seal.key"), "rb").read()
    status, out, _ = site.init()
    assert status == 0 and "made " not in out
    after = {p: {f: os.stat(os.path.join(p, f)).st_mtime_ns for f in before[p]} for p in watched}
    assert open(site.path("keys", "seal.key"), "rb").read() == key
    assert after[site.path("keys")] == before[site.path("keys")] and after[site.path("tls")] == before[site.path("tls")]


@pytest.mark.embedded("breaks the index's file")
def test_init_goes_on_beside_a_broken_index(site):
    """It is repeated after upgrades; the index is made anew by workerd, which starts after it."""
    index = site.path("index", "index.db")
    with open(index, "r+b") as f:
        f.write(b"no database")
    status, out, _ = site.init()
    assert status == 0 and "index to be made anew: " in out
    with open(index, "rb") as f:
        assert f.read(11) == b"no database"


def test_init_makes_private_places_for_the_account(site):
    uid, _ = site.owner()
    private = [site.path("spool"), site.path("keys"), *site.store.places, *site.meta.places, *site.index.places]
    for place, mode in [(site.path("run"), 0o755), *((place, 0o700) for place in private)]:
        st = os.stat(place)
        assert (st.st_uid, stat.S_IMODE(st.st_mode)) == (uid, mode), place
    for base, _, files in os.walk(site.path("keys")):
        assert files and all(stat.S_IMODE(os.stat(os.path.join(base, f)).st_mode) == 0o600 for f in files)


def test_init_certificate_is_good_for_its_names(new_site):
    site = new_site()
    site.run("init", "--trial-tls", "archive.example.org,192.0.2.7")
    tls = site.path("tls")
    for name in ("-verify_hostname archive.example.org", "-verify_hostname localhost", "-verify_ip 192.0.2.7", "-verify_ip 127.0.0.1"):
        r = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", tls + "/ca.crt", *name.split(),
                            tls + "/cert.pem"], capture_output=True, text=True)
        assert r.returncode == 0, r.stderr
    assert stat.S_IMODE(os.stat(tls + "/key.pem").st_mode) == 0o600
    os.unlink(tls + "/key.pem")
    status, _, err = site.run("init", "--trial-tls", "x", check=False)
    assert status == 1 and "cert.pem is there without" in err


def test_init_without_the_account(new_site):
    if os.geteuid():
        pytest.skip("needs root")
    site = new_site(user="nosuchaccount")
    status, _, err = site.run("init", check=False)
    assert status == 1 and "there is no account nosuchaccount" in err and "adduser" in err
    assert not os.path.exists(site.path("spool"))


# ---- users ----

def test_user_can_sign_in_with_what_was_printed(site):
    secret = site.add_user("alice", PASSWORD, "--mailbox", "alice@example.org", "--from", "2026-01-01", "--until", "2026-12-31")
    site.start("queryd")
    assert site.api("alice", PASSWORD, secret)


def test_user_is_audited_without_secrets(site):
    secret = site.add_user("alice", PASSWORD, "--mailbox", "alice@example.org")
    rows = [r for r in audit(site) if r["action"] == "account.create"]
    assert len(rows) == 1
    detail = json.loads(rows[0]["detail"])
    assert detail["username"] == "alice" and detail["mailboxes"] == "alice@example.org"
    assert rows[0]["strength"] == "operator" and rows[0]["actor"]
    assert PASSWORD not in str(rows) and secret not in str(rows)


def test_audit_names_who_gave_the_command(site):
    """Not the account that the command goes on as; sudo's word counts for root alone."""
    me = pwd.getpwuid(os.getuid()).pw_name
    for sudo in ("", "carla"):
        site.run("department", "set", "Legal", "a@example.org", env={"SUDO_USER": sudo})
        assert [r for r in audit(site) if r["action"] == "department.set"][-1]["actor"] == (sudo if sudo and me == "root" else me)


@pytest.fixture(scope="module")
def peopled(shared_site):
    """With one user, for commands that change nothing."""
    shared_site.add_user("alice", PASSWORD)
    return shared_site


@pytest.mark.parametrize("arguments, password, status, says", [
    (["bob"], "elevenchars", 2, "fewer than 12 characters"),
    (["bob"], "", 2, "fewer than 12"),
    (["bob"], "\N{HIRAGANA LETTER A}" * 11, 2, "fewer than 12"),
    (["bob", "--role", "king"], PASSWORD, 1, "king"),
    (["bob", "--department", "nowhere"], PASSWORD, 1, "nowhere"),
    (["bob", "--mailbox", "nobody"], PASSWORD, 2, "no mailbox"),
    (["bob", "--from", "yesterday"], PASSWORD, 2, "no date"),
    (["bob", "--from", "2026-02-01", "--until", "2026-01-01"], PASSWORD, 2, "not before"),
    (["a b"], PASSWORD, 2, "no user name"),
    ([], PASSWORD, 2, "user add NAME"),
    (["bob", "--roles", "x"], PASSWORD, 2, "no option --roles"),
    (["bob", "--role"], PASSWORD, 2, "needs a value"),
])
def test_user_refused(peopled, arguments, password, status, says):
    got, out, err = peopled.run("user", "add", *arguments, input=password + "\n", check=False)
    assert got == status and says in err and "otpauth" not in out


def test_user_twice(site):
    site.add_user("alice", PASSWORD)
    status, _, err = site.run("user", "add", "alice", input=PASSWORD + "\n", check=False)
    assert status == 1 and "there is an account of this name" in err


def talk(site, answers):
    """`strongroom user add alice` at a terminal, giving each answer to the next prompt: (status, all that was shown)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(site.program("strongroom"), ["strongroom", "user", "add", "alice"], site.env())
    shown, asked = b"", 0
    try:
        while True:
            shown += os.read(fd, 4096)
            prompts = len(re.findall(rb"(?:Password for alice|Once more): ", shown))
            if prompts > asked and asked < len(answers):
                os.write(fd, answers[asked].encode() + b"\n")
                asked += 1
    except OSError:
        pass
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_password_at_a_terminal_is_not_shown(site):
    status, shown = talk(site, [PASSWORD, PASSWORD])
    assert status == 0 and PASSWORD not in shown and "otpauth://" in shown and "\N{UPPER HALF BLOCK}" in shown


def test_password_at_a_terminal_must_be_the_same_twice(site):
    status, shown = talk(site, [PASSWORD, PASSWORD + "!"])
    assert status == 2 and "differ" in shown and PASSWORD not in shown


def test_an_interrupted_password_prompt_leaves_the_terminal_as_it_was(site):
    keep, fd = pty.openpty()

    def on_the_terminal():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
    p = subprocess.Popen([site.program("strongroom"), "user", "add", "alice"], stdin=fd, stdout=fd, stderr=fd, env=site.env(),
                         start_new_session=True, preexec_fn=on_the_terminal)
    try:
        shown = b""
        while b"Password for alice: " not in shown:
            shown += os.read(keep, 4096)
        assert not termios.tcgetattr(fd)[3] & termios.ECHO
        os.write(keep, b"\x03")
        assert p.wait(20) == -signal.SIGINT
        assert termios.tcgetattr(fd)[3] & termios.ECHO
    finally:
        p.kill()
        p.wait()
        os.close(keep)
        os.close(fd)


def test_departments_from_a_table(site):
    table = site.path("table.csv")

    def run(text, **kw):
        with open(table, "w", newline="") as f:
            f.write(text)
        return site.run("department", "import", table, **kw)

    site.run("department", "set", "Other", "o@example.org")
    out = run("Id,Department,Mailbox\r\n1,\"Law, and order\",A@example.org\r\n2,Sales,b@example.org\r\n3,\"Law, and order\",c@example.org\r\n")[1]
    assert "2 departments of 3 mailboxes" in out

    def members():
        rows = site.rows("SELECT d.name, m.mailbox FROM department d JOIN department_mailbox m ON m.department_id = d.id", (), "control")
        return {(name, mailbox.decode() if isinstance(mailbox, bytes) else mailbox) for name, mailbox in map(tuple, rows)}

    wanted = {("Other", "o@example.org"), ("Law, and order", "a@example.org"), ("Law, and order", "c@example.org"), ("Sales", "b@example.org")}
    assert members() == wanted
    assert len([r for r in audit(site) if r["action"] == "department.set"]) == 3
    status, _, err = run("Sales,x@example.org\nSales,nobody\n", check=False)
    assert status and "line 2" in err and members() == wanted
    run("Sales,x@example.org\n")
    assert members() == wanted - {("Sales", "b@example.org")} | {("Sales", "x@example.org")}


def test_department(site):
    site.run("department", "set", "legal", "carol@example.org", "dave@example.org")
    site.add_user("alice", PASSWORD, "--department", "legal")
    assert [r for r in audit(site) if r["action"] == "department.set"]
    status, _, _ = site.run("department", "set", "legal", check=False)
    assert status == 2


def found(api):
    """Subjects of all that the user may see; None when the session is over."""
    status, j = api.json("POST", "/api/v1/search/emails/", {})
    assert status in (200, 401)
    return sorted(hit["subject"] for hit in j["hits"]) if status == 200 else None


def password_counts(site):
    return site.api().json("POST", "/api/v1/auth/login", {"username": "alice", "password": PASSWORD})[0]


def test_what_a_user_sees_changes_at_the_next_request(site):
    folder = site.path("mail")
    os.makedirs(folder)
    for name in ("bob", "carol", "dave"):
        with open(os.path.join(folder, name + ".eml"), "wb") as f:
            f.write(b"From: x@example.net\r\nTo: %s@example.org\r\nSubject: %s\r\n\r\nx\r\n" % (name.encode(), name.encode()))
    site.run("import", folder)
    site.run("department", "set", "legal", "bob@example.org", "carol@example.org")
    secret = site.add_user("alice", PASSWORD, "--department", "legal")
    site.start("queryd")
    api = site.api("alice", PASSWORD, secret)
    assert found(api) == ["bob", "carol"]
    site.run("department", "remove", "legal", "Carol@example.org")
    assert found(api) == ["bob"]
    site.run("department", "add", "legal", "dave@example.org")
    assert found(api) == ["bob", "dave"]
    site.run("department", "set", "legal", "dave@example.org")
    assert found(api) == ["dave"]
    site.run("user", "scope", "alice", "--mailbox", "carol@example.org")
    assert found(api) == ["carol"]
    site.run("user", "sign-out", "alice")
    assert found(api) is None
    site.run("user", "disable", "alice")
    assert password_counts(site) == 401
    site.run("user", "enable", "alice")
    assert password_counts(site) == 200
    assert found(api) is None
    actions = [r["action"] for r in audit(site) if r["strength"] == "operator"]
    assert actions == ["department.set", "account.create", "department.remove", "department.add", "department.set", "account.scope",
                       "account.sign-out", "account.disable", "account.enable"]


def test_users_are_listed(site):
    assert site.run("user", "list")[1] == ""
    site.run("department", "set", "legal", "bob@example.org", "carol@example.org")
    site.add_user("zoe", PASSWORD, "--all", "--role", "legal", "--role", "auditor")
    site.add_user("alice", PASSWORD, "--department", "legal", "--mailbox", "dave@example.org", "--from", "2026-01-01", "--until", "2026-01-31")
    site.add_user("kim", PASSWORD)
    site.run("user", "disable", "kim")
    assert site.run("user", "list")[1].splitlines() == [
        "alice: investigator; 3 mailboxes from 2026-01-01T00:00:00Z before 2026-02-01T00:00:00Z",
        "kim: investigator; 0 mailboxes; disabled",
        "zoe: auditor, legal; all mailboxes",
    ]


@pytest.mark.parametrize("arguments, status, says", [
    (["user", "disable", "nobody"], 1, "no account of this name"),
    (["user", "scope", "alice"], 2, "say what the scope is to be"),
    (["user", "scope", "alice", "--all", "--role", "legal"], 2, "are for user add"),
    (["user", "disable", "alice", "--all"], 2, "takes no scope"),
    (["user", "scope", "alice", "--department", "nowhere"], 1, "no such department"),
    (["user", "delete", "alice"], 2, "user add NAME"),
    (["user", "sign-out"], 2, "user add NAME"),
    (["user", "sign-out", "a", "b"], 2, "user add NAME"),
    (["user", "list", "alice"], 2, "say: user list"),
    (["user", "list", "--all"], 2, "takes no scope"),
    (["department", "remove", "nowhere", "a@example.org"], 1, "no such department"),
    (["department", "clear", "nowhere", "a@example.org"], 2, "say: department set"),
    (["department", "set", "", "a@example.org"], 2, "say: department set"),
    (["department"], 2, "say: department set"),
])
def test_changes_refused(peopled, arguments, status, says):
    got, out, err = peopled.run(*arguments, check=False)
    assert (got, out) == (status, "") and says in err


# ---- conf, status, usage ----

def test_conf_prints_what_loads_again(site):
    _, out, _ = site.run("conf")
    with open(site.path("again.conf"), "w") as f:
        f.write(out)
    assert site.run("-c", site.path("again.conf"), "conf")[1] == out
    assert site.run("conf", "-c", site.path("again.conf"))[1] == out


def test_bad_configuration_names_file_and_line(site):
    with open(site.conf, "a") as f:
        f.write("\nnonsense = 1\n")
    lines = open(site.conf).read().count("\n")
    for command in (["init"], ["check"], ["status"], ["conf"], ["import", "x"], ["reindex"]):
        status, _, err = site.run(*command, check=False)
        assert status == 2 and "%s:%d: there is no setting nonsense" % (site.conf, lines) in err


def test_status(site):
    import_some(site, 3)
    status, out, _ = site.run("status", "--json")
    s = json.loads(out)
    assert status == 0
    assert (s["messages"], s["indexed"], s["outbox"], s["outbox_oldest"]) == (3, 3, 0, None)
    assert s["store"]["ready"] and s["database"]["ready"] and s["index"]["ready"]
    with site.store.away():
        status, out, _ = site.run("status", check=False)
    assert status == 1 and "messages  3" in out and not re.search(r"^store +ready", out, re.M)


def test_status_knows_what_it_does_not_know(site):
    import_some(site, 3)
    with site.meta.away(), site.index.away():
        status, out, _ = site.run("status", check=False)
        assert status == 1
        for name in ("messages", "indexed", "outbox"):
            assert re.search(r"^%s +not known$" % name, out, re.M), out
        status, out, _ = site.run("status", "--json", check=False)
    s = json.loads(out)
    assert status == 1 and (s["messages"], s["indexed"], s["outbox"]) == (None, None, None)
    assert not s["database"]["ready"] and s["database"]["error"]


def test_another_account_is_told_whose_command_it_is(site):
    """It could read nothing, and `check` would tell it to take the archive away from the daemons."""
    if os.geteuid():
        pytest.skip("needs root, to be another account than the daemons")
    os.chmod(site.dir, 0o755)
    before = sorted(os.listdir(site.dir))
    for command in (["status"], ["check"], ["init"], ["reindex"], ["import", site.conf], ["user", "add", "eve", "--all"],
                    ["department", "set", "x", "a@example.org"]):
        r = subprocess.run(["setpriv", "--reuid=2", "--regid=2", "--clear-groups", site.program("strongroom"), *command],
                           input=PASSWORD.encode(), capture_output=True, env=site.env(), cwd="/")
        assert r.returncode == 2 and r.stdout == b"", command
        assert ("this is for root and for %s" % site.user).encode() in r.stderr
    assert sorted(os.listdir(site.dir)) == before


def test_usage(site):
    assert site.run("help")[1].count("\n") > 8
    assert site.run("help", "help")[1] == site.run("help")[1] == site.run("--help")[1]
    assert "--mboxrd" in site.run("help", "import")[1]
    assert "--mboxrd" in site.run("import", "--help")[1]
    assert site.run("--version")[1].startswith("strongroom ")
    for wrong in ([], ["nonsense"], ["status", "x"], ["help", "nonsense"], ["import"], ["import", "--jobs", "0", "x"]):
        assert site.run(*wrong, check=False)[0] == 2


# ---- check ----

def test_check_finds_nothing_wrong_with_a_fresh_site(site):
    import_some(site, 2)
    assert problems(site) == []


def test_check_permissions(site):
    places = [site.path("keys"), site.path("spool"), *site.meta.places]
    os.chmod(site.path("keys", "seal.key"), 0o644)
    for place in places:
        os.chmod(place, 0o750)
    found = problems(site)
    remedies = [remedy for _, remedy in found]
    assert all("chmod 700 %s" % place in remedies for place in places)
    for remedy in remedies:
        subprocess.run(remedy, shell=True, check=True)
    remedies = [remedy for _, remedy in problems(site)]
    assert remedies == ["chmod 600 %s" % site.path("keys", "seal.key")]
    subprocess.run(remedies[0], shell=True, check=True)
    assert problems(site) == []


def test_check_owner(site):
    if os.geteuid():
        pytest.skip("needs root")
    os.chown(site.path("spool"), 0, 0)
    found = problems(site)
    assert [what for what, _ in found] == ["spool %s belongs to root, not to %s" % (site.path("spool"), site.user)]
    subprocess.run(found[0][1], shell=True, check=True)
    assert problems(site) == []


def test_check_parser_and_certificate(site):
    site.write_conf(parser__program=site.path("no-parser"))
    os.unlink(site.path("tls", "cert.pem"))
    whats = [what for what, _ in problems(site)]
    assert any(w.startswith("parser: ") for w in whats) and any("certificate of strongroom-queryd" in w for w in whats)


def test_check_certificate_that_expires(site):
    key, cert = site.path("tls", "key.pem"), site.path("tls", "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-key", key, "-out", cert, "-days", "5", "-subj", "/CN=x"], check=True, capture_output=True)
    found = problems(site)
    assert len(found) == 1 and re.search(r"expires in [45] days", found[0][0])
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    assert any("is not that of" in what for what, _ in problems(site))


def test_check_index_that_lost_messages(site):
    import_some(site, 4)
    site.index.lose()
    site.init()
    found = problems(site)
    assert found == [("index: 4 archived messages are neither in it nor on the outbox", "strongroom reindex")]
    site.run("reindex")
    assert problems(site) == []


# ---- reindex ----

def test_reindex_after_damage(site):
    import_some(site, 5)
    site.index.damage()
    assert problems(site)
    status, out, _ = site.run("reindex")
    assert status == 0 and "5 of 5 messages indexed" in out
    s = json.loads(site.run("status", "--json")[1])
    assert (s["indexed"], s["outbox"]) == (5, 0)
    assert problems(site) == []


def test_reindex_keeps_the_old_index_when_much_cannot_be_read(site):
    import_some(site, 3)
    victim = site.objects()[1]
    with site.store.lost(victim):
        status, _, err = site.run("reindex", check=False)
        assert status == 1 and "reindex refused" in err and "1 of the first 3 messages can't be read" in err and "--incomplete" in err
        assert os.path.basename(victim)[:-4] in err # which one
        s = json.loads(site.run("status", "--json")[1])
        assert (s["indexed"], s["outbox"]) == (3, 0)
        status, out, _ = site.run("reindex", "--incomplete", check=False)
        assert status == 1 and "2 of 3 messages indexed" in out and "1 unreadable" in out
        s = json.loads(site.run("status", "--json")[1])
        assert (s["indexed"], s["outbox"]) == (2, 1)
    site.run("reindex")
    assert problems(site) == []


def test_reindex_goes_on_over_one_in_many_that_cannot_be_read(site):
    import_some(site, 120)
    site.store.lose(site.objects()[60])
    status, out, _ = site.run("reindex", check=False)
    assert status == 1 and "119 of 120 messages indexed" in out and "1 unreadable" in out
    s = json.loads(site.run("status", "--json")[1])
    assert (s["indexed"], s["outbox"]) == (119, 1)


@pytest.mark.embedded("about a disk that is not mounted")
def test_reindex_of_a_store_that_is_not_there(site):
    import_some(site, 3)
    os.rename(site.path("store", "m"), site.path("elsewhere"))
    os.mkdir(site.path("store", "m"))
    status, _, err = site.run("reindex", check=False)
    assert status == 1 and "disks mounted" in err
    assert json.loads(site.run("status", "--json", check=False)[1])["indexed"] == 3