"""A private Sendmail. Its Debian packages conflict with Postfix's, so they are only unpacked (build/stack/sendmail), along
with the libraries that they depend on and that aren't installed. Needs root, for a host name of its own."""
import glob
import os
import re
import shutil
import subprocess

from . import Missing
from .process import Failed, answers, end, find_program, free_port, private_dir, run, tail, wait_until
from .site import TOP

CACHE = os.path.join(TOP, "build/stack/sendmail")
PACKAGES = ("sendmail-bin", "sendmail-cf")

CONFIG = """\
divert(-1)
define(`_CF_DIR_', `{cf}/')
include(`{cf}/m4/cf.m4')
VERSIONID(`private test')
OSTYPE(`linux')
define(`MAIL_SETTINGS_DIR', `{dir}/etc/')
define(`QUEUE_DIR', `{dir}/queue')
define(`confPID_FILE', `{dir}/run/sendmail.pid')
define(`STATUS_FILE', `{dir}/run/stat')
define(`HELP_FILE', `{dir}/etc/help')
define(`ALIAS_FILE', `')
define(`confCW_FILE', `-o {dir}/etc/cw')
define(`confSERVICE_SWITCH_FILE', `{dir}/etc/switch')
define(`confHOSTS_FILE', `/etc/hosts')
define(`confDOMAIN_NAME', `mx2.example.org')
define(`confTO_IDENT', `0')
define(`confDELIVERY_MODE', `background')
define(`confMIN_QUEUE_AGE', `0')
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,WorldWritableAliasFile,GroupWritableAliasFile,FileDeliveryToHardLink')
define(`confDONT_PROBE_INTERFACES', `True')
define(`confQUEUE_LA', `100')
define(`confREFUSE_LA', `200')
define(`confCONNECTION_RATE_THROTTLE', `0')
FEATURE(`no_default_msa')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
FEATURE(`accept_unqualified_senders')
FEATURE(`promiscuous_relay')
DAEMON_OPTIONS(`Port={port},Addr=127.0.0.1,Name=MTA')
{milter}
{more}
define(`RELAY_MAILER_ARGS', `TCP $h {relay}')
MODIFY_MAILER_FLAGS(`RELAY', `+z')
define(`SMART_HOST', `relay:[127.0.0.1]')
MAILER(`smtp')
"""


def installed(package):
    r = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return r.stdout == b"installed"


def depends(deb):
    """Names of the libraries that a .deb depends on, the first of each set of alternatives."""
    text = run(["dpkg-deb", "-f", deb, "Depends", "Pre-Depends"])
    names = re.findall(r"(?:^|[,:])\s*([a-z0-9][a-z0-9+.-]+)", text, re.M)
    return [n for n in names if n.startswith("lib")]


def download(package):
    """The package's .deb below CACHE."""
    debs = os.path.join(CACHE, "debs")
    os.makedirs(debs, exist_ok=True)
    r = subprocess.run(["apt-get", "download", package], cwd=debs, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    found = glob.glob(os.path.join(debs, package + "_*.deb"))
    if r.returncode or not found:
        raise Missing("Sendmail: the package %s can't be downloaded: %s" % (package, r.stdout.decode("utf-8", "replace").strip()[-300:]))
    return found[0]


def unpack():
    """Unpacks Sendmail and the libraries that it lacks into CACHE/root, once. Returns that folder."""
    root = os.path.join(CACHE, "root")
    if os.path.exists(os.path.join(CACHE, "complete")):
        return root
    shutil.rmtree(CACHE, ignore_errors=True)
    todo, done = list(PACKAGES), set()
    while todo:
        package = todo.pop(0)
        if package in done:
            continue
        done.add(package)
        deb = download(package)
        run(["dpkg-deb", "-x", deb, root])
        todo += [d for d in depends(deb) if d not in done and not installed(d)]
    with open(os.path.join(CACHE, "complete"), "w") as f:
        f.write("\n".join(sorted(done)) + "\n")
    return root


def binary(root):
    """The sendmail program, its setgid bit taken off (else it would ignore LD_LIBRARY_PATH)."""
    found = [p for p in glob.glob(os.path.join(root, "usr/lib*/sm.bin/sendmail")) + glob.glob(os.path.join(root, "usr/libexec/sendmail/sendmail"))
             if not os.path.islink(p)]
    if not found:
        raise Missing("Sendmail: the package sendmail-bin holds no sendmail program where it is looked for")
    os.chmod(found[0], 0o755)
    return found[0]


class Sendmail:
    """start() brings it up; port is where it listens. All mail goes on by LMTP over TCP to 127.0.0.1:relay_port.

    milter: "inet:PORT@127.0.0.1" or "unix:/path", as Sendmail writes it; None for none. more: further lines of the .mc."""

    def __init__(self, dir=None, relay_port=0, milter=None, more="", port=None):
        if os.geteuid() != 0:
            raise Missing("Sendmail: must be started by root")
        if not find_program("m4"):
            raise Missing("Sendmail: the package m4 is not installed")
        self.root = unpack()
        self.program = binary(self.root)
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-sendmail.")
        self.port = port or free_port()
        self.relay_port, self.milter, self.more = relay_port, milter, more
        self.process = self.sockets = None

    def socket_dir(self, owner):
        """A directory where `owner` may create a socket that Sendmail trusts: none above it is writable for all."""
        self.sockets = private_dir("strongroom-sendmail.", "/run")
        shutil.chown(self.sockets, owner or "root")
        return self.sockets

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def address(self):
        return "127.0.0.1", self.port

    def write_conf(self):
        for name in ("etc", "queue", "run"):
            os.makedirs(self.path(name), exist_ok=True)
        os.chmod(self.path("queue"), 0o700)
        cf = os.path.join(self.root, "usr/share/sendmail/cf")
        if not os.path.isdir(cf):
            raise Missing("Sendmail: the package sendmail-cf has no usr/share/sendmail/cf")
        milter = ""
        if self.milter:
            milter = "INPUT_MAIL_FILTER(`strongroom', `S=%s, F=T, T=C:10s;S:10s;R:60s;E:5m')\ndefine(`confMILTER_LOG_LEVEL', `14')" % self.milter
        with open(self.path("etc", "sendmail.mc"), "w") as f:
            f.write(CONFIG.format(cf=cf, dir=self.dir, port=self.port, relay=self.relay_port, milter=milter, more=self.more))
        with open(self.path("etc", "switch"), "w") as f:
            f.write("hosts files\naliases files\npasswd files\n")
        r = subprocess.run(["m4", "-D_CF_DIR_=%s/" % cf, self.path("etc", "sendmail.mc")], cwd=os.path.join(cf, "cf"),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if r.returncode:
            raise Failed("m4 failed: " + r.stderr.decode("utf-8", "replace"))
        with open(self.path("etc", "sendmail.cf"), "wb") as f:
            f.write(r.stdout)

    def library_path(self):
        return ":".join(sorted({os.path.dirname(p) for p in glob.glob(os.path.join(self.root, "**/*.so*"), recursive=True)}))

    def start(self):
        self.write_conf()
        # Without a fully qualified host name it sleeps for a minute before it reads its configuration.
        argv = ["unshare", "--uts", "sh", "-c", "hostname mx2.example.org; exec \"$@\"", "-",
                self.program, "-C", self.path("etc", "sendmail.cf"), "-bD", "-q2s", "-X", self.path("run", "traffic.log"),
                "-D", self.path("run", "debug.log"), "-oL14"]
        with open(self.path("run", "output.log"), "ab") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": self.library_path()})
        wait_until("Sendmail answers on port %d:\n%s" % (self.port, tail(self.path("run", "output.log"))),
                   lambda: answers(self.address) or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise Failed("Sendmail ended at its start:\n" + tail(self.path("run", "output.log")))
        return self

    def show_logs(self):
        return "==== Sendmail ====\n" + tail(self.path("run", "output.log"), 20) + tail(self.path("run", "traffic.log"), 60)

    def stop(self):
        if self.process and self.process.poll() is None:
            end(self.process.pid, seconds=10)
        if self.process:
            self.process.wait()
            self.process = None

    def close(self):
        self.stop()
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
        if self.sockets:
            shutil.rmtree(self.sockets, ignore_errors=True)
