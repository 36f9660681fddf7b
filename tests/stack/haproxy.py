"""A private HAProxy with TLS: before replicas of strongroom-queryd, or before a search engine."""
import base64
import os
import shutil
import subprocess

from . import Missing
from .process import answers, end, find_program, free_port, private_dir, run, tail, wait_until

CONF = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend clients
  bind 127.0.0.1:{port} ssl crt {dir}/server.pem
{frontend}
  default_backend servers
backend servers
{servers}
"""


class HAProxy:
    def __init__(self):
        self.program = find_program("haproxy")
        if not self.program:
            raise Missing("haproxy is not installed (package haproxy)")
        self.dir, self.port, self.p = private_dir("strongroom-haproxy."), free_port(), None

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def configure(self, certificate, key, servers, frontend="", before=""):
        """certificate, key: the files that it shows. The others: lines of configuration."""
        with open(self.path("server.pem"), "w") as out:
            for name in (certificate, key):
                with open(name) as f:
                    out.write(f.read())
        with open(self.path("haproxy.cfg"), "w") as f:
            f.write(before + CONF.format(port=self.port, dir=self.dir, frontend=frontend, servers=servers))

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


class Balancer(HAProxy):
    """Each request to the next replica, over TLS. site: whose certificate it shows. ports: of the replicas."""

    def __init__(self, site, ports):
        super().__init__()
        self.url = "https://127.0.0.1:%d" % self.port
        self.configure(site.settings["queryd.tls_cert"], site.settings["queryd.tls_key"], "  balance roundrobin\n" + "\n".join(
            "  server s%d 127.0.0.1:%d ssl verify required verifyhost localhost ca-file %s" % (i, port, site.ca)
            for i, port in enumerate(ports)))


class EngineDoor(HAProxy):
    """It takes a password (USER, PASSWORD) or an API key. ca: what clients trust it by. Its certificate is for localhost, not for
    127.0.0.1."""
    USER, PASSWORD, API_KEY = "elastic", "se:cret", "id:key"
    USERS = """
userlist accounts
  user {user} insecure-password {password}
"""
    RULES = """
  acl password http_auth(accounts)
  acl key req.hdr(Authorization) -m str "ApiKey {key}"
  http-request deny deny_status 401 content-type application/json string '{{"error":{{"type":"security_exception","reason":"no such account"}}}}' unless password or key
"""

    def __init__(self, engine_port):
        super().__init__()
        self.url, self.ca = "https://localhost:%d" % self.port, self.path("ca.crt")
        self.make_certificates()
        self.configure(self.path("server.crt"), self.path("server.key"), "  server engine 127.0.0.1:%d" % engine_port,
                       self.RULES.format(key=base64.b64encode(self.API_KEY.encode()).decode()),
                       self.USERS.format(user=self.USER, password=self.PASSWORD))

    def make_certificates(self):
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7",
             "-subj", "/CN=Test CA", "-keyout", self.path("ca.key"), "-out", self.ca])
        run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
             "-keyout", self.path("server.key"), "-out", self.path("server.csr")])
        with open(self.path("names"), "w") as f:
            f.write("subjectAltName=DNS:localhost\n")
        run(["openssl", "x509", "-req", "-in", self.path("server.csr"), "-CA", self.ca, "-CAkey", self.path("ca.key"), "-days", "7",
             "-CAcreateserial", "-extfile", self.path("names"), "-out", self.path("server.crt")])
