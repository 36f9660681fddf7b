"""A double of S3, as strict as AWS is and other stores are not, that also fails on demand. In memory, in threads.

It verifies signatures (headers and presigned URLs) and sums, refuses a locked PUT without Content-MD5 or checksum, a change
of a lock without Content-MD5, and what Object Lock forbids. fail() makes requests go wrong:

	double.fail("PUT /archive/m/", "drop-after")	the deed is done, the connection closed without a word
	double.fail("GET /archive/m/", "503", times=2)

Actions: "503", "500", "409", … answers without doing anything; "503-after": done, and denied; "drop": closes without doing
anything; "drop-after"; "cut": half of the answer; "corrupt": a byte of the body is another one; "garble": one of the
version id in the header is; "misname", "garble-etag", "garble-sum": the version id, the ETag or the checksum reads like one, and
is another."""
import base64
import datetime
import hashlib
import hmac
import http.server
import re
import shutil
import socketserver
import threading
import time
import urllib.parse
import uuid
import xml.etree.ElementTree as ElementTree
from email.utils import formatdate
from xml.sax.saxutils import escape

from .process import private_dir
from .s3 import Account, Bucket, local, quote, sha256, sign, string_to_sign

SKEW_MAX = 900
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Refused(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


def parse_time(text):
    return datetime.datetime.fromisoformat(re.sub(r"(\.\d+)?Z$", "+00:00", text)).timestamp()


def time_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def digest_of(data, kind):
    return base64.b64encode(hashlib.new(kind, data).digest()).decode()


# What is changed in the head of an answer.
GARBLED = {
    "garble": ("x-amz-version-id", lambda v: "\xff" + v[1:]), "misname": ("x-amz-version-id", lambda v: v[::-1]),
    "garble-etag": ("ETag", lambda v: '"%s"' % v[-2:0:-1]), "garble-sum": ("x-amz-checksum-sha256", lambda v: digest_of(v.encode(), "sha256")),
}


class Version:
    def __init__(self, body, head, now):
        self.id, self.body, self.made, self.type = uuid.uuid4().hex, body, now, head.get("content-type", "binary/octet-stream")
        self.mode = self.until = None
        self.held = False
        self.encryption = head.get("x-amz-server-side-encryption")
        self.sum = head.get("x-amz-checksum-sha256")

    def about(self):
        return {"x-amz-version-id": self.id, "ETag": '"%s"' % hashlib.md5(self.body).hexdigest()}

    def is_locked(self, now):
        return self.held or (self.mode is not None and self.until > now)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def one(self):
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        double = self.server.double
        fault = double.take_fault("%s %s%s" % (self.command, url.path, "?" + url.query if url.query else ""))
        double.requests.append((self.command, url.path, url.query))
        if fault == "drop":
            self.close_connection = True
            return
        if fault and re.fullmatch(r"\d+", fault):
            self.reply(*double.refusal(Refused(int(fault), {503: "SlowDown", 409: "OperationAborted"}.get(int(fault), "InternalError"), "on demand")))
            return
        answer = double.handle(self.command, url, dict((k.lower(), v) for k, v in self.headers.items()), body)
        if fault == "drop-after":
            self.close_connection = True
        elif fault and fault.endswith("-after"):
            self.reply(*double.refusal(Refused(int(fault[:3]), "InternalError", "on demand")))
        elif fault == "cut":
            self.cut(*answer)
        elif fault in GARBLED:
            status, head, data = answer
            name, change = GARBLED[fault]
            self.reply(status, {k: change(v) if k == name else v for k, v in head.items()}, data)
        elif fault == "corrupt":
            status, head, data = answer
            self.reply(status, head, bytes([data[0] ^ 1]) + data[1:] if data else data)
        else:
            self.reply(*answer)

    def reply(self, status, head, body):
        self.send_response_only(status)
        for name, value in {"Date": formatdate(self.server.double.now(), usegmt=True), **head}.items():
            self.send_header(name, value)
        if "Content-Length" not in head:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self, status, head, body):
        self.close_connection = True
        if not body:
            self.wfile.write(b"HTTP/1.1 %d O" % status)
            return
        self.send_response_only(status)
        for name, value in head.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2])

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = one


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass  # a client that went away


class S3Strict:
    """start() brings it up at self.endpoint. clock: seconds that its clock is ahead. page: versions on a page of a listing."""

    access_key, secret_key, region = "STRICTACCESSKEY", "strictsecret/+0123456789", "eu-north-1"

    def __init__(self, clock=0, page=1000, encrypts=True):
        self.clock, self.page, self.encrypts = clock, page, encrypts
        self.dir = private_dir("strongroom-s3-strict.")
        self.accounts = {self.access_key: self.secret_key}
        self.tokens = {}   # access key -> session token
        self.forbidden = {}  # access key -> what it may not do: names of actions
        self.buckets, self.uploads = {}, {}
        self.requests, self.faults = [], []
        self.lock = threading.RLock()
        self.server = None
        self.endpoint = None

    # ---- the test's side ----

    def start(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.double = self
        self.endpoint = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def show_logs(self):
        return "==== strict S3 ====\n" + "\n".join("%s %s?%s" % r for r in self.requests[-60:])

    def bucket(self, name):
        return Bucket(self, name)

    def settings(self, bucket="archive", owner=None):
        return self.bucket(bucket).settings(self.dir + "/credentials", owner)

    def account(self, access_key, secret_key, token=None, forbidden=()):
        """One more account, which may not do what `forbidden` names ("DeleteObjectVersion")."""
        self.accounts[access_key] = secret_key
        self.tokens[access_key] = token
        self.forbidden[access_key] = set(forbidden)
        return Account(self.endpoint, access_key, secret_key, self.region, token)

    def fail(self, request, action, times=1):
        """The next `times` requests whose "METHOD /path?query" begins with `request` go wrong."""
        with self.lock:
            self.faults += [(request, action)] * times

    def take_fault(self, line):
        with self.lock:
            for i, (request, action) in enumerate(self.faults):
                if line.startswith(request):
                    del self.faults[i]
                    return action
        return None

    def count(self, method, path):
        return sum(1 for m, p, _ in list(self.requests) if m == method and p.startswith(path))

    def now(self):
        return time.time() + self.clock

    # ---- signatures ----

    def check_signature(self, method, url, head, body):
        query = [tuple((p + "=").split("=")[:2]) for p in url.query.split("&") if p]
        given = dict(query)
        presigned = "X-Amz-Signature" in given
        if presigned:
            credential, names = urllib.parse.unquote(given["X-Amz-Credential"]), urllib.parse.unquote(given["X-Amz-SignedHeaders"])
            signature, stamp, payload = given["X-Amz-Signature"], given["X-Amz-Date"], "UNSIGNED-PAYLOAD"
            query = [q for q in query if q[0] != "X-Amz-Signature"]
        else:
            m = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=(\S+?), ?SignedHeaders=(\S+?), ?Signature=([0-9a-f]{64})", head.get("authorization", ""))
            if not m:
                raise Refused(403, "AccessDenied", "Access Denied")
            credential, names, signature = m.groups()
            stamp, payload = head.get("x-amz-date", ""), head.get("x-amz-content-sha256")
            if not payload:
                raise Refused(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        access, date, region, service, _ = credential.split("/")
        if access not in self.accounts:
            raise Refused(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        if (region, service, date) != (self.region, "s3", stamp[:8]):
            raise Refused(400, "AuthorizationHeaderMalformed", "the region '%s' is wrong; expecting '%s'" % (region, self.region))
        when = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
        if abs(when - self.now()) > SKEW_MAX and not presigned:
            raise Refused(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
        if presigned and self.now() > when + int(given["X-Amz-Expires"]):
            raise Refused(403, "AccessDenied", "Request has expired")
        signed = {n: head.get(n, "") for n in names.split(";")}
        if not {"host"} <= set(signed) or any(n.startswith("x-amz-") and n not in signed for n in head):
            raise Refused(403, "AccessDenied", "There were headers present in the request which were not signed")
        if quote(urllib.parse.unquote(url.path), "/") != url.path:
            raise Refused(403, "SignatureDoesNotMatch", "the path is not encoded as it is to be signed")
        _, text = string_to_sign(method, url.path, query, signed, payload, stamp, region)
        if not hmac.compare_digest(sign(self.accounts[access], date, region, text), signature):
            raise Refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
        token = urllib.parse.unquote(given.get("X-Amz-Security-Token", "")) or head.get("x-amz-security-token")
        if (self.tokens.get(access) or None) != token:
            raise Refused(400, "ExpiredToken", "The provided token has expired.")
        if payload != "UNSIGNED-PAYLOAD" and payload != sha256(body):
            raise Refused(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
        return access

    def may(self, access, action):
        if action in self.forbidden.get(access, ()):
            raise Refused(403, "AccessDenied", "User is not authorized to perform: s3:%s" % action)

    # ---- requests ----

    def refusal(self, r):
        return r.status, {"Content-Type": "application/xml"}, (XML + "<Error><Code>%s</Code><Message>%s</Message></Error>" % (
            r.code, escape(r.message))).encode()

    def handle(self, method, url, head, body):
        try:
            access = self.check_signature(method, url, head, body)
            query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
            name, _, key = urllib.parse.unquote(url.path)[1:].partition("/")
            host = head["host"].partition(":")[0]
            if host.endswith(".localhost"):  # virtual-host style
                name, key = host[:-len(".localhost")], urllib.parse.unquote(url.path)[1:]
            with self.lock:
                return self.on_object(method, access, name, key, query, head, body) if key else self.on_bucket(method, access, name, query, head, body)
        except Refused as r:
            return self.refusal(r)

    def find_bucket(self, name):
        if name not in self.buckets:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist")
        return self.buckets[name]

    def on_bucket(self, method, access, name, query, head, body):
        if method == "PUT" and not query:
            self.may(access, "CreateBucket")
            if name in self.buckets:
                raise Refused(409, "BucketAlreadyOwnedByYou")
            self.buckets[name] = {"locked": head.get("x-amz-bucket-object-lock-enabled") == "true", "keys": {}}
            return 200, {}, b""
        b = self.find_bucket(name)
        if method == "HEAD":
            return 200, {}, b""
        if method == "POST" and "delete" in query:
            return self.delete_many(b, access, head, body)
        if method == "GET" and "object-lock" in query:
            if not b["locked"]:
                raise Refused(404, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
            return 200, {}, (XML + "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>").encode()
        if method == "GET" and "versioning" in query:
            return 200, {}, (XML + "<VersioningConfiguration>%s</VersioningConfiguration>" % ("<Status>Enabled</Status>" if b["locked"] else "")).encode()
        if method == "GET" and "versions" in query:
            return self.list_versions(name, b, query)
        raise Refused(501, "NotImplemented", "%s %r" % (method, query))

    def list_versions(self, name, b, query):
        prefix, marker, version_marker = query.get("prefix", ""), query.get("key-marker", ""), query.get("version-id-marker", "")
        entries, passed = [], not version_marker
        for key in sorted(b["keys"]):
            if not key.startswith(prefix) or key < marker or (key == marker and not version_marker):
                continue
            for v in reversed(b["keys"][key]):
                if key == marker and not passed:
                    passed = v.id == version_marker
                    continue
                entries.append((key, v))
        page, more = entries[:self.page], len(entries) > self.page
        xml = "".join("<Version><Key>%s</Key><VersionId>%s</VersionId><IsLatest>false</IsLatest><LastModified>%s</LastModified><ETag>&quot;x&quot;</ETag>"
                      "<Size>%d</Size></Version>" % (escape(k), v.id, time_of(v.made), len(v.body)) for k, v in page)
        if more:
            xml += "<NextKeyMarker>%s</NextKeyMarker><NextVersionIdMarker>%s</NextVersionIdMarker>" % (escape(page[-1][0]), page[-1][1].id)
        return 200, {}, (XML + '<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>%s</Name><IsTruncated>%s</IsTruncated>%s'
                         "</ListVersionsResult>" % (name, "true" if more else "false", xml)).encode()

    # ---- objects ----

    def find(self, b, key, query):
        versions = b["keys"].get(key) or []
        if "versionId" in query:
            versions = [v for v in versions if v.id == query["versionId"]]
            if not versions:
                raise Refused(404, "NoSuchVersion", "The specified version does not exist.")
        if not versions:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        return versions[-1]

    def on_object(self, method, access, name, key, query, head, body):
        b = self.find_bucket(name)
        if method == "PUT" and "retention" in query:
            return self.put_retention(self.find(b, key, query), access, head, body)
        if method == "PUT" and "legal-hold" in query:
            return self.put_hold(self.find(b, key, query), access, head, body)
        if "uploads" in query or "uploadId" in query:
            return self.on_upload(method, b, key, query, head, body)
        if method == "PUT":
            self.may(access, "PutObject")
            self.check_sums(head, body)
            if head.get("if-none-match") == "*" and b["keys"].get(key):
                raise Refused(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
            return self.store(b, key, self.make(b, head, body))
        if method in ("GET", "HEAD"):
            self.may(access, "GetObjectVersion")
            return self.get(self.find(b, key, query), head, access)
        if method == "DELETE" and "versionId" in query:  # of a version that is not there: 204
            self.delete(b, access, key, query["versionId"])
            return 204, {}, b""
        raise Refused(501, "NotImplemented", "%s %r" % (method, query))

    def check_sums(self, head, body):
        if "content-md5" in head and head["content-md5"] != digest_of(body, "md5"):
            raise Refused(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        if "x-amz-checksum-sha256" in head and head["x-amz-checksum-sha256"] != digest_of(body, "sha256"):
            raise Refused(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum.")

    def make(self, b, head, body, upload=False):
        v = Version(body, head, self.now())
        if not self.encrypts:
            v.encryption = None
        if "x-amz-object-lock-mode" in head:
            if not b["locked"]:
                raise Refused(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")
            if not upload and "content-md5" not in head and "x-amz-checksum-sha256" not in head:
                raise Refused(400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
            v.mode, v.until = head["x-amz-object-lock-mode"], parse_time(head["x-amz-object-lock-retain-until-date"])
            if v.until <= self.now():
                raise Refused(400, "InvalidArgument", "The retain until date must be in the future!")
        return v

    def store(self, b, key, v):
        b["keys"].setdefault(key, []).append(v)
        return 200, {**v.about(), **({"x-amz-checksum-sha256": v.sum} if v.sum else {})}, b""

    def get(self, v, head, access):
        out = {**v.about(), "Last-Modified": formatdate(v.made, usegmt=True), "Content-Type": v.type, "Accept-Ranges": "bytes"}
        if v.mode and "GetObjectRetention" not in self.forbidden.get(access, ()):
            out.update({"x-amz-object-lock-mode": v.mode, "x-amz-object-lock-retain-until-date": time_of(v.until)})
        if v.held and "GetObjectLegalHold" not in self.forbidden.get(access, ()):
            out["x-amz-object-lock-legal-hold"] = "ON"
        if v.encryption:
            out["x-amz-server-side-encryption"] = v.encryption
        if v.sum and head.get("x-amz-checksum-mode") == "ENABLED":
            out["x-amz-checksum-sha256"] = v.sum
        m = re.fullmatch(r"bytes=(\d+)-(\d+)", head.get("range", ""))
        if not m:
            return 200, {**out, "Content-Length": str(len(v.body))}, v.body
        first, last = int(m[1]), min(int(m[2]), len(v.body) - 1)
        if first >= len(v.body):
            raise Refused(416, "InvalidRange", "The requested range is not satisfiable")
        return 206, {**out, "Content-Range": "bytes %d-%d/%d" % (first, last, len(v.body))}, v.body[first:last + 1]

    # ---- locks ----

    def delete(self, b, access, key, version):
        self.may(access, "DeleteObjectVersion")
        for v in b["keys"].get(key, []):
            if v.id == version:
                if v.is_locked(self.now()):
                    raise Refused(403, "AccessDenied", "Access Denied because object protected by object lock.")
                b["keys"][key].remove(v)

    def delete_many(self, b, access, head, body):
        if "content-md5" not in head:
            raise Refused(400, "InvalidRequest", "Missing required header for this request: Content-MD5")
        self.check_sums(head, body)
        out = ""
        for o in ElementTree.fromstring(body):
            f = {local(e.tag): e.text for e in o}
            try:
                self.delete(b, access, f["Key"], f["VersionId"])
                out += "<Deleted><Key>%s</Key></Deleted>" % escape(f["Key"])
            except Refused as r:
                out += "<Error><Key>%s</Key><Code>%s</Code></Error>" % (escape(f["Key"]), r.code)
        return 200, {}, (XML + "<DeleteResult>%s</DeleteResult>" % out).encode()

    def put_retention(self, v, access, head, body):
        self.may(access, "PutObjectRetention")
        if "content-md5" not in head:
            raise Refused(400, "InvalidRequest", "Missing required header for this request: Content-MD5")
        self.check_sums(head, body)
        f = {local(e.tag): e.text for e in ElementTree.fromstring(body)}
        until = parse_time(f["RetainUntilDate"]) if "RetainUntilDate" in f else 0
        if v.mode == "COMPLIANCE" and v.until > self.now() and (f.get("Mode") != "COMPLIANCE" or until < v.until):
            raise Refused(403, "AccessDenied", "Access Denied because object protected by object lock.")
        v.mode, v.until = f.get("Mode"), until
        return 200, {}, b""

    def put_hold(self, v, access, head, body):
        self.may(access, "PutObjectLegalHold")
        if "content-md5" not in head:
            raise Refused(400, "InvalidRequest", "Missing required header for this request: Content-MD5")
        self.check_sums(head, body)
        v.held = {local(e.tag): e.text for e in ElementTree.fromstring(body)}["Status"] == "ON"
        return 200, {}, b""

    # ---- multipart uploads ----

    def on_upload(self, method, b, key, query, head, body):
        if method == "POST" and "uploads" in query:
            upload = uuid.uuid4().hex
            self.uploads[upload] = (key, head, {})
            return 200, {}, (XML + "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>" % upload).encode()
        if query["uploadId"] not in self.uploads or self.uploads[query["uploadId"]][0] != key:
            raise Refused(404, "NoSuchUpload", "The specified multipart upload does not exist.")
        _, begun, parts = self.uploads[query["uploadId"]]
        if method == "PUT":
            self.check_sums(head, body)
            parts[int(query["partNumber"])] = body
            return 200, {"ETag": '"%s"' % hashlib.md5(body).hexdigest()}, b""
        if method == "GET":
            listed = "".join("<Part><PartNumber>%d</PartNumber><ETag>&quot;%s&quot;</ETag></Part>" % (n, hashlib.md5(parts[n]).hexdigest())
                             for n in sorted(parts)[:int(query.get("max-parts", "1000"))])
            return 200, {}, (XML + "<ListPartsResult><Key>%s</Key>%s</ListPartsResult>" % (escape(key), listed)).encode()
        if method == "DELETE":
            del self.uploads[query["uploadId"]]
            return 204, {}, b""
        whole, numbers = b"", []
        for p in ElementTree.fromstring(body):
            f = {local(e.tag): e.text for e in p}
            n = int(f["PartNumber"])
            if n not in parts or f["ETag"].strip('"') != hashlib.md5(parts[n]).hexdigest():
                raise Refused(400, "InvalidPart", "One or more of the specified parts could not be found.")
            whole += parts[n]
            numbers.append(n)
        if any(len(parts[n]) < 5 << 20 for n in numbers[:-1]):
            raise Refused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        if numbers != sorted(numbers):
            raise Refused(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        del self.uploads[query["uploadId"]]
        status, out, _ = self.store(b, key, self.make(b, begun, whole, upload=True))
        return status, out, (XML + "<CompleteMultipartUploadResult><Key>%s</Key></CompleteMultipartUploadResult>" % escape(key)).encode()
