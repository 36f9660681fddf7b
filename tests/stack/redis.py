"""A private Redis: on loopback, with its data in a file that is written to at each change."""
import os
import shutil
import signal
import subprocess

from . import Missing
from .process import Failed, answers, end, find_program, free_port, private_dir, read_pid, tail, wait_until


class Redis:
    """start() brings it up on what `dir` holds already."""

    def __init__(self, dir=None, port=None):
        self.program = find_program("redis-server")
        if not self.program:
            raise Missing("Redis: the package redis-server is not installed")
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-redis.")
        self.port = port or free_port()
        self.p = None

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def url(self):
        return "redis://127.0.0.1:%d" % self.port

    @property
    def pid(self):
        return read_pid(self.path("pid"))

    def start(self):
        os.makedirs(self.dir, exist_ok=True)
        with open(self.path("log"), "ab") as out:
            self.p = subprocess.Popen([self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.dir, "--save", "",
                                       "--appendonly", "yes", "--daemonize", "no", "--pidfile", self.path("pid")],
                                      stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        wait_until("Redis answers on port %d" % self.port, self.is_up, 30)
        return self

    def is_up(self):
        if self.p.poll() is not None:
            raise Failed("Redis ended with %d:\n%s" % (self.p.returncode, tail(self.path("log"))))
        return answers(("127.0.0.1", self.port)) and self.pid

    def stop(self, sig=signal.SIGTERM):
        if self.pid:
            end(self.pid, sig)
        if self.p:
            self.p.wait()
            self.p = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def settings(self, port=None):
        """Section -> key -> value for strongroom.conf."""
        return {}

    def show_logs(self):
        return "==== Redis ====\n" + tail(self.path("log"))

    def close(self):
        self.stop()
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
