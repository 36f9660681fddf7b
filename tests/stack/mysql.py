"""A private MySQL 9: Debian has it in unstable alone, so its packages are unpacked into the cache and run through their own
loader, beside the system's libraries. Needs no root and installs nothing."""
import glob
import os
import re
import shutil
import subprocess

from . import Missing
from .cache import cached
from .database import Database
from .process import find_program

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = ["mysql-server-core", "libaio1t64"]


def mirror():
    """The Debian mirror that this machine uses."""
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")) + ["/etc/apt/sources.list"]:
        if os.path.exists(path):
            with open(path) as f:
                for uri in re.findall(r"(?m)^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S+)", f.read()):
                    if uri.rstrip("/").endswith("/debian"):
                        return uri
    raise Missing("MySQL: the apt sources name no Debian mirror")


def apt_options(apt):
    options = {
        "Dir::State": apt, "Dir::State::status": apt + "/status", "Dir::State::lists": apt + "/lists", "Dir::Cache": apt + "/cache",
        "Dir::Etc::sourcelist": apt + "/sources.list", "Dir::Etc::sourceparts": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Architecture": subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip(),
        "Acquire::Check-Valid-Until": "false", "Acquire::Languages": "none", "APT::Install-Recommends": "false", "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
    }
    return [word for key, value in options.items() for word in ("-o", "%s=%s" % (key, value))]


def fetch(folder, out):
    """Unpacks the server and all it needs into folder/root."""
    apt = os.path.join(folder, "apt")
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(apt, name))
    open(os.path.join(apt, "status"), "w").close()
    with open(os.path.join(apt, "sources.list"), "w") as f:
        f.write("deb [signed-by=%s] %s sid main\n" % (KEYRING, mirror()))
    for command in (["update", "-qq"], ["install", "-y", "--download-only", *PACKAGES]):
        subprocess.run(["apt-get", *apt_options(apt), *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True, timeout=900)
    for package in glob.glob(os.path.join(apt, "cache/archives/*.deb")):
        subprocess.run(["dpkg", "-x", package, os.path.join(folder, "root")], stdout=out, stderr=out, check=True)
    shutil.rmtree(apt)


class MySQL(Database):
    kind = "MySQL"
    conf = """\
basedir={root}/usr
plugin-dir={root}/usr/lib/mysql/plugin
lc-messages-dir={root}/usr/share/mysql
character-sets-dir={root}/usr/share/mysql/charsets
tmpdir={dir}
mysqlx=OFF
secure-file-priv=
gtid-mode=ON
enforce-gtid-consistency=ON
binlog-expire-logs-seconds=1209600
innodb-redo-log-capacity=64M
"""

    def __init__(self, *args, **kw):
        if not find_program("apt-get") or not find_program("dpkg"):
            raise Missing("MySQL: its packages are unpacked by apt-get and dpkg, which are not here")
        self.root = os.path.join(cached("mysql", fetch), "root")
        super().__init__(*args, **kw)

    def server(self, *args):
        lib = glob.glob(self.root + "/usr/lib/*-linux-gnu")[0]
        loader = sorted(glob.glob(lib + "/ld-linux-*.so.*") + glob.glob(self.root + "/usr/lib*/ld-linux-*.so.*"))[0]
        places = ":".join([lib] + glob.glob(self.root + "/usr/lib/mysql/private"))
        return [loader, "--library-path", places, self.root + "/usr/sbin/mysqld", "--defaults-file=" + self.path("my.cnf"), *args]

    def initialize(self):
        return self.server("--initialize-insecure")

    def command(self):
        return self.server()
