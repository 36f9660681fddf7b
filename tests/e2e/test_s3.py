"""The store at an S3: what is locked stays, what is lost on the way is never acknowledged, and what an administrator reads
when something is wrong. Ceph's gateway and MinIO are real; the strict double fails on demand."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import time

import pytest
from stack.ceph import Ceph
from stack.minio import Minio
from stack.process import Failed, private_dir
from stack.s3 import Account, write_credentials
from stack.s3_strict import GARBLED, S3Strict
from stack.site import Site
from stack.tls import Authority
from stack.versitygw import Versitygw

pytestmark = pytest.mark.engines

MESSAGE = b"Subject: in the strongroom\r\nFrom: a@example.org\r\n\r\nlocked away\r\n"


def started(make):
    server = make().start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def ceph():
    yield from started(Ceph)


@pytest.fixture(scope="module")
def minio():
    yield from started(Minio)


@pytest.fixture(params=["ceph", "minio"])
def real(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def double(servers):
    s = S3Strict(page=3).start()
    servers.append(s)
    return s


@pytest.fixture
def at(servers):
    """at(server, bucket, …): a Site, not yet set up, with its store in that bucket and the rest embedded."""
    def make(server, bucket="archive", proved=True, **settings):
        site = Site(servers=None)
        servers.append(site)
        lines = server.settings(bucket, site.owner())
        os.rename(lines["s3"]["credentials_file"], site.path("credentials"))
        lines["s3"]["credentials_file"] = site.path("credentials")
        for section, keys in lines.items():
            site.settings.update({(section + "." if section else "") + k: v for k, v in keys.items()})
        site.settings.update({k.replace("__", "."): v for k, v in settings.items()})
        site.write_conf()
        if proved:
            server.bucket(bucket).pretend_proved()
            site.init()
        return site
    return make


def send(site, raw=MESSAGE):
    with site.lmtp() as c:
        code, text = c.send(raw)[0]
    return code, text.decode()


def archive_id(text):
    return text.split()[-1]


def rows(site):
    with site.meta.connect() as db:
        return [dict(zip(("id", "key", "version", "sha256", "until"), r)) for r in
                db.execute("SELECT id, object_key, version_id, sha256, retain_until_us FROM message").fetchall()]


def the_object(bucket, row, account=None):
    a = bucket.get(row["key"], row["version"], account=account)
    assert a.status == 200, a
    assert hashlib.sha256(a.body).digest() == row["sha256"]
    return a


# ---- the driver by itself ----

NOT_ALLOWED = "test_an_account_that_may_not_delete"


def run_driver(name, s, bucket, account=None, timeout=120, **more):
    """A test program of the driver, at that bucket of the server s. Gives the names of the tests that it skipped."""
    program = os.path.join(Site(servers=None, dir=s.path("unused") if hasattr(s, "path") else s.dir).build, "tests/unit/store", name)
    if not os.access(program, os.X_OK):
        pytest.skip("tests/unit/store/%s is not built" % name)
    env = {"PATH": os.environ["PATH"], **more}
    settings = s.settings(bucket)
    if account:
        write_credentials(settings["s3"]["credentials_file"], account)
    for section, keys in settings.items():
        env.update({"STRONGROOM_" + (section + "_" if section else "").upper() + k.upper(): v for k, v in keys.items()})
    r = subprocess.run([program], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
    out = r.stdout.decode()
    assert r.returncode == 0 and "PASSED" in out, out
    return set(re.findall(r"\[ +SKIPPED \] (test_\w+)", out))


@pytest.mark.parametrize("server", ["ceph", "minio", "double"])
def test_driver(server, request):
    assert not run_driver("test_store_s3", request.getfixturevalue(server), "driver")


def no_marker_was_left(bucket):
    a = bucket.call("GET", "", {"versions": "", "prefix": "m/"})
    return a.status == 200 and b"<Version>" in a.body and b"<DeleteMarker>" not in a.body


@pytest.mark.parametrize("server", ["ceph", "minio", "double"])
def test_removal(server, request):
    """What is locked or held stays, and then goes: that version alone, and no marker in its place."""
    s = request.getfixturevalue(server)
    assert run_driver("test_store_s3_remove", s, "removal") == {NOT_ALLOWED}
    assert no_marker_was_left(s.bucket("removal"))


@pytest.mark.parametrize("fault", ["503", "503-after", "500-after", "drop", "drop-after", "cut"])
def test_removal_whose_answers_are_lost(fault, double):
    """What came of it is looked up: a version is never called gone that is there, nor kept that is gone."""
    double.fail("DELETE /removal/m/", fault, times=6)  # more than one call repeats it
    run_driver("test_store_s3_remove", double, "removal")
    assert not double.faults
    assert {len(v) for v in double.buckets["removal"]["keys"].values()} == {0, 1}, "one that is locked for long stayed alone"


def test_removal_by_an_account_that_may_not_see_locks(double):
    """The store's own refusal is enough."""
    double.bucket("removal").create()
    blind = double.account("BLINDACCESSKEY", "blindsecret", forbidden=("GetObjectRetention", "GetObjectLegalHold"))
    run_driver("test_store_s3_remove", double, "removal", blind, S3_TEST_ACCOUNT="blind")


def test_removal_takes_the_right_to(ceph, double):
    """The accounts of daemons that capture can't, and that of workerd can do nothing else that they could not."""
    bucket = ceph.bucket("rights")
    bucket.create()
    writer = ceph.writer("rights")
    skipped = run_driver("test_store_s3_remove", ceph, "rights", writer, S3_TEST_ACCOUNT="writer")
    assert len(skipped) == 3 and NOT_ALLOWED not in skipped
    bucket.allow_capture("writer", removal=True)
    assert run_driver("test_store_s3_remove", ceph, "rights", writer) == {NOT_ALLOWED}
    version = bucket.put("strongroom/proof.json", b"{}").headers["x-amz-version-id"]
    assert bucket.delete("strongroom/proof.json", version, account=writer).status == 403
    double.bucket("removal").create()
    weak = double.account("WEAKACCESSKEY", "weaksecret", forbidden=("DeleteObjectVersion",))
    run_driver("test_store_s3_remove", double, "removal", weak, S3_TEST_ACCOUNT="writer")


# ---- locked means locked ----

def test_a_bucket_is_made_tried_and_used(real, at):
    """From nothing: init makes the bucket and tries its locks; then mail is archived, found and read back."""
    site = at(real, "new-" + type(real).__name__.lower(), proved=False)
    _, out, _ = site.run("init", "--trial-tls", "localhost")
    assert "locks hold: deleting (alone, among others), shortening, downgrading, lifting" in out, out
    assert "a legal hold keeps an object whose lock is over" in out, out
    bucket = real.bucket("new-" + type(real).__name__.lower())
    assert [key for key, _, _ in bucket.versions()] == ["strongroom/proof.json"], "a probe object was left"
    secret = site.add_user("alice", "correct horse battery", "--all")
    site.start("lmtpd", "queryd", "workerd")
    code, text = send(site)
    assert code == 250, text
    api = site.api("alice", "correct horse battery", secret)
    status, content = api.content(archive_id(text))
    assert (status, content) == (200, MESSAGE)
    status, out, _ = site.run("check", "--deep")
    assert "store: 1 messages, all locked" in out, out
    before = bucket.versions()
    status, out, _ = site.run("check", "--quick")
    assert status == 0 and "locks hold" not in out and bucket.versions() == before, out


def test_locked_means_locked(real, at):
    """Whoever has the bucket's own keys, and this is the store's administrator too, fails at everything."""
    site = at(real)
    site.start("lmtpd")
    code, text = send(site)
    assert code == 250, text
    bucket, row = real.bucket("archive"), rows(site)[0]
    key, version = row["key"], row["version"]
    before = bucket.head(key, version).headers
    assert before["x-amz-object-lock-mode"] == "COMPLIANCE"
    year = 365 * 86400
    attempts = [
        bucket.delete(key, version), bucket.retain(key, version, 60), bucket.retain(key, version, year),
        bucket.retain(key, version, 20 * year, "GOVERNANCE"), bucket.call("DELETE", key),
        bucket.call("PUT", "", {"versioning": ""}, body=b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"),
        bucket.call("DELETE"),
    ]
    answer, deleted = bucket.delete_many([(key, version)])
    assert deleted == []
    refused = [a.status for a in attempts]
    assert refused[:4] in ([403] * 4, [400] * 4) and refused[6] == 409, attempts
    assert bucket.put(key, b"other bytes").status == 200  # one more version, and no change to ours
    after = bucket.head(key, version).headers
    for name in ("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"):
        assert after[name] == before[name]
    assert the_object(bucket, row).body == MESSAGE
    status, out, _ = site.run("check", "--deep")
    assert "1 messages agree with their records, leaves and objects, byte for byte" in out, out


def test_an_account_that_may_only_write(ceph, at):
    """The rights that the manual asks for are enough to capture, and not enough to do harm."""
    site = at(ceph, "least")
    writer, bucket = ceph.writer("least"), ceph.bucket("least")
    write_credentials(site.path("credentials"), writer, site.owner())
    site.start("lmtpd")
    code, text = send(site)
    assert code == 250, text
    row = rows(site)[0]
    assert bucket.delete(row["key"], row["version"], account=writer).status == 403
    assert bucket.delete_many([(row["key"], row["version"])], account=writer)[1] == []
    assert bucket.retain(row["key"], row["version"], 60, account=writer).status == 403
    assert the_object(bucket, row, writer).body == MESSAGE
    _, out, _ = site.run("check")
    assert "locks were proved at" in out and "this account may not" in out, out
    assert [key for key, _, _ in bucket.versions("strongroom/")] == ["strongroom/proof.json"], "check leaves something behind"


# ---- proof ----

def test_nothing_is_captured_to_a_bucket_that_was_never_tried(double, at):
    site = at(double)
    double.bucket("unproved").create()
    site.write_conf(store="s3:unproved")
    with pytest.raises(Failed) as e:
        site.start("lmtpd")
    assert "were never proved" in str(e.value) and "run `strongroom check`" in str(e.value)
    status, out, _ = site.run("check", "--quick", check=False)
    assert status == 1 and "problem: store: the locks of the bucket unproved were never proved" in out, out
    # The result of another bucket does not count, wherever it was copied from.
    proof = double.bucket("archive").get("strongroom/proof.json").body
    double.bucket("unproved").put("strongroom/proof.json", proof)
    with pytest.raises(Failed) as e:
        site.start("lmtpd")
    assert "is a copy from elsewhere" in str(e.value)
    old = json.loads(proof.replace(b'"archive"', b'"unproved"'))
    old["tried_at"] = "2026-01-01T00:00:00Z"
    double.bucket("unproved").put("strongroom/proof.json", json.dumps(old).encode())
    with pytest.raises(Failed) as e:
        site.start("lmtpd")
    assert "is a copy from elsewhere" in str(e.value)
    site.start("queryd")  # which only reads


def test_a_store_that_breaks_locks_is_refused(servers, at):
    """versitygw 1.7.0 answers 200 to lock headers, and lets locks be shortened."""
    s = Versitygw().start()
    servers.append(s)
    site = at(s, proved=False)
    status, out, err = site.run("init", "--trial-tls", "localhost", check=False)
    assert status != 0 and "this store breaks locks: shortening its lock was answered 200" in out, out + err
    status, out, _ = site.run("check", check=False)
    assert status == 1 and "problem: store: this store breaks locks" in out and "remedy: use a version" in out, out
    with pytest.raises(Failed) as e:
        site.start("lmtpd")
    assert "broke a lock when it was tried" in str(e.value) and "Nothing may be captured" in str(e.value)


def test_refusals_prove_nothing_of_an_account_without_rights(double, at):
    """An account that may not delete is refused by its rights, not by the lock."""
    site = at(double, proved=False)
    double.bucket("archive").create()
    least = double.account("LEASTACCESSKEY", "leastsecret", forbidden=("DeleteObjectVersion", "PutObjectRetention", "PutObjectLegalHold"))
    write_credentials(site.path("credentials"), least, site.owner())
    status, out, _ = site.run("init", "--trial-tls", "localhost", check=False)
    assert status != 0 and "locks could not be proved: this account may not delete versions" in out, out
    assert "S3_ACCESS_KEY" in out
    admin = {"S3_ACCESS_KEY": double.access_key, "S3_SECRET_KEY": double.secret_key}
    status, out, _ = site.run("check", check=False, env=admin)
    assert "locks hold:" in out, out
    status, out, _ = site.run("check")
    assert status == 0 and "locks were proved at" in out, out
    site.start("lmtpd")
    assert send(site)[0] == 250


# ---- what an administrator reads ----

def check(site, **env):
    return site.run("check", check=False, env=env)[1]


def test_clocks_that_differ_are_told(servers, at):
    near, far = S3Strict(clock=40).start(), S3Strict(clock=2000).start()
    servers += [near, far]
    site = at(near)
    out = check(site)
    assert "note:    store: the store's clock is 40 s ahead of this machine's" in out or "is 39 s ahead" in out, out
    lines = far.settings("archive", site.owner())["s3"]
    site.write_conf(s3__endpoint=lines["endpoint"])
    out = check(site)
    assert "problem: store:" in out and "clocks of this machine and of the store differ" in out, out


def test_encryption_that_was_asked_for_is_looked_at(servers, at):
    does, does_not = S3Strict().start(), S3Strict(encrypts=False).start()
    servers += [does, does_not]
    site = at(does, s3__sse="AES256")
    assert "ok:      store: the store encrypts what it keeps (AES256)" in check(site)
    does_not.bucket("archive").pretend_proved()
    site.write_conf(s3__endpoint=does_not.endpoint)
    assert "problem: store: encryption at rest (AES256) was asked for, and the store shows none" in check(site)


@pytest.mark.parametrize("sse, key", [("AES256", ""), ("aws:kms", "arkey")])
def test_real_encryption(minio, at, sse, key):
    bucket = "sealed-" + sse[:3].lower()
    site = at(minio, bucket, s3__sse=sse, s3__sse_kms_key=key)
    site.start("lmtpd")
    assert send(site)[0] == 250
    answer = the_object(minio.bucket(bucket), rows(site)[0])
    assert answer.headers["x-amz-server-side-encryption"] == sse and answer.body == MESSAGE
    assert "ok:      store: the store encrypts what it keeps (%s)" % sse in check(site)


def test_wrong_settings_are_told(double, at):
    site = at(double)
    wrong = [
        ({"store": "s3:nowhere"}, "there is no such bucket"),
        ({"s3.region": "us-east-1"}, "`region` in [s3] is not the bucket's"),
        ({"s3.endpoint": "ftp://127.0.0.1"}, "is neither http://HOST[:PORT] nor https://HOST[:PORT]"),
        ({"s3.endpoint": "http://127.0.0.1:1"}, "Failed to connect"),
        ({"s3.credentials_file": ""}, "set credentials_file in [s3], or S3_ACCESS_KEY"),
    ]
    for change, text in wrong:
        site.settings, kept = {**site.settings, **change}, site.settings
        site.write_conf()
        out = check(site)
        assert "problem: store:" in out and text in out, (change, out)
        site.settings = kept
    site.write_conf()
    for keys, text in ((("NOSUCHKEY", "x"), "the store does not know this access key"), ((double.access_key, "x"), "the secret key is wrong")):
        assert text in check(site, S3_ACCESS_KEY=keys[0], S3_SECRET_KEY=keys[1])
    os.chmod(site.path("credentials"), 0o644)
    out = check(site)
    assert "every account can get at this secret; chmod o= " in out, out


def test_a_bucket_without_object_lock_is_refused(double, at):
    site = at(double)
    double.bucket("open").create(locked=False)
    site.write_conf(store="s3:open")
    status, out, err = site.run("init", check=False)
    assert status != 0 and "has no Object Lock: messages in it could be deleted" in err, out + err
    assert "problem: store: the bucket open has no Object Lock" in check(site)


@pytest.fixture
def authority():
    place = private_dir("strongroom-ca.")
    yield Authority(place)
    shutil.rmtree(place)


def test_tls_with_a_private_authority(servers, at, authority):
    """The store's certificate must come from ca_file and be for the name that was asked for."""
    s = Minio(tls=authority.sign("minio", "IP:127.0.0.1")).start()
    servers.append(s)
    site = at(s, s3__ca_file=authority.ca)
    site.start("lmtpd")
    assert send(site)[0] == 250
    the_object(s.bucket("archive"), rows(site)[0])
    site.write_conf(s3__ca_file="")
    assert "certificate" in check(site)
    site.write_conf(s3__ca_file=authority.ca, s3__endpoint=s.endpoint.replace("127.0.0.1", "localhost"))
    assert "problem: store:" in check(site)


def test_the_bucket_in_the_host_name(double, at):
    site = at(double, s3__style="virtual", s3__endpoint=double.endpoint.replace("127.0.0.1", "localhost"))
    site.start("lmtpd")
    assert send(site)[0] == 250
    the_object(double.bucket("archive"), rows(site)[0])


# ---- failures ----

PUT, LIST, GET, HEAD = "PUT /archive/m/", "GET /archive?", "GET /archive/m/", "HEAD /archive/m/"


def check_kept_once(site, bucket, raw=MESSAGE):
    """One row, which leads to the bytes."""
    found = rows(site)
    assert len(found) == 1, found
    assert the_object(bucket, found[0]).body == raw


DONE = ("503-after", "drop-after", "cut", *GARBLED)


@pytest.mark.parametrize("action", ["503", "500", "409", "drop", *DONE])
def test_a_put_that_goes_wrong_once(double, at, action):
    """It is found out what became of it, and the message is kept."""
    site = at(double)
    site.start("lmtpd")
    double.fail(PUT, action)
    code, text = send(site)
    assert code == 250, text
    assert not double.faults, "the fault did not come to pass"
    check_kept_once(site, double.bucket("archive"))
    # What was done although it was not said so is found, and not done again.
    done = action in DONE
    assert len(double.bucket("archive").versions("m/")) == 1, "stored twice"
    assert double.count("PUT", "/archive/m/") <= 2 if done else double.count("PUT", "/archive/m/") == 2


@pytest.mark.parametrize("action", ["503", "500", "409", "drop", *DONE])
def test_a_put_that_goes_wrong_for_long(double, at, action):
    """Success or 451; and when the sender comes again, exactly one message."""
    site = at(double)
    site.start("lmtpd")
    double.fail(PUT, action, times=50)
    code, text = send(site)
    done = action in DONE
    assert code == (250 if done else 451), text
    double.faults.clear()
    code, text = send(site)
    assert code == 250, text
    check_kept_once(site, double.bucket("archive"))


@pytest.mark.parametrize("action", ["503", "drop", "cut", "corrupt"])
def test_an_outcome_that_can_not_be_found_out(double, at, action):
    """The PUT was done, its answer lost, and nobody says whether: 451, and later exactly one message."""
    site = at(double)
    site.start("lmtpd")
    double.fail(PUT, "drop-after", times=20)
    double.fail(LIST if action != "corrupt" else GET, action, times=50)
    code, text = send(site)
    assert code == 451, text
    assert rows(site) == []
    double.faults.clear()
    code, text = send(site)
    assert code == 250, text
    check_kept_once(site, double.bucket("archive"))


@pytest.mark.parametrize("action", ["503", "drop", "misname", "garble-etag", "garble-sum"])
def test_a_put_is_not_believed_before_its_version_is_seen(double, at, action):
    """The store says what it did, but not that it has it under that version: it is read back."""
    site = at(double)
    site.start("lmtpd")
    double.fail(HEAD, action, times=5)
    code, text = send(site)
    assert code == 250, text
    assert len(double.bucket("archive").versions("m/")) == 1 and len(double.faults) < 5
    assert double.count("GET", "/archive/m/") == 1
    double.faults.clear()
    check_kept_once(site, double.bucket("archive"))


def test_reading_goes_on_where_it_broke(double, at):
    site = at(double)
    site.start("lmtpd")
    raw = MESSAGE + b"0123456789abcdef\r\n" * 20000
    code, text = send(site, raw)
    assert code == 250, text
    double.fail(GET, "cut", times=2)
    double.fail(GET, "503")
    _, out, _ = site.run("check", "--deep")
    assert "byte for byte" in out and not double.faults, out
    double.fail(GET, "corrupt")
    status, out, _ = site.run("check", "--deep", check=False)
    assert status == 1 and "has other bytes than were archived" in out, out


def test_the_store_goes_away_and_comes_back(servers, at):
    """The daemon stays, says 451 while the store is down, and takes mail as soon as it is back."""
    s = Minio().start()
    servers.append(s)
    site = at(s)
    site.start("lmtpd")
    assert send(site)[0] == 250
    for down in (s.stop, s.kill):
        down()
        code, text = send(site, MESSAGE + b"again\r\n")
        assert code == 451, text
        s.start()
    assert send(site, MESSAGE + b"again\r\n")[0] == 250
    assert len(rows(site)) == 2


def test_a_silent_store_is_not_asked_for_each_message(servers, at):
    server = S3Strict().start()
    servers.append(server)
    site = at(server)
    site.init()
    site.start("lmtpd")
    archived = 15
    with site.lmtp() as c:
        for i in range(archived):
            assert c.send(MESSAGE + b"%d\r\n" % i)[0][0] == 250
    site.stop("lmtpd")
    server.close()
    status, out, _ = site.run("check", check=False)
    problems = [line for line in out.splitlines() if line.startswith("problem: ")]
    assert status == 1 and problems and all(line.startswith("problem: store: ") for line in problems), out
    assert "remedy: see that the object store of [s3] runs and can be reached from here" in out
    assert "%d messages agree with their records and leaves; their objects can't be looked at" % archived in out


def test_keys_are_renewed_while_a_daemon_runs(double, at):
    """A session ends: the daemon takes the new keys, with their long token, from the file that somebody renews."""
    site = at(double)
    session = double.account("SESSIONKEY", "sessionsecret", token="first//token==" * 80)
    write_credentials(site.path("credentials"), session, site.owner())
    site.start("lmtpd")
    assert send(site)[0] == 250
    double.tokens["SESSIONKEY"] = "second//token==" * 80
    code, _ = send(site, MESSAGE + b"while the keys are old\r\n")
    assert code == 451
    time.sleep(0.5)  # readiness is not believed any longer: it is asked for by a HEAD, whose answer has no body to say why
    assert send(site, MESSAGE + b"refused at MAIL\r\n")[0] == 451
    renewed = Account(double.endpoint, "SESSIONKEY", "sessionsecret", double.region, "second//token==" * 80)
    write_credentials(site.path("credentials"), renewed, site.owner())
    assert send(site, MESSAGE + b"with new ones\r\n")[0] == 250
    assert len(rows(site)) == 2
