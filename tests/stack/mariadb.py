"""A private MariaDB (Debian's: 10.11 and later): TCP with TLS on loopback and a Unix socket, binary log by rows."""
import os

from . import Missing
from .database import Database
from .process import find_program


class MariaDB(Database):
    kind = "MariaDB"
    conf = """\
binlog-format=ROW
expire-logs-days=14
gtid-strict-mode=ON
"""

    def __init__(self, *args, **kw):
        self.server, self.install = find_program("mariadbd"), find_program("mariadb-install-db")
        if not self.server or not self.install:
            raise Missing("MariaDB: the package mariadb-server-core is not installed")
        super().__init__(*args, **kw)

    def initialize(self):
        return [self.install, "--no-defaults", "--datadir=" + self.path("data"), "--auth-root-authentication-method=normal",
                "--skip-test-db"]

    def command(self):
        return [self.server, "--defaults-file=" + self.path("my.cnf"), "--tmpdir=" + self.tmp()]

    def tmp(self):
        os.makedirs(self.path("tmp"), exist_ok=True)
        self.own(self.path("tmp"))
        return self.path("tmp")
