"""A private Postfix: its own configuration, queue and data directories; nothing in /etc is touched. Needs root."""
import json
import os
import shutil
import subprocess
import time

from . import Missing
from .process import (Failed, answers, children, end, find_program, free_port, private_dir, read_pid, run, tail,
                      wait_until)

SERVICES = """\
postlog   unix-dgram n - n - 1 postlogd
127.0.0.1:{port} inet n - {chroot} - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - {chroot} - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
"""


class Postfix:
    """start() brings it up; port is where its smtpd listens.

    relay: transport of mail to example.org ("lmtp:inet:127.0.0.1:2424", "discard:"); other mail is an error.
    milter: "inet:127.0.0.1:2425" or "unix:/path"; None for none.
    chroot: run smtpd and cleanup inside the queue directory, as Debian does.
    settings: {"always_bcc": "journal@archive.example"}: further lines of main.cf. services: further lines of master.cf."""

    def __init__(self, dir=None, relay="discard:", milter=None, chroot=False, settings=None, services="", port=None):
        if os.geteuid() != 0:
            raise Missing("Postfix: its master process must be started by root")
        if not find_program("postfix"):
            raise Missing("Postfix: the package postfix is not installed")
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-postfix.")
        self.etc, self.queue_dir, self.log_file = self.path("etc"), self.path("queue"), self.path("log", "maillog")
        self.port = port or free_port()
        self.relay, self.milter, self.chroot = relay, milter, chroot
        self.settings, self.services = settings or {}, services
        self.make_dirs()

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def make_dirs(self):
        os.makedirs(self.dir, exist_ok=True)
        for name in ("", "etc", "queue", "data", "log"):
            os.makedirs(self.path(name), exist_ok=True)
            os.chmod(self.path(name), 0o755)
        shutil.chown(self.path("data"), "postfix")

    def socket_dir(self, owner):
        """<queue>/strongroom, where `owner` may create a socket that Postfix's group may use (the setgid bit hands the
        group on), as the manual recommends. Returns its path."""
        path = os.path.join(self.queue_dir, "strongroom")
        os.makedirs(path, exist_ok=True)
        shutil.chown(path, owner or "root", "postfix")
        os.chmod(path, 0o2750)
        return path

    def main_cf(self):
        places = {name: run(["postconf", "-d", "-h", name]).strip().splitlines()[-1]
                  for name in ("daemon_directory", "command_directory", "meta_directory", "shlib_directory")}
        lines = {
            "compatibility_level": "3.6", **places,
            "queue_directory": self.queue_dir, "data_directory": self.path("data"),
            "mail_owner": "postfix", "setgid_group": "postdrop",
            "maillog_file": self.log_file, "maillog_file_prefixes": self.dir,
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "myhostname": "mx.example.org",
            "mydestination": "", "mynetworks": "127.0.0.0/8", "relay_domains": "example.org",
            "relay_transport": self.relay, "default_transport": "error:5.1.2 no outside mail",
            "alias_maps": "", "alias_database": "", "local_recipient_maps": "",
            "smtpd_recipient_restrictions": "permit_mynetworks, reject", "smtpd_client_connection_count_limit": "0",
            "smtpd_peername_lookup": "no", "smtp_host_lookup": "native", "lmtp_host_lookup": "native", "disable_dns_lookups": "yes",
            "in_flow_delay": "0", "minimal_backoff_time": "2s", "maximal_backoff_time": "4s", "queue_run_delay": "2s",
            "message_size_limit": "104857600", "mailbox_size_limit": "0", "enable_long_queue_ids": "yes",
        }
        if self.milter:
            lines.update({"smtpd_milters": self.milter, "milter_default_action": "tempfail", "milter_protocol": "6",
                          "milter_connect_timeout": "10s"})
        lines.update(self.settings)
        return "".join("%s = %s\n" % item for item in lines.items())

    def write_conf(self):
        with open(os.path.join(self.etc, "main.cf"), "w") as f:
            f.write(self.main_cf())
        with open(os.path.join(self.etc, "master.cf"), "w") as f:
            f.write(SERVICES.format(port=self.port, chroot="y" if self.chroot else "n") + self.services)
        # Postfix waits until a file is some seconds old, lest it read one that is half written.
        old = time.time() - 60
        for name in ("main.cf", "master.cf"):
            os.utime(os.path.join(self.etc, name), (old, old))

    def start(self):
        self.write_conf()
        run(["postfix", "-c", self.etc, "start"])
        wait_until("Postfix answers on port %d" % self.port, lambda: answers(self.address))
        return self

    @property
    def address(self):
        return "127.0.0.1", self.port

    def pid(self):
        return read_pid(os.path.join(self.queue_dir, "pid", "master.pid"))

    def reconfigure(self, **settings):
        """Changes lines of main.cf in the running server."""
        self.settings.update(settings)
        self.write_conf()
        run(["postfix", "-c", self.etc, "reload"])

    def queue(self):
        """The queued messages, as `postqueue -j` tells them."""
        r = subprocess.run(["postqueue", "-c", self.etc, "-j"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return [json.loads(line) for line in r.stdout.splitlines()]

    def wait_empty(self, seconds=60):
        wait_until("empty queue of Postfix", lambda: not self.queue(), seconds, 0.2)

    def flush(self):
        run(["postqueue", "-c", self.etc, "-f"])

    def log(self):
        try:
            with open(self.log_file, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def show_logs(self):
        return "==== Postfix ====\n" + tail(self.log_file, 60)

    def stop(self):
        """Ends the master and what it started."""
        pid = self.pid()
        if pid is None:
            return
        below = children(pid)
        if not end(pid, seconds=10):
            raise Failed("Postfix had to be killed")
        for child in below:
            end(child, seconds=5)

    def close(self):
        self.stop()
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
