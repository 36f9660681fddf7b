"""A private HAProxy before replicas of strongroom-queryd: TLS to both sides, each request to the next replica."""
import os
import shutil
import subprocess

from . import Missing
from .process import answers, end, find_program, free_port, private_dir, tail, wait_until

CONF = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend clients
  bind 127.0.0.1:{port} ssl crt {dir}/server.pem
  default_backend replicas
backend replicas
  balance roundrobin
{servers}
"""


class Balancer:
    """site: whose certificate it shows. ports: of the replicas."""

    def __init__(self, site, ports):
        self.program = find_program("haproxy")
        if not self.program:
            raise Missing("haproxy is not installed (package haproxy)")
        self.dir, self.port, self.p = private_dir("strongroom-balancer."), free_port(), None
        with open(self.path("server.pem"), "w") as out:
            for name in ("queryd.tls_cert", "queryd.tls_key"):
                with open(site.settings[name]) as f:
                    out.write(f.read())
        servers = "\n".join("  server s%d 127.0.0.1:%d ssl verify required verifyhost localhost ca-file %s" % (i, port, site.ca)
                            for i, port in enumerate(ports))
        with open(self.path("haproxy.cfg"), "w") as f:
            f.write(CONF.format(port=self.port, dir=self.dir, servers=servers))

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def url(self):
        return "https://127.0.0.1:%d" % self.port

    def start(self):
        with open(self.path("output"), "wb") as out:
            self.p = subprocess.Popen([self.program, "-db", "-f", self.path("haproxy.cfg")], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_until("HAProxy answers on port %d" % self.port, lambda: answers(("127.0.0.1", self.port)))
        return self

    def show_logs(self):
        return "==== HAProxy ====\n" + tail(self.path("output"))

    def close(self):
        if self.p and self.p.poll() is None:
            end(self.p.pid)
        if self.p:
            self.p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
