"""What the private S3 servers have in common: a directory, an administrator's account, and their buckets."""
import os
import shutil
import signal
import subprocess

from .process import Failed, end, free_port, private_dir, tail, wait_until
from .s3 import Bucket


class S3Server:
    """A server with its data in self.dir (default: a new directory, which close() removes), at self.endpoint."""

    name = None                               # also of its directory
    access_key = secret_key = region = None   # the administrator's

    def __init__(self, dir=None, port=None, below=None, tls=None):
        """tls: (certificate, key) files, for https."""
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-%s." % self.name.lower(), below)
        self.port = port or free_port()
        self.tls = tls
        self.endpoint = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.port)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def bucket(self, name):
        """A view of one bucket with the administrator's own account."""
        return Bucket(self, name)

    def settings(self, bucket="archive", owner=None):
        """Lines of strongroom.conf: section -> key -> value. owner: (uid, gid) that must read the credentials."""
        return self.bucket(bucket).settings(self.path("credentials"), owner)

    def close(self):
        self.stop()
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)


class S3Program(S3Server):
    """One of a single program: data and keys stay over stop() and start()."""

    p = None

    def command(self):
        """(the program with its arguments, its environment); makes what they name."""
        raise NotImplementedError

    def ready(self):
        raise NotImplementedError

    @property
    def pid(self):
        return self.p.pid if self.p else None

    def start(self):
        argv, env = self.command()
        with open(self.path("log"), "ab") as out:
            self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd=self.dir,
                                      env={"PATH": "/usr/bin:/bin", "HOME": self.dir, **env})
        try:
            wait_until("%s answers on port %d" % (self.name, self.port), lambda: self.p.poll() is not None or self.ready(), 60)
        finally:
            if self.p.poll() is not None:
                raise Failed("%s ended with %d:\n%s" % (self.name, self.p.returncode, tail(self.path("log"))))
        return self

    def stop(self, sig=signal.SIGTERM):
        if self.p:
            end(self.p.pid, sig)
            self.p.wait()
            self.p = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def show_logs(self):
        return "==== %s ====\n%s" % (self.name, tail(self.path("log"), 40))
