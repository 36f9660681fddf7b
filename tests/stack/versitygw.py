"""A private versitygw 1.7.0: an S3 that takes lock headers and lets locks be shortened all the same. What must be refused."""
import os

from .fetched import go_program
from .process import answers
from .s3_server import S3Program

PACKAGE = "github.com/versity/versitygw/cmd/versitygw@v1.7.0"


class Versitygw(S3Program):
    name = "versitygw"
    access_key, secret_key, region = "rootak", "rootsecret123", "us-east-1"

    def __init__(self):
        self.program = go_program("versitygw", PACKAGE)
        super().__init__()

    def command(self):
        for name in ("iam", "versions", "data"):
            os.makedirs(self.path(name), exist_ok=True)
        return ([self.program, "--port", "127.0.0.1:%d" % self.port, "--iam-dir", self.path("iam"), "--quiet", "posix",
                 "--versioning-dir", self.path("versions"), self.path("data")],
                {"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key})

    def ready(self):
        return answers(("127.0.0.1", self.port))
