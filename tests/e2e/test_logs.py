"""The logs: each line of a request has its id, whichever layer writes it; and no secret, and nothing of a message, is in any of
them, whatever is done."""
import base64
import json
import os
import re
import signal
import time

import pytest

from stack.api import Api, totp
from stack.process import children, wait_until

PASSWORD = "Marked-Password-31415"
OTHER_PASSWORD = "Other-Marked-Password-27182"
ATTACHED = (b"Subject: Marked-Subject\r\nFrom: marked-sender@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"--b\r\nContent-Type: text/plain\r\n\r\nMarked-Body\r\n--b\r\nContent-Type: application/octet-stream; name=marked-name.bin\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\nTWFya2VkLUF0dGFjaGVk\r\n--b--\r\n")


def archive(site, raw):
    with site.lmtp() as c:
        code, text = c.send(raw)[0]
    assert code == 250, text
    return re.search(rb"archived as (\S+)", text)[1].decode()


@pytest.fixture
def opened(site):
    """A Site with a message, and somebody who may read it: .id, .secret."""
    site.write_conf(log_level="debug")
    site.secret = site.add_user("eve", PASSWORD, "--all")
    site.start("lmtpd", "queryd", "workerd")
    site.id = archive(site, ATTACHED)
    return site


# ---- the request id ----

def lines_of(site, api, method, path, request_id, body=None):
    """(status, the lines that queryd wrote for a request): those until it says how the request ended, and a few before."""
    time.sleep(0.2)    # a request's line comes behind its answer: the one before may still be on its way
    before = len(site.log("queryd"))
    status, _, headers = api.call(method, path, body, {"X-Request-ID": request_id})
    assert headers["X-Request-ID"] == request_id

    def ended():
        lines = site.log("queryd")[before:]
        return lines if any(line.get("request_id") == request_id and " ms" in line["message"] for line in lines) else None

    return status, wait_until("the request is in the log", ended)


def test_each_line_of_a_request_has_its_id(opened):
    api = opened.api("eve", PASSWORD, opened.secret)
    status, lines = lines_of(opened, api, "POST", "/api/v1/search/emails/", "search-1", {"query": "marked"})
    assert status == 200 and {line.get("request_id") for line in lines} - {None} == {"search-1"}
    assert not [line for line in lines if line["level"] != "debug" and "request_id" not in line]


def test_what_the_parser_pool_says_has_the_id(opened):
    """Its workers end while they are idle; whoever needs one next gets another, and a line says so."""
    api = opened.api("eve", PASSWORD, opened.secret)
    for pid in children(opened.pid("queryd")):
        os.kill(pid, signal.SIGKILL)
    status, lines = lines_of(opened, api, "GET", "/api/v1/archive/emails/%s/attachments/0" % opened.id, "read-2")
    assert status == 200
    told = [line for line in lines if "parser worker" in line["message"]]
    assert told and {line.get("request_id") for line in told} == {"read-2"}, lines


@pytest.mark.embedded("its files are at hand")
def test_what_store_and_index_say_has_the_id(opened):
    api = opened.api("eve", PASSWORD, opened.secret)
    [path] = [os.path.join(folder, name) for folder, _, names in os.walk(opened.path("store")) for name in names if opened.id in name]
    os.rename(path, path + ".away")
    status, lines = lines_of(opened, api, "GET", "/api/v1/archive/emails/%s/content" % opened.id, "read-3")
    errors = [line for line in lines if line["level"] in ("warn", "error")]
    assert status in (502, 503) and errors and {line.get("request_id") for line in errors} == {"read-3"}, lines
    os.rename(path + ".away", path)

    opened.stop("queryd")
    os.rename(opened.path("index", "index.db"), opened.path("index", "away"))
    opened.start("queryd")
    status, lines = lines_of(opened, api.another(), "POST", "/api/v1/search/emails/", "search-3", {"query": "x"})
    errors = [line for line in lines if line["level"] in ("warn", "error") and "index" in line["message"]]
    assert status == 503 and errors and {line.get("request_id") for line in errors} == {"search-3"}, lines


@pytest.mark.embedded("the capture's lines are the same")
def test_lines_of_a_capture_have_its_session(opened):
    for pid in children(opened.pid("lmtpd")):
        os.kill(pid, signal.SIGKILL)
    archive(opened, b"Subject: another\r\n\r\nx\r\n")
    told = [line for line in opened.log("lmtpd") if "parser worker" in line["message"]]
    assert told and all(line.get("session") for line in told), told


# ---- no secret ----

class Recording(Api):
    """Remembers what it was given that nobody else must see."""
    def __init__(self, *args):
        super().__init__(*args)
        self.secrets = set()

    def call(self, method, path, body=None, headers=None):
        status, text, answer = super().call(method, path, body, headers)
        for name, value in re.findall(rb'"(\w*token\w*|secret|codes?)":\s*"([^"]{16,})"', text):
            self.secrets.add(value.decode())
        return status, text, answer


def every_log(site):
    for folder, _, names in os.walk(site.log_dir):
        for name in names:
            with open(os.path.join(folder, name), errors="replace") as f:
                yield name, f.read()


def use_everything(site):
    """Right and wrong, all that a client can do by itself. The secrets that took part."""
    api = Recording(site.https, site.ca)

    def post(path, body=None):
        return api.json("POST", "/api/v1" + path, body)

    post("/auth/login", {"username": "eve", "password": OTHER_PASSWORD})
    api.call("POST", "/api/v1/auth/login", b'{"username":"eve","password":"' + PASSWORD.encode() + b'"', {"Content-Type": "application/json"})
    _, j = post("/auth/login", {"username": "eve", "password": PASSWORD})
    post("/auth/totp", {"mfa_token": j["mfa_token"], "code": "000000"})
    api.login("eve", PASSWORD, site.secret)
    api.search("Marked-Body")
    api.json("POST", "/api/v1/search/emails/", {"query": "(Marked-Query"})
    api.meta(site.id), api.content(site.id), api.attachment(site.id, 0)
    api.call("GET", "/api/v1/archive/emails/%s/" % site.id, headers={"Cookie": "Marked-Cookie"})
    post("/auth/password", {"password": PASSWORD, "new_password": OTHER_PASSWORD})
    for path in ("/auth/refresh", "/auth/step-up"):
        post(path, {"refresh_token": "Marked-Refresh-Token", "code": totp(site.secret)})
    api.json("GET", "/api/v1/auth/sessions/")
    post("/archive/exports/", {"query": "Marked-Body", "reason": "Marked-Reason", "format": "eml"})
    token, api.token = api.token, "Marked-Bearer." + base64.urlsafe_b64encode(b"Marked").decode()
    api.json("GET", "/api/v1/archive/emails/%s/" % site.id)
    api.token = token
    post("/auth/logout")
    return api.secrets | {token, token.split(".")[2]}


def test_no_secret_and_nothing_of_a_message_is_logged(opened):
    secrets = use_everything(opened) | {PASSWORD, OTHER_PASSWORD, opened.secret}
    opened.run("user", "sign-out", "eve")
    opened.run("check", "--deploy", check=False)
    opened.stop()
    logs = dict(every_log(opened))
    assert "/api/v1/auth/totp: 200" in logs["queryd.log"] and "/content: 200" in logs["queryd.log"]
    for name, text in logs.items():
        for secret in secrets:
            assert secret not in text, (name, secret)
        assert not re.search("marked", text, re.I), name
        for line in text.splitlines():
            json.loads(line)
