"""HttpDouble: passes HTTP requests on to a real server, but for those that a test wants to have answered otherwise.

	double = HttpDouble(engine.port)
	rule = double.answer("POST /_bulk", 429, {"error": {"type": "rejected"}}, times=3)
	double.change_request("POST /_bulk", lambda body: body.replace(b"1", b"x"))
	double.change_answer("POST .*_search", lambda status, answer: (status, {**answer, "timed_out": True}))
	assert rule.used
	double.heal()"""
import http.client
import http.server
import json
import re
import threading

from .process import free_port

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "accept-encoding"}


class Rule:
    def __init__(self, pattern, times, request=None, answer=None, reply=None):
        self.pattern, self.left = re.compile(pattern), times
        self.request, self.answer, self.reply = request, answer, reply
        self.used = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def pass_on(self):
        double = self.server.double
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rules = double.rules_for("%s %s" % (self.command, self.path))
        for rule in rules:
            if rule.reply:
                return self.send(rule.reply[0], rule.reply[1], {})
            body = rule.request(body) if rule.request else body
        try:
            status, text, headers = double.forward(self.command, self.path, body, self.headers)
        except OSError:
            return self.send(502, b"", {})
        for rule in rules:
            if rule.answer:
                status, answer = rule.answer(status, json.loads(text))
                text = json.dumps(answer).encode()
        return self.send(status, text, headers)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = pass_on

    def send(self, status, body, headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class HttpDouble:
    """to: the port of the real server on this machine, None: there is none, each request needs a rule."""

    def __init__(self, to=None):
        self.to, self.port = to, free_port()
        self.lock, self.rules, self.seen = threading.Lock(), [], []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.double = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def add(self, rule):
        with self.lock:
            self.rules.append(rule)
        return rule

    def answer(self, pattern, status, body=b"", times=None):
        """Requests whose "METHOD /path" begins like the pattern get this answer."""
        return self.add(Rule(pattern, times, reply=(status, body)))

    def change_request(self, pattern, change, times=None):
        return self.add(Rule(pattern, times, request=change))

    def change_answer(self, pattern, change, times=None):
        """change(status, decoded JSON) gives what is answered instead."""
        return self.add(Rule(pattern, times, answer=change))

    def heal(self):
        with self.lock:
            self.rules.clear()

    def rules_for(self, line):
        with self.lock:
            self.seen.append(line)
            found = [r for r in self.rules if r.left != 0 and r.pattern.match(line)]
            for rule in found:
                rule.used += 1
                rule.left = rule.left if rule.left is None else rule.left - 1
        return found

    def forward(self, method, path, body, headers):
        c = http.client.HTTPConnection("127.0.0.1", self.to, timeout=60)
        try:
            c.request(method, path, body or None, {k: v for k, v in headers.items() if k.lower() not in HOP | {"host"}})
            r = c.getresponse()
            return r.status, r.read(), dict(r.getheaders())
        except http.client.HTTPException as e:
            raise OSError(str(e)) from e
        finally:
            c.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
