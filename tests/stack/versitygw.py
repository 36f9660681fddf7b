"""A private versitygw 1.7.0: an S3 that takes lock headers and lets locks be shortened all the same. What must be refused."""
import os
import shutil
import signal
import subprocess

from .fetched import go_program
from .process import Failed, answers, end, free_port, private_dir, tail, wait_until
from .s3 import Bucket

PACKAGE = "github.com/versity/versitygw/cmd/versitygw@v1.7.0"


class Versitygw:
    """start() brings it up at self.endpoint."""

    access_key, secret_key, region = "rootak", "rootsecret123", "us-east-1"

    def __init__(self):
        self.program = go_program("versitygw", PACKAGE)
        self.dir = private_dir("strongroom-versitygw.")
        self.port = free_port()
        self.endpoint = "http://127.0.0.1:%d" % self.port
        self.p = None

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def pid(self):
        return self.p.pid if self.p else None

    def start(self):
        for name in ("iam", "versions", "data"):
            os.makedirs(self.path(name), exist_ok=True)
        argv = [self.program, "--port", "127.0.0.1:%d" % self.port, "--iam-dir", self.path("iam"), "--quiet", "posix",
                "--versioning-dir", self.path("versions"), self.path("data")]
        with open(self.path("log"), "ab") as out:
            self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd=self.dir,
                                      env={"PATH": "/usr/bin:/bin", "HOME": self.dir, "ROOT_ACCESS_KEY": self.access_key,
                                           "ROOT_SECRET_KEY": self.secret_key})
        wait_until("versitygw answers on port %d" % self.port,
                   lambda: self.p.poll() is not None or answers(("127.0.0.1", self.port)), 30)
        if self.p.poll() is not None:
            raise Failed("versitygw ended with %d:\n%s" % (self.p.returncode, tail(self.path("log"))))
        return self

    def bucket(self, name):
        return Bucket(self, name)

    def settings(self, bucket="archive", owner=None):
        return self.bucket(bucket).settings(self.path("credentials"), owner)

    def show_logs(self):
        return "==== versitygw ====\n" + tail(self.path("log"), 40)

    def stop(self):
        if self.p:
            end(self.p.pid, signal.SIGTERM)
            self.p.wait()
            self.p = None

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
