"""A private MinIO: S3 with Object Lock and encryption at rest, on loopback. A test tool only (AGPL)."""
import base64
import contextlib
import os
import shutil
import signal
import subprocess

from . import Missing
from .fetched import go_program
from .process import Failed, end, free_port, private_dir, tail, wait_until
from .s3 import Account, Bucket

PACKAGE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"


class Minio:
    """start() brings it up at self.endpoint; data and keys stay over stop() and start()."""

    access_key, secret_key, region = "minioroot", "miniosecret123", "us-east-1"

    def __init__(self, dir=None, port=None, tls=None):
        """tls: (certificate, key) files, for https."""
        self.program = go_program("minio", PACKAGE)
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-minio.")
        self.port = port or free_port()
        self.tls = tls
        self.endpoint = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.port)
        self.kms_key = base64.b64encode(os.urandom(32)).decode()
        self.p = None

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def pid(self):
        return self.p.pid if self.p else None

    def ready(self):
        """It says that it is a moment before it takes anything in."""
        try:
            return Account(self.endpoint, self.access_key, self.secret_key, self.region).call("GET", "/", timeout=5).status == 200
        except OSError:
            return False

    def start(self):
        env = {"PATH": "/usr/bin:/bin", "HOME": self.dir, "MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key,
               "MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "MINIO_REGION": self.region, "MINIO_KMS_SECRET_KEY": "arkey:" + self.kms_key}
        os.makedirs(self.path("certs"), exist_ok=True)
        for source, name in zip(self.tls or (), ("public.crt", "private.key")):
            shutil.copy(source, self.path("certs", name))
        with open(self.path("log"), "ab") as out:
            self.p = subprocess.Popen([self.program, "server", "--quiet", "--certs-dir", self.path("certs"), "--address",
                                       "127.0.0.1:%d" % self.port, self.path("data")],
                                      stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True)
        try:
            wait_until("MinIO answers on port %d" % self.port, lambda: self.p.poll() is not None or self.ready(), 60)
        finally:
            if self.p.poll() is not None:
                raise Failed("MinIO ended with %d:\n%s" % (self.p.returncode, tail(self.path("log"))))
        return self

    def bucket(self, name):
        """A view of one bucket with the administrator's own account."""
        return Bucket(self, name)

    # ---- what a broken disk does to objects (names of S3Store) ----

    def place(self, bucket, name):
        return self.path("data", bucket, name)

    def lose(self, bucket, names):
        for name in names:
            shutil.rmtree(self.place(bucket, name))

    @contextlib.contextmanager
    def lost(self, bucket, name):
        os.rename(self.place(bucket, name), self.path("aside"))
        try:
            yield
        finally:
            os.rename(self.path("aside"), self.place(bucket, name))

    def alter(self, bucket, name, data):
        raise Missing("MinIO has sums of what is on its disks, and gives nothing out that was altered there")

    def settings(self, bucket="archive", owner=None):
        """Lines of strongroom.conf: section -> key -> value. owner: (uid, gid) that must read the credentials."""
        return self.bucket(bucket).settings(self.path("credentials"), owner)

    def show_logs(self):
        return "==== MinIO ====\n" + tail(self.path("log"), 40)

    def stop(self, sig=signal.SIGTERM):
        if self.p:
            end(self.p.pid, sig)
            self.p.wait()
            self.p = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def close(self):
        self.stop()
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
