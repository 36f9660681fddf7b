"""A private authority and certificates for servers on loopback, by the openssl command."""
import os

from . import Missing
from .process import find_program, run

DAYS = "3650"
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]    # made at once, unlike RSA's


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
            run([self.openssl, "req", "-x509", *NEW_KEY, "-keyout", self.ca_key, "-out", self.ca,
                 "-days", DAYS, "-subj", "/CN=Strongroom test authority"])

    def path(self, name):
        return os.path.join(self.dir, name)

    def revoke(self, *certificates):
        """The path of the list of these, good for a month; without any it is empty."""
        conf, database, crl = (self.path(name) for name in ("crl.conf", "crl.txt", "crl.pem"))
        with open(conf, "w") as f:
            f.write("[ca]\ndefault_ca = a\n[a]\ndatabase = %s\ndefault_md = sha256\ndefault_crl_days = 30\n" % database)
        open(database, "w").close()
        issuer = ["-config", conf, "-keyfile", self.ca_key, "-cert", self.ca]
        for certificate in certificates:
            run([self.openssl, "ca", *issuer, "-revoke", certificate])
        run([self.openssl, "ca", *issuer, "-gencrl", "-out", crl])
        os.chmod(crl, 0o644)
        return crl

    def sign(self, name, san="IP:127.0.0.1,DNS:localhost"):
        """(certificate, key) of a server that is known by these names."""
        cert, key, request, extensions = (self.path(name + end) for end in (".crt", ".key", ".csr", ".ext"))
        with open(extensions, "w") as f:
            f.write("subjectAltName=%s\nbasicConstraints=CA:FALSE\n" % san)
        run([self.openssl, "req", *NEW_KEY, "-keyout", key, "-out", request, "-subj", "/CN=" + name])
        run([self.openssl, "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial",
             "-out", cert, "-days", DAYS, "-extfile", extensions])
        return cert, key
