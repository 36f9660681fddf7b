"""`strongroom check --deploy`: each verdict of each check, and that every check and verdict has a test here."""
import os
import re
import shutil
import subprocess

import pytest

from stack.site import TOP, Site

pytestmark = pytest.mark.embedded("it asks no server")

LINE = re.compile(r"^(D\d+) (ok|warning|error): +(.*)$")
SERVER = {"store": "s3:bucket", "s3.endpoint": "https://s3.example.org", "s3.sse": "AES256", "meta": "mysql:archive", "mysql.host": "db.example.org",
          "mysql.user": "strongroom_operator", "index": "es:", "es.hosts": "https://es.example.org:9200", "es.user": "archive",
          "cache": "redis:", "redis.url": "rediss://redis.example.org:6379"}

PROVIDER = {"oidc.issuer": "https://id.example.org", "oidc.client_id": "archive", "oidc.client_secret_file": "/etc/strongroom/secret",
            "oidc.redirect_url": "https://archive.example.org/api/v1/auth/oidc/callback"}

PROGRAMS = {"queryd.client_listen": "127.0.0.1:8444", "queryd.tls_client_ca": "/etc/strongroom/clients.pem"}


def deploy(site, env=None):
    """{id: [(verdict, text, remedy)]}, and the exit status."""
    status, out, err = site.run("check", "--deploy", check=False, env=env)
    assert not err, err
    found, last = {}, None
    for line in out.splitlines()[:-1]:
        match = LINE.match(line)
        if match:
            last = [match[2], match[3], None]
            found.setdefault(match[1], []).append(last)
        else:
            assert line.startswith("              remedy: "), line
            last[2] = line.strip()[len("remedy: "):]
    return found, status


def worst(found, id):
    order = ["ok", "warning", "error"]
    return max((verdict for verdict, *_ in found[id]), key=order.index)


@pytest.fixture(scope="module")
def plain():
    """An embedded Site that no test changes for good."""
    site = Site(servers=None)
    try:
        site.init()
        yield site
    finally:
        site.close()


# (settings, id, verdict)
CASES = [
    ({}, "D101", "ok"),
    ({}, "D102", "warning"),    # the trial's certificate
    ({}, "D103", "ok"),
    ({}, "D111", "ok"),
    ({"lmtpd.listen": "inet:0.0.0.0:24"}, "D111", "warning"),
    ({"lmtpd.listen": "inet:192.0.2.1:24", "lmtpd.tls_required": "yes", "lmtpd.tls_cert": "/nonexistent", "lmtpd.tls_key": "/nonexistent"}, "D111", "ok"),
    ({"lmtpd.listen": "inet:[::1]:24 inet:127.0.0.1:24 unix:/run/x", "lmtpd.peers": "0.0.0.0/0"}, "D112", "ok"),
    ({"lmtpd.listen": "inet:0.0.0.0:24", "lmtpd.peers": "192.0.2.0/24 0.0.0.0/0"}, "D112", "error"),
    ({"lmtpd.listen": "inet:[::]:24", "lmtpd.peers": "::/0", "lmtpd.journal": "yes"}, "D112", "error"),
    ({"lmtpd.listen": "inet:0.0.0.0:24", "lmtpd.peers": "10.0.0.0/8"}, "D112", "ok"),
    ({}, "D113", "ok"),
    ({"milter.listen": "inet:0.0.0.0:25"}, "D113", "warning"),
    ({}, "D114", "ok"),
    ({**PROGRAMS, "lmtpd.listen": "inet:0.0.0.0:24"}, "D114", "ok"),
    ({**PROGRAMS, "queryd.ingest_lmtp": "inet:lmtp.example.org:24"}, "D114", "error"),
    ({"queryd.listen": "0.0.0.0:443"}, "D201", "ok"),
    ({}, "D202", "ok"),
    ({}, "D203", "ok"),
    ({"queryd.mfa_session": "2h"}, "D203", "warning"),
    ({"queryd.mfa_session": "13h"}, "D203", "error"),
    ({}, "D204", "ok"),
    ({"queryd.token_life": "2h"}, "D204", "warning"),
    ({"queryd.token_life": "13h", "queryd.mfa_session": "1h"}, "D204", "error"),
    ({}, "D205", "ok"),
    ({"queryd.session_life": "2d"}, "D205", "warning"),
    ({"queryd.session_life": "9d"}, "D205", "error"),
    ({}, "D206", "ok"),
    ({"queryd.password_min": "8"}, "D206", "warning"),
    ({}, "D207", "warning"),
    ({"queryd.password_deny_file": "/etc/strongroom/deny"}, "D207", "ok"),
    ({}, "D208", "ok"),
    ({"queryd.signin_per_user_max": "1000"}, "D208", "warning"),
    ({}, "D209", "ok"),
    ({"queryd.searches_per_user_max": "100000000"}, "D209", "warning"),
    ({}, "D210", "ok"),
    (PROVIDER, "D210", "ok"),
    ({**PROVIDER, "oidc.second_factor": "provider"}, "D210", "warning"),
    ({}, "D211", "ok"),
    ({**PROVIDER, "oidc.provision": "yes", "oidc.roles": "legal:legal"}, "D211", "ok"),
    ({**PROVIDER, "oidc.account_claim": "preferred_username"}, "D211", "warning"),
    ({}, "D212", "ok"),
    ({"queryd.exports_per_user_max": "100000000"}, "D212", "warning"),
    ({}, "D213", "ok"),
    ({"queryd.connections_max": "50"}, "D213", "warning"),
    ({}, "D221", "ok"),
    ({"queryd.metrics": "inet:127.0.0.1:9463", "workerd.metrics": "unix:/run/strongroom/m"}, "D221", "ok"),
    ({"queryd.metrics": "inet:192.0.2.1:9463"}, "D221", "warning"),
    ({"lmtpd.metrics": "inet:0.0.0.0:9461"}, "D221", "error"),
    ({"lmtpd.metrics": "inet:[::]:9461"}, "D221", "error"),
    ({}, "D231", "ok"),
    ({"log_level": "error"}, "D231", "warning"),
    ({}, "D232", "ok"),
    ({"lock_days": "30"}, "D232", "warning"),
    ({"lock_days": "400", "lock_days_max": "36500"}, "D232", "warning"),
    ({}, "D233", "ok"),
    ({"workerd.reconcile_full_interval": "60d"}, "D233", "warning"),
    ({}, "D234", "warning"),
    ({"workerd.audit_file": "/var/log/strongroom/audit.jsonl"}, "D234", "ok"),
    ({"workerd.audit_syslog": "inet:127.0.0.1:601"}, "D234", "ok"),
    ({"workerd.audit_syslog": "inet:log.example.org:6514", "workerd.audit_syslog_tls": "yes"}, "D234", "ok"),
    ({"workerd.audit_syslog": "inet:log.example.org:601"}, "D234", "error"),
    ({}, "D235", "ok"),
    ({"workerd.export_keep": "60d"}, "D235", "warning"),
    ({}, "D301", "ok"),
    (SERVER, "D301", "ok"),
    ({**SERVER, "s3.endpoint": "http://127.0.0.1:9000"}, "D301", "ok"),
    ({**SERVER, "s3.endpoint": "http://s3.example.org"}, "D301", "error"),
    ({}, "D302", "warning"),
    (SERVER, "D302", "ok"),
    ({}, "D303", "warning"),
    (SERVER, "D303", "ok"),
    ({**SERVER, "s3.sse": "none"}, "D303", "warning"),
    ({}, "D311", "ok"),
    (SERVER, "D311", "ok"),
    ({**SERVER, "mysql.tls": "never"}, "D311", "error"),
    ({**SERVER, "mysql.tls": "never", "mysql.host": "127.0.0.1"}, "D311", "ok"),
    ({}, "D312", "ok"),
    (SERVER, "D312", "ok"),
    ({**SERVER, "mysql.user": "root"}, "D312", "error"),
    ({**SERVER, "mysql.user": "strongroom"}, "D312", "warning"),
    ({}, "D321", "ok"),
    (SERVER, "D321", "ok"),
    ({**SERVER, "es.hosts": "https://es1.example.org http://es2.example.org:9200"}, "D321", "error"),
    ({**SERVER, "es.hosts": "http://[::1]:9200 http://localhost"}, "D321", "ok"),
    ({}, "D322", "ok"),
    (SERVER, "D322", "ok"),
    ({**SERVER, "es.user": ""}, "D322", "error"),
    ({**SERVER, "es.user": "elastic"}, "D322", "error"),
    ({**SERVER, "es.user": "", "es.api_key_file": "/etc/strongroom/es.key"}, "D322", "ok"),
    ({}, "D331", "ok"),
    ({**SERVER, "redis.password_file": "/etc/strongroom/redis.password"}, "D331", "ok"),
    (SERVER, "D331", "error"),    # without a password, from afar
    ({**SERVER, "redis.url": "redis://redis.example.org:6379", "redis.password_file": "/etc/strongroom/redis.password"}, "D331", "error"),
    ({**SERVER, "redis.url": "redis://127.0.0.1:6379/2"}, "D331", "warning"),
    ({}, "D332", "ok"),
    ({"user": "strongroom"}, "D401", "ok"),
    ({"user": "root"}, "D401", "error"),
    ({}, "D402", "ok"),
    ({}, "D403", "ok"),
    ({}, "D404", "ok"),
    ({}, "D411", "ok"),
    ({}, "D412", "ok"),
    ({}, "D421", "ok"),    # nothing runs
    ({}, "D422", "ok"),
    ({"workerd.postfix_log": "/var/log/mail.log"}, "D431", "ok"),
]


@pytest.mark.parametrize("settings, id, verdict", CASES, ids=["%s-%s-%d" % (id, verdict, i) for i, (_, id, verdict) in enumerate(CASES)])
def test_settings(plain, tmp_path, settings, id, verdict):
    site = Site(dir=str(tmp_path), settings={**plain.settings, **settings}, servers=None)
    found, status = deploy(site)
    assert worst(found, id) == verdict, found[id]
    assert all((remedy is None) == (v == "ok") for lines in found.values() for v, _, remedy in lines)
    assert status == any(v == "error" for lines in found.values() for v, *_ in lines)


def test_settings_that_are_told(plain, tmp_path):
    site = Site(dir=str(tmp_path), settings={**plain.settings, **PROGRAMS, "queryd.tls_client_crl": "/etc/strongroom/revoked.pem",
                                             "queryd.request_timeout": "45s", "queryd.searches_at_once": "7"}, servers=None)
    found, _ = deploy(site)
    assert "7 searches run at a time" in found["D209"][0][1] and len(found["D332"]) == 1
    assert "revoked are those in /etc/strongroom/revoked.pem" in found["D202"][0][1] and "within 45 seconds" in found["D213"][0][1], found


def test_a_provider_is_told_of_whole(plain, tmp_path):
    site = Site(dir=str(tmp_path), settings={**plain.settings, **PROVIDER, "oidc.second_factor": "provider", "oidc.strong_acr": "gold",
                                             "oidc.roles": "legal:investigator", "oidc.ca_file": "/etc/strongroom/id.pem"}, servers=None)
    found, _ = deploy(site)
    assert "acr: gold; amr: mfa" in found["D210"][0][1] and found["D211"][0][1].endswith("groups give roles: legal:investigator")
    assert "/etc/strongroom/id.pem" in found["D332"][0][1] and len(found["D332"]) == 2


def test_every_check_and_verdict_is_tested():
    """Of the sources: what each check can say stands in CASES or below."""
    elsewhere = {("D102", "ok"), ("D102", "error"), ("D103", "error"), ("D402", "error"), ("D403", "error"), ("D404", "error"),
                 ("D411", "warning"), ("D412", "warning"), ("D421", "warning"), ("D423", "ok"), ("D431", "warning")}
    # what depends on the kernel and the machine alone
    machine = {("D421", "error"), ("D422", "error"), ("D423", "warning")}
    can_say = set()
    for name in ("tls", "access", "backends", "machine"):
        with open(os.path.join(TOP, "cli/deploy_%s.c" % name)) as f:
            text = f.read()
        bodies = {m[1]: m[2] for m in re.finditer(r"(?ms)^static \S+ \*?(\w+)\([^;{]*?\)\n\{(.*?)^\}", text)}
        for id, function in re.findall(r'\{ "(D\d+)", (\w+) \}', text):
            seen, todo = set(), [function]
            while todo:
                body = bodies.get(todo.pop(), "")
                can_say |= {(id, v.lower()) for v in re.findall(r"DEPLOY_(OK|WARNING|ERROR)\b", body)}
                calls = set(re.findall(r"\b(\w+)\(d,", body)) & bodies.keys() - seen
                seen |= calls
                todo += calls
    assert can_say and can_say == {(id, v) for _, id, v in CASES} | elsewhere | machine


def certificate(folder, *arguments):
    """Paths of a new certificate and key."""
    cert, key = os.path.join(folder, "c.pem"), os.path.join(folder, "k.pem")
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-subj", "/CN=archive.example.org", "-keyout", key, "-out", cert, *arguments], check=True,
                   capture_output=True)
    os.chmod(key, 0o600)
    return {"queryd.tls_cert": cert, "queryd.tls_key": key}


EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@pytest.mark.parametrize("arguments, verdict", [
    ((*EC, "-days", "300"), "ok"),
    ((*EC, "-days", "7"), "warning"),
    (("-newkey", "rsa:1024", "-days", "300"), "error"),
], ids=["good", "soon", "short"])
def test_certificates(plain, tmp_path, arguments, verdict):
    site = Site(dir=str(tmp_path / "site"), settings={**plain.settings, **certificate(str(tmp_path), *arguments)}, servers=None)
    assert worst(deploy(site)[0], "D102") == verdict


def test_no_certificate(plain, tmp_path):
    site = Site(dir=str(tmp_path), settings={**plain.settings, "queryd.tls_cert": "/nonexistent"}, servers=None)
    assert worst(deploy(site)[0], "D102") == "error"


def test_rights(site):
    secret = site.path("secret")
    with open(secret, "w") as f:
        f.write("x\n")
    copy = site.path("audit.jsonl")
    shutil.copy(secret, copy)
    site.write_conf(mysql__password_file=secret, workerd__audit_file=copy)
    key = os.path.join(site.settings["key_dir"], os.listdir(site.settings["key_dir"])[0])
    for path, id, mode in ((site.settings["queryd.tls_key"], "D103", 0o644), (key, "D402", 0o640), (site.settings["key_dir"], "D402", 0o750),
                           (site.path("store"), "D403", 0o755), (site.path("spool"), "D403", 0o777), (copy, "D403", 0o644),
                           (secret, "D404", 0o644)):
        good = 0o700 if os.path.isdir(path) else 0o600
        os.chmod(path, mode)
        found, status = deploy(site)
        lines = [line for line in found[id] if path + " " in line[1]]
        assert status == 1 and lines[0][0] == "error" and "chmod" in lines[0][2], (path, found[id])
        os.chmod(path, good)
        assert [v for v, text, _ in deploy(site)[0][id] if path + " " in text] == ["ok"]


def test_environment(plain):
    found, _ = deploy(plain, env={"STRONGROOM_LOCK_DAY": "7", "STRONGROOM_MYSQL_HOST": "a", "DB_HOST": "b", "AWS_SECRET_ACCESS_KEY": "x", "DB_PASSWORD": "y"})
    texts = [text for verdict, text, _ in found["D411"] if verdict == "warning"]
    assert [name for name in ("STRONGROOM_LOCK_DAY", "DB_HOST", "AWS_SECRET_ACCESS_KEY") if any(" %s " % name in t for t in texts)] == [
        "STRONGROOM_LOCK_DAY", "DB_HOST", "AWS_SECRET_ACCESS_KEY"] and len(texts) == 3
    assert worst(found, "D412") == "warning" and "DB_PASSWORD" in found["D412"][0][1] and "y" not in found["D412"][0][1].split()


def test_running_daemons(site):
    site.start("workerd")
    lines = {text.split()[0]: verdict for verdict, text, _ in deploy(site)[0]["D421"]}
    assert lines["strongroom-workerd"] == "warning"    # of no unit: its system calls are not filtered
    assert lines["strongroom-lmtpd"] == "ok"


def test_postfix_without_its_log_followed(plain):
    assert worst(deploy(plain)[0], "D431") == ("warning" if os.path.exists("/etc/postfix/main.cf") else "ok")


def test_landlock(plain):
    assert worst(deploy(plain)[0], "D423") in ("ok", "warning")    # as the kernel is


def test_it_stands_alone(plain):
    assert plain.run("check", "--deploy", "--deep", check=False)[0] == 2
