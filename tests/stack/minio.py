"""A private MinIO: S3 with Object Lock and encryption at rest, on loopback. A test tool only (AGPL)."""
import base64
import contextlib
import os
import shutil

from . import Missing
from .fetched import go_program
from .s3 import Account
from .s3_server import S3Program

PACKAGE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"


class Minio(S3Program):
    name = "MinIO"
    access_key, secret_key, region = "minioroot", "miniosecret123", "us-east-1"

    def __init__(self, dir=None, port=None, tls=None):
        self.program = go_program("minio", PACKAGE)
        super().__init__(dir, port, tls=tls)
        self.kms_key = base64.b64encode(os.urandom(32)).decode()

    def command(self):
        os.makedirs(self.path("certs"), exist_ok=True)
        for source, name in zip(self.tls or (), ("public.crt", "private.key")):
            shutil.copy(source, self.path("certs", name))
        return ([self.program, "server", "--quiet", "--certs-dir", self.path("certs"), "--address", "127.0.0.1:%d" % self.port, self.path("data")],
                {"MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off",
                 "MINIO_REGION": self.region, "MINIO_KMS_SECRET_KEY": "arkey:" + self.kms_key})

    def ready(self):
        """It says that it is a moment before it takes anything in."""
        try:
            return Account(self.endpoint, self.access_key, self.secret_key, self.region).call("GET", "/", timeout=5).status == 200
        except OSError:
            return False

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
