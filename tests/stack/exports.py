"""Exports: an archive that they are of, how they are asked for, and what is in them by other people's programs."""
import contextlib
import hashlib
import json
import os
import subprocess
import time
import uuid

from .process import wait_until
from .site import Site

PASSWORD = "correct horse battery"
EXPORTS = "/api/v1/archive/exports/"


@contextlib.contextmanager
def archive_of(messages, **settings):
    """A site with these (bytes, recipient), searchable, and all daemons that exports need; erin may export everything: site.erin."""
    s = Site(settings={"workerd.export_interval": "200ms", "workerd.outbox_interval": "200ms", **settings})
    try:
        s.init()
        s.start("lmtpd")
        with s.lmtp() as c:
            for raw, to in messages:
                assert c.send(raw, b"anne@example.org", [to])[0][0] == 250
        s.secret = s.add_user("erin", PASSWORD, "--role", "exporter", "--all")
        s.start("workerd", "queryd")
        wait_until("the outbox is empty", lambda: s.rows("SELECT count(*) FROM outbox")[0][0] == 0)
        s.erin = s.api("erin", PASSWORD, s.secret)
        yield s
    finally:
        s.close()


def ask(api, **body):
    status, j = api.json("POST", EXPORTS, {"reason": "case 17", **body})
    assert status == 202, (status, j)
    assert j["state"] in ("queued", "building", "ready")    # it may have been quick
    return j["id"]


def status_of(api, export):
    status, j = api.json("GET", EXPORTS + export + "/")
    assert status == 200, (status, j)
    return j


def wait_for(api, export, state="ready", seconds=60):
    wait_until("the export is " + state, lambda: status_of(api, export)["state"] == state, seconds)
    return status_of(api, export)


def download(api, export):
    status, data, headers = api.call("GET", EXPORTS + export + "/download")
    assert status == 200, (status, data[:300])
    result = status_of(api, export)["result"]
    assert len(data) == result["size"] and hashlib.sha256(data).hexdigest() == result["sha256"]
    return data


def unpack(data, container, folder):
    """{path: bytes} as tar or unzip sees it; the manifest must be the last."""
    path = os.path.join(folder, "export." + container)
    with open(path, "wb") as f:
        f.write(data)
    out = os.path.join(folder, "out")
    os.mkdir(out)
    if container == "zip":
        subprocess.run(["unzip", "-q", path, "-d", out], check=True)
        names = subprocess.run(["unzip", "-Z1", path], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")[:-1]
    else:
        subprocess.run(["tar", "-xzf", path, "-C", out], check=True)
        names = subprocess.run(["tar", "-tzf", path], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")[:-1]
    assert names[-1].endswith("/manifest.json") and len(set(names)) == len(names)
    files = {}
    for name in names:
        with open(os.path.join(out, name), "rb") as f:
            files[name] = f.read()
    return files


def check_manifest(files, **expected):
    """Every file is in it with its size and hash; the manifest without its lists, and the messages by id."""
    manifest = json.loads(files[[n for n in files if n.endswith("/manifest.json")][0]])
    listed = {f["path"]: f for f in manifest["files"]}
    assert set(listed) == {n for n in files if not n.endswith("/manifest.json")}
    for path, f in listed.items():
        assert len(files[path]) == f["size"] and hashlib.sha256(files[path]).hexdigest() == f["sha256"], path
    for key, value in expected.items():
        assert manifest[key] == value, (key, manifest[key])
    return manifest


def key_of(export, container, epoch=1):
    at = time.gmtime(int(export.replace("-", "")[:12], 16) / 1000)
    return "x/exports/%s/%s-%d.%s" % (time.strftime("%Y/%m", at), export, epoch, container)


def take_at_once(site, export):
    """As if its time had come."""
    with site.meta.connect("control", write=True) as db:
        db.execute("UPDATE export_job SET lease_until_us = 0 WHERE id = ?", (uuid.UUID(export).bytes,))


def left_behind(site, *spools):
    """What is left of exports that are over, at this and other places."""
    folders = [os.path.join(spool, "exports") for spool in (site.path("spool"), *spools)]
    return [name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]
