"""A private Redis on loopback, with its data in a file that is written to at each change; with a password and over TLS
where asked for."""
import os
import shutil
import signal
import subprocess

from . import Missing
from .process import Failed, answers, end, find_program, free_port, pause, private_dir, read_pid, tail, wait_until
from .tls import Authority


class Redis:
    """start() brings it up on what `dir` holds already (default: a new one, removed by close()). password: None for none. owner:
    the account that is to read password_file."""

    def __init__(self, dir=None, port=None, tls=False, password=None, owner="nobody"):
        self.server, self.client = find_program("redis-server"), find_program("redis-cli")
        if not self.server or not self.client:
            raise Missing("Redis: the package redis-server is not installed")
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-redis.")
        os.makedirs(self.dir, exist_ok=True)
        self.port = port or free_port()
        self.tls, self.password, self.owner = tls, password, owner
        self.process = None
        self.password_file = self.path("password")
        if password:
            self.write_password(password)
        self.authority = Authority(self.path("tls")) if tls else None

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("rediss" if self.tls else "redis", self.port)

    def write_password(self, text):
        """What clients are to say: that of the server changes with a restart only."""
        if os.path.exists(self.password_file):
            os.unlink(self.password_file)
        with open(os.open(self.password_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(text + "\n")
        if os.geteuid() == 0:
            shutil.chown(self.password_file, self.owner)

    def write_conf(self):
        lines = {"bind": "127.0.0.1", "dir": self.dir, "save": '""', "appendonly": "yes", "daemonize": "no", "logfile": self.path("log"),
                 "pidfile": self.path("pid"), "databases": "4", "port": self.port}
        if self.tls:
            cert, key = self.authority.sign("redis")
            lines.update({"port": 0, "tls-port": self.port, "tls-cert-file": cert, "tls-key-file": key, "tls-ca-cert-file": self.authority.ca,
                          "tls-auth-clients": "no"})
        if self.password:
            lines["requirepass"] = self.password
        with open(self.path("redis.conf"), "w") as f:
            f.write("".join("%s %s\n" % item for item in lines.items()))

    def start(self):
        self.write_conf()
        with open(self.path("output"), "ab") as out:
            self.process = subprocess.Popen([self.server, self.path("redis.conf")], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True)

        def up():
            if self.process.poll() is not None:
                raise Failed("Redis ended with %d at its start:\n%s" % (self.process.returncode, tail(self.path("log"))))
            return answers(("127.0.0.1", self.port)) and self.command("PING") == "PONG"
        wait_until("Redis answers", up, 60)
        return self

    @property
    def pid(self):
        return read_pid(self.path("pid"))

    def command(self, *words):
        """What redis-cli prints."""
        argv = [self.client, "-p", str(self.port)] + (["--tls", "--cacert", self.authority.ca] if self.tls else [])
        r = subprocess.run([*argv, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20,
                           env={**os.environ, "REDISCLI_AUTH": self.password or ""})
        return r.stdout.decode().strip()

    def settings(self, port=None):
        """Section → key → value; port: of a proxy in front of it."""
        section = {"url": self.url if port is None else self.url.replace(str(self.port), str(port))}
        if self.password:
            section["password_file"] = self.password_file
        if self.tls:
            section["ca_file"] = self.authority.ca
        return {"": {"cache": "redis:"}, "redis": section}

    def stop(self, sig=signal.SIGTERM):
        pid = self.pid
        if pid:
            end(pid, sig, 20)
        if self.process:
            self.process.wait()
            self.process = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def pause(self, on=True):
        """It accepts connections, and says nothing."""
        pause(self.pid, on)

    def close(self):
        if self.process and self.pid:
            self.pause(False)
        self.stop()
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)

    def show_logs(self):
        return "==== Redis ====\n" + tail(self.path("log"), 40)
