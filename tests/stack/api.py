"""The HTTP API as a client sees it: strongroom-queryd(8)."""
import base64
import hmac
import http.client
import json
import ssl
import struct
import time
import urllib.parse


def totp(secret, at=None):
    """The six digits for a base32 secret now, or at that time (RFC 6238, SHA-1, 30 s)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    h = hmac.new(key, struct.pack(">Q", int((time.time() if at is None else at) // 30)), "sha1").digest()
    o = h[-1] & 15
    return "%06d" % ((struct.unpack(">I", h[o:o + 4])[0] & 0x7FFFFFFF) % 10 ** 6)


def one_window():
    """Windows begin at multiples of five minutes: what is counted from here on belongs to one, also on a machine that is busy."""
    left = 300 - time.time() % 300
    if left < 30:
        time.sleep(left + 0.1)


class Api:
    """One HTTPS connection; url "https://127.0.0.1:8443", ca the file that its certificate is checked against."""
    def __init__(self, url, ca, timeout=60):
        self.url, self.ca = url, ca
        u = urllib.parse.urlsplit(url)
        self.c = http.client.HTTPSConnection(u.hostname, u.port, context=ssl.create_default_context(cafile=ca), timeout=timeout)
        self.token = self.refresh_token = None

    def another(self):
        """A second connection of whoever is signed in."""
        api = Api(self.url, self.ca)
        api.token = self.token
        return api

    def call(self, method, path, body=None, headers=None):
        """(status, bytes, headers)."""
        h = {"Accept": "*/*", **(headers or {})}
        if self.token:
            h["Authorization"] = "Bearer " + self.token
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            h["Content-Type"] = "application/json"
        self.c.request(method, path, body, h)
        r = self.c.getresponse()
        return r.status, r.read(), r.headers

    def json(self, method, path, body=None):
        """(status, decoded body)."""
        status, text, _ = self.call(method, path, body)
        return status, json.loads(text) if text else None

    def login(self, username, password, secret):
        """Password, then TOTP, then the token. A code that was used before is refused: waits for the next one."""
        for last in (False, True):
            status, j = self.json("POST", "/api/v1/auth/login", {"username": username, "password": password})
            assert status == 200, (status, j)
            status, t = self.json("POST", "/api/v1/auth/totp", {"mfa_token": j["mfa_token"], "code": totp(secret)})
            if status == 200:
                break
            assert not last, (status, t)
            time.sleep(30 - time.time() % 30 + 0.2)
        self.token, self.refresh_token = t["access_token"], t["refresh_token"]
        return self

    def search(self, query="", **more):
        status, j = self.json("POST", "/api/v1/search/emails/", dict(query=query, **more))
        assert status == 200, (query, status, j)
        return j

    def meta(self, archive_id):
        """(status, decoded body)."""
        return self.json("GET", "/api/v1/archive/emails/%s/" % archive_id)

    def content(self, archive_id):
        """(status, bytes)."""
        return self.call("GET", "/api/v1/archive/emails/%s/content" % archive_id)[:2]

    def attachment(self, archive_id, index):
        return self.call("GET", "/api/v1/archive/emails/%s/attachments/%d" % (archive_id, index))[:2]

    def close(self):
        self.c.close()
