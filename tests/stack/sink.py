"""An LMTP or SMTP server that keeps what it gets: the far end of a real MTA in tests."""
import re
import socketserver
import threading

from .process import wait_until


class Delivery:
    """One message as it was delivered: raw is what stood between DATA and the final dot, dot-unstuffed."""
    def __init__(self, sender, recipients, raw):
        self.sender, self.recipients, self.raw = sender, recipients, raw


class Handler(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line + b"\r\n")

    def handle(self):
        self.say(b"220 sink.example ready")
        self.sender, self.recipients = b"", []
        for line in self.rfile:
            if not self.command(line.rstrip(b"\r\n")):
                return

    def command(self, line):
        verb = line[:4].upper()
        if verb in (b"LHLO", b"EHLO"):
            self.lmtp = verb == b"LHLO"
            self.wfile.write(b"250-sink.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 PIPELINING\r\n")
        elif verb == b"MAIL":
            self.sender, self.recipients = line.partition(b":")[2], []
            self.say(b"250 2.1.0 ok")
        elif verb == b"RCPT":
            self.recipients.append(line.partition(b":")[2])
            self.say(b"250 2.1.5 ok")
        elif verb == b"DATA":
            self.data()
        elif verb == b"QUIT":
            self.say(b"221 2.0.0 bye")
            return False
        else:
            self.say(b"250 2.0.0 ok")
        return True

    def data(self):
        self.say(b"354 go on")
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        else:
            return
        self.server.add(Delivery(self.sender, list(self.recipients), b"".join(lines)))
        for _ in self.recipients if self.lmtp else [None]:
            self.say(b"250 2.0.0 kept")


class Sink(socketserver.ThreadingTCPServer):
    """Listens on a free port from the start; close() at the end."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.deliveries = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def add(self, delivery):
        with self.lock:
            self.deliveries.append(delivery)

    def wait(self, n=1, seconds=60):
        """The first n deliveries."""
        wait_until("%d deliveries (got %d)" % (n, len(self.deliveries)), lambda: len(self.deliveries) >= n, seconds)
        return self.deliveries[:n]

    def find(self, marker, seconds=60):
        """The delivery whose bytes contain marker."""
        return wait_until("delivery of %r" % marker, lambda: next((d for d in self.deliveries if marker in d.raw), None), seconds)

    def close(self):
        self.shutdown()
        self.server_close()


def without_trace(raw):
    """A message without the Received (and Return-Path) lines that the delivering MTA put on top."""
    while True:
        m = re.match(rb"(?i)(?:received|return-path):.*\r\n(?:[ \t].*\r\n)*", raw)
        if not m:
            return raw
        raw = raw[m.end():]
