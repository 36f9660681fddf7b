"""S3 as a test sees it: requests signed by hand (SigV4), with any account's keys, behind the daemons' backs."""
import base64
import contextlib
import datetime
import hashlib
import hmac
import http.client
import json
import os
import ssl
import urllib.parse
import xml.etree.ElementTree as ElementTree

UNRESERVED = "-._~"

# What the daemons need (strongroom(7)).
ON_OBJECTS = ["s3:PutObject", "s3:PutObjectRetention", "s3:PutObjectLegalHold", "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"]
ON_BUCKET = ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=UNRESERVED + safe)


def sign(secret, date, region, text):
    """The signature (hex) of a string to sign."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, "s3", "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def string_to_sign(method, path, query, headers, payload, stamp, region):
    """headers: {lower-case name: value}, all of them signed. query: [(name, value)], percent-encoded already."""
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, path, "&".join("%s=%s" % q for q in sorted(query)),
                           "".join("%s:%s\n" % (n, " ".join(headers[n].split())) for n in sorted(headers)), names, payload])
    return names, "\n".join(["AWS4-HMAC-SHA256", stamp, "%s/%s/s3/aws4_request" % (stamp[:8], region), sha256(canonical.encode())])


def stamp_now(skew=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=skew)).strftime("%Y%m%dT%H%M%SZ")


def time_text(seconds_from_now):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, {k.lower(): v for k, v in headers}, body

    @property
    def code(self):
        """The S3 error code, "" for none."""
        with contextlib.suppress(ElementTree.ParseError):
            return ElementTree.fromstring(self.body).findtext("Code") or ""
        return ""

    def __repr__(self):
        return "<Answer %d %r>" % (self.status, self.body[:300])


class Account:
    """One pair of keys at one endpoint."""

    def __init__(self, endpoint, access_key, secret_key, region="us-east-1", token=None):
        self.endpoint, self.access_key, self.secret_key, self.region, self.token = endpoint, access_key, secret_key, region, token

    def call(self, method, path, query=(), headers=None, body=b"", timeout=60):
        """path: as in "/bucket/key", not encoded. query: {name: value} or pairs."""
        url = urllib.parse.urlsplit(self.endpoint)
        path = quote(path, "/")
        pairs = [(quote(k), quote(v)) for k, v in (query.items() if isinstance(query, dict) else query)]
        stamp = stamp_now()
        head = {k.lower(): v for k, v in (headers or {}).items()}
        head.update({"host": url.netloc, "x-amz-date": stamp, "x-amz-content-sha256": sha256(body)})
        if self.token:
            head["x-amz-security-token"] = self.token
        names, text = string_to_sign(method, path, pairs, head, head["x-amz-content-sha256"], stamp, self.region)
        head["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s/%s/s3/aws4_request, SignedHeaders=%s, Signature=%s" % (
            self.access_key, stamp[:8], self.region, names, sign(self.secret_key, stamp[:8], self.region, text))
        c = (http.client.HTTPSConnection(url.hostname, url.port, timeout=timeout, context=ssl._create_unverified_context())
             if url.scheme == "https" else http.client.HTTPConnection(url.hostname, url.port, timeout=timeout))
        try:
            c.request(method, path + ("?" + "&".join("%s=%s" % p for p in sorted(pairs)) if pairs else ""), body or None, head)
            r = c.getresponse()
            return Answer(r.status, r.getheaders(), r.read())
        finally:
            c.close()


def local(tag):
    return tag.rpartition("}")[2]


class Bucket:
    """One bucket of a server (anything with endpoint, access_key, secret_key and region), by default with that account."""

    def __init__(self, server, name, account=None):
        self.name = name
        self.account = account or Account(server.endpoint, server.access_key, server.secret_key, server.region)

    def call(self, method, key="", query=(), headers=None, body=b"", account=None):
        return (account or self.account).call(method, "/%s%s" % (self.name, "/" + key if key else ""), query, headers, body)

    def create(self, locked=True):
        return self.call("PUT", headers={"x-amz-bucket-object-lock-enabled": "true"} if locked else {})

    def put(self, key, body, until=None, mode="COMPLIANCE", **kw):
        """until: seconds from now that the object is locked for; None: no lock."""
        head = {"x-amz-checksum-sha256": b64(hashlib.sha256(body).digest()), "content-md5": b64(hashlib.md5(body).digest())}
        if until is not None:
            head.update({"x-amz-object-lock-mode": mode, "x-amz-object-lock-retain-until-date": time_text(until)})
        return self.call("PUT", key, headers=head, body=body, **kw)

    def get(self, key, version=None, **kw):
        return self.call("GET", key, {"versionId": version} if version else {}, **kw)

    def head(self, key, version=None):
        return self.call("HEAD", key, {"versionId": version} if version else {})

    def delete(self, key, version=None, **kw):
        return self.call("DELETE", key, {"versionId": version} if version else {}, {"x-amz-bypass-governance-retention": "true"}, **kw)

    def delete_many(self, pairs, **kw):
        """Multi-delete of [(key, version)]: the answer, and the keys that it says are deleted."""
        body = "<Delete>%s</Delete>" % "".join("<Object><Key>%s</Key><VersionId>%s</VersionId></Object>" % p for p in pairs)
        a = self.call("POST", "", {"delete": ""}, {"content-md5": b64(hashlib.md5(body.encode()).digest()),
                                                    "x-amz-bypass-governance-retention": "true"}, body.encode(), **kw)
        deleted = []
        with contextlib.suppress(ElementTree.ParseError):
            deleted = [e.text for d in ElementTree.fromstring(a.body) if local(d.tag) == "Deleted" for e in d if local(e.tag) == "Key"]
        return a, deleted

    def retain(self, key, version, seconds, mode="COMPLIANCE", **kw):
        """Tries to set another retention, from now on."""
        body = ("<Retention><Mode>%s</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>" % (mode, time_text(seconds))).encode()
        return self.call("PUT", key, {"retention": "", "versionId": version},
                         {"content-md5": b64(hashlib.md5(body).digest()), "x-amz-bypass-governance-retention": "true"}, body, **kw)

    def versions(self, prefix=""):
        """[(key, version id, length)] of all object versions, without delete markers."""
        found, marker = [], {}
        while True:
            a = self.call("GET", "", {"versions": "", "prefix": prefix, **marker})
            if a.status != 200:
                raise AssertionError(a)
            root = ElementTree.fromstring(a.body)
            page = {local(e.tag): e.text for e in root}
            for v in root:
                if local(v.tag) == "Version":
                    f = {local(e.tag): e.text for e in v}
                    found.append((f["Key"], f["VersionId"], int(f["Size"])))
            if page.get("IsTruncated") != "true":
                return found
            marker = {"key-marker": page["NextKeyMarker"], "version-id-marker": page["NextVersionIdMarker"]}

    def uploads(self, key):
        """The ids of the multipart uploads of a key that are under way."""
        a = self.call("GET", "", {"uploads": "", "prefix": key})
        assert a.status == 200, a
        found = [{local(e.tag): e.text for e in u} for u in ElementTree.fromstring(a.body) if local(u.tag) == "Upload"]
        return [u["UploadId"] for u in found if u["Key"] == key]

    def messages(self):
        """{archive id: [(key, version, length)]} of what is archived."""
        found = {}
        for key, version, length in self.versions("m/"):
            found.setdefault(os.path.basename(key)[:-len(".eml")], []).append((key, version, length))
        return found

    def allow_capture(self, user, removal=False):
        """Gives an account the rights that the manual asks for, by a policy of the bucket. removal: workerd's besides."""
        allow = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/" + user]}}
        there = "arn:aws:s3:::" + self.name
        policy = {"Version": "2012-10-17", "Statement": [{**allow, "Action": ON_OBJECTS, "Resource": there + "/*"},
                                                         {**allow, "Action": ON_BUCKET, "Resource": there}]}
        if removal:
            policy["Statement"].append({**allow, "Action": ["s3:DeleteObjectVersion"], "Resource": [there + "/m/*", there + "/x/*"]})
        a = self.call("PUT", "", {"policy": ""}, body=json.dumps(policy).encode())
        if a.status not in (200, 204):
            raise AssertionError(a)

    def pretend_proved(self):
        """Makes the bucket with what `strongroom check` leaves in one whose locks it tried, for tests that can't wait for it."""
        self.create()
        proof = {"format": 1, "bucket": self.name, "tried_at": time_text(0), "broken": None}
        a = self.put("strongroom/proof.json", json.dumps(proof).encode())
        if a.status != 200:
            raise AssertionError(a)
        return self

    def settings(self, credentials, owner=None):
        """Lines of strongroom.conf (section -> key -> value); writes the file `credentials`, for owner (uid, gid) to read."""
        write_credentials(credentials, self.account, owner)
        return {"": {"store": "s3:" + self.name},
                "s3": {"endpoint": self.account.endpoint, "region": self.account.region, "credentials_file": credentials}}


def b64(data):
    return base64.b64encode(data).decode()


def write_credentials(path, account, owner=None):
    """A credentials file as the AWS tools have it."""
    with open(path + ".new", "w") as f:
        os.fchmod(f.fileno(), 0o600)
        f.write("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (account.access_key, account.secret_key))
        if account.token:
            f.write("aws_session_token = %s\n" % account.token)
    if owner and os.geteuid() == 0:
        os.chown(path + ".new", *owner)
    os.replace(path + ".new", path)
