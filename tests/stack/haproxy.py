"""A private HAProxy with TLS before a search engine: it takes a password (elastic, secret) or an API key (id:key)."""
import base64
import os
import shutil
import subprocess

from . import Missing
from .process import answers, end, find_program, free_port, private_dir, run, tail, wait_until

USER, PASSWORD, API_KEY = "elastic", "se:cret", "id:key"

CONF = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
userlist accounts
  user {user} insecure-password {password}
frontend tls
  bind 127.0.0.1:{port} ssl crt {dir}/server.pem
  acl password http_auth(accounts)
  acl key req.hdr(Authorization) -m str "ApiKey {key}"
  http-request deny deny_status 401 content-type application/json string '{{"error":{{"type":"security_exception","reason":"no such account"}}}}' unless password or key
  default_backend engine
backend engine
  server engine 127.0.0.1:{engine}
"""


class HAProxy:
    """ca: what clients trust it by. Its certificate is for localhost, not for 127.0.0.1."""

    def __init__(self, engine_port, dir=None):
        self.program = find_program("haproxy")
        if not self.program:
            raise Missing("haproxy is not installed (package haproxy)")
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-haproxy.")
        self.port, self.engine_port, self.p = free_port(), engine_port, None
        self.ca = self.path("ca.crt")

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def url(self):
        return "https://localhost:%d" % self.port

    def make_certificates(self):
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7",
             "-subj", "/CN=Test CA", "-keyout", self.path("ca.key"), "-out", self.ca])
        run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
             "-keyout", self.path("server.key"), "-out", self.path("server.csr")])
        with open(self.path("names"), "w") as f:
            f.write("subjectAltName=DNS:localhost\n")
        run(["openssl", "x509", "-req", "-in", self.path("server.csr"), "-CA", self.ca, "-CAkey", self.path("ca.key"), "-days", "7",
             "-CAcreateserial", "-extfile", self.path("names"), "-out", self.path("server.crt")])
        with open(self.path("server.pem"), "w") as out:
            for name in ("server.crt", "server.key"):
                with open(self.path(name)) as f:
                    out.write(f.read())

    def start(self):
        self.make_certificates()
        with open(self.path("haproxy.cfg"), "w") as f:
            f.write(CONF.format(dir=self.dir, port=self.port, engine=self.engine_port, user=USER, password=PASSWORD,
                                key=base64.b64encode(API_KEY.encode()).decode()))
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
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
