"""A real OpenID provider (npm oidc-provider) over TLS, and a browser that signs in there."""
import contextlib
import http.client
import http.cookies
import json
import os
import shutil
import signal
import ssl
import subprocess
import urllib.parse

from .node import packages, tools
from .process import answers, end, free_port, private_dir, run, tail, wait_until
from .tls import Authority

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "oidc_provider")
CLIENT, SECRET = "strongroom", "a secret: of 100%, and of more than 32 bytes"


def jwk(kind, kid):
    """A new private key of this kind, as node tells it."""
    options = {"rsa": "{modulusLength: 2048}", "ec": "{namedCurve: 'P-256'}"}[kind]
    text = run([tools()[0], "-e", "console.log(JSON.stringify(require('crypto').generateKeyPairSync('%s', %s).privateKey.export({format: 'jwk'})))"
                % (kind, options)])
    return {**json.loads(text), "kid": kid, "use": "sig"}


class Provider:
    """people: {"ann": {"claims": {"sub": "1", "email": …}, "amr": […], "acr": …}}; people.save() after a change."""

    def __init__(self, redirect_url):
        self.node, folder = tools()[0], packages("oidc-provider", SOURCE)
        self.dir = private_dir("strongroom-oidc.")
        self.port, self.p = free_port(), None
        self.issuer = "https://localhost:%d" % self.port
        authority = Authority(self.path("tls"))
        self.ca = authority.ca
        self.certificate, self.key = authority.sign("provider")
        self.client = {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [redirect_url], "grant_types": ["authorization_code"],
                       "response_types": ["code"]}
        self.keys = [jwk("rsa", "r1"), jwk("ec", "e1")]
        self.people = {}
        self.light = False    # what is said of people is not in ID tokens
        os.symlink(os.path.join(folder, "node_modules"), self.path("node_modules"))
        shutil.copy(os.path.join(SOURCE, "provider.mjs"), self.dir)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def save(self):
        with open(self.path("people.new"), "w") as f:
            json.dump(self.people, f)
        os.rename(self.path("people.new"), self.path("people.json"))

    def person(self, name, amr=None, acr=None, **claims):
        self.people[name] = {"claims": {"sub": "id-of-" + name, "email": name + "@example.org", "email_verified": True, **claims},
                             "amr": amr, "acr": acr}
        self.save()

    @contextlib.contextmanager
    def saying(self, status, body, type="application/json"):
        """What it answers who asks what it says of somebody."""
        with open(self.path("userinfo.new"), "w") as f:
            json.dump({"status": status, "type": type, "body": body}, f)
        os.rename(self.path("userinfo.new"), self.path("userinfo.json"))
        try:
            yield
        finally:
            os.remove(self.path("userinfo.json"))

    def start(self, **client):
        """client: members of its registration that are others than before."""
        self.client.update(client)
        self.save()
        with open(self.path("settings.json"), "w") as f:
            json.dump({"issuer": self.issuer, "port": self.port, "certificate": self.certificate, "key": self.key, "clients": [self.client],
                       "keys": self.keys, "people": self.path("people.json"), "light": self.light, "userinfo": self.path("userinfo.json")}, f)
        with open(self.path("output"), "ab") as out:
            self.p = subprocess.Popen([self.node, self.path("provider.mjs"), self.path("settings.json")], stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=out, cwd=self.dir)
        wait_until("the provider answers", lambda: answers(("127.0.0.1", self.port)) or self.p.poll() is not None, 60)
        assert self.p.poll() is None, self.show_logs()
        return self

    def stop(self):
        if self.p and self.p.poll() is None:
            end(self.p.pid, signal.SIGTERM)
        if self.p:
            self.p.wait()

    def settings(self, secret_file):
        """Lines of strongroom.conf."""
        return {"oidc.issuer": self.issuer, "oidc.client_id": CLIENT, "oidc.client_secret_file": secret_file, "oidc.ca_file": self.ca,
                "oidc.redirect_url": self.client["redirect_uris"][0]}

    def show_logs(self):
        return "==== provider ====\n" + tail(self.path("output"))

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Browser:
    """Keeps the cookies of each host and port, and goes where it is sent. `person` is who types at the provider's sign-in page."""

    def __init__(self, *authorities, person=None):
        self.context = ssl.create_default_context()
        for ca in authorities:
            self.context.load_verify_locations(ca)
        self.person, self.cookies = person, {}

    def get(self, url):
        """(status, headers, bytes) of one request."""
        u = urllib.parse.urlsplit(url)
        jar = self.cookies.setdefault(u.netloc, {})
        c = http.client.HTTPSConnection(u.hostname, u.port, context=self.context, timeout=60)
        try:
            headers = {"Cookie": "; ".join("%s=%s" % item for item in jar.items())} if jar else {}
            c.request("GET", u.path + ("?" + u.query if u.query else ""), None, {**headers, **({"X-Person": self.person} if self.person else {})})
            r = c.getresponse()
            body = r.read()
        finally:
            c.close()
        for field in r.headers.get_all("Set-Cookie", []):
            for name, morsel in http.cookies.SimpleCookie(field).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    jar.pop(name, None)
                else:
                    jar[name] = morsel.value
        return r.status, r.headers, body

    def follow(self, url, until=None):
        """Follows redirections up to an address that begins with `until` (which is not asked for): that address; without it, the last
        (status, headers, bytes)."""
        for _ in range(10):
            if until and url.startswith(until):
                return url
            status, headers, body = self.get(url)
            if status not in (302, 303, 307):
                return status, headers, body
            url = urllib.parse.urljoin(url, headers["Location"])
        raise AssertionError("sent on and on, last to " + url)
