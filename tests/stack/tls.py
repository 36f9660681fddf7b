"""A private authority and certificates for servers on loopback, by the openssl command."""
import os

from . import Missing
from .process import find_program, run

DAYS = "3650"


class Authority:
    """Keeps ca.crt and what it signs in `dir`."""

    def __init__(self, dir):
        self.openssl = find_program("openssl")
        if not self.openssl:
            raise Missing("certificates: the package openssl is not installed")
        os.makedirs(dir, exist_ok=True)
        self.dir = dir
        self.ca, self.ca_key = self.path("ca.crt"), self.path("ca.key")
        if not os.path.exists(self.ca):
            run([self.openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.ca_key, "-out", self.ca,
                 "-days", DAYS, "-subj", "/CN=Strongroom test authority"])

    def path(self, name):
        return os.path.join(self.dir, name)

    def sign(self, name, san="IP:127.0.0.1,DNS:localhost"):
        """(certificate, key) of a server that is known by these names."""
        cert, key, request, extensions = (self.path(name + end) for end in (".crt", ".key", ".csr", ".ext"))
        with open(extensions, "w") as f:
            f.write("subjectAltName=%s\nbasicConstraints=CA:FALSE\n" % san)
        run([self.openssl, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=" + name])
        run([self.openssl, "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial",
             "-out", cert, "-days", DAYS, "-extfile", extensions])
        return cert, key
