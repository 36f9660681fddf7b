"""The mail server's side of the milter protocol (version 6), to say to a milter what no real server would."""
import socket
import struct

# Protocol flags (libmilter/mfdef.h).
NO_REPLY = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "U": 0x20000, "L": 0x80, "N": 0x40000, "B": 0x80000}
SKIP, RECIPIENTS_REJECTED, LEADING_SPACE = 0x400, 0x800, 0x100000
EVERYTHING = 0x1FFFFF
SETSYMLIST = 0x100
NAMES = {"connect": "C", "helo": "H", "mail": "M", "rcpt": "R", "data": "T", "header": "L", "end_of_header": "N", "body": "B",
         "end_of_message": "E"}


class Milter:
    """A connection to a milter. Steps that the milter does not want to answer return None, others (letter, payload)."""
    def __init__(self, address, offers=EVERYTHING, actions=0x1FF, timeout=60):
        self.s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.s.settimeout(timeout)
        self.s.connect(address)
        self.send("O", struct.pack(">III", 6, actions, offers))
        letter, payload = self.receive()
        assert letter == "O", (letter, payload)
        self.version, self.actions, self.flags = struct.unpack(">III", payload[:12])
        self.macros = payload[12:]

    def send(self, letter, payload=b""):
        self.s.sendall(struct.pack(">I", len(payload) + 1) + letter.encode() + payload)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise ConnectionError("closed")
            data += more
        return data

    def receive(self):
        n, = struct.unpack(">I", self.exactly(4))
        data = self.exactly(n)
        return chr(data[0]), data[1:]

    def step(self, letter, payload=b""):
        self.send(letter, payload)
        return None if self.flags & NO_REPLY.get(letter, 0) else self.receive()

    def define(self, letter, **macros):
        self.send("D", letter.encode() + b"".join(("{%s}" % k if len(k) > 1 else k).encode() + b"\0" + v.encode() + b"\0"
                                                  for k, v in macros.items()))

    def connect(self, host=b"client.example", address=b"192.0.2.1", port=2525):
        return self.step("C", host + b"\0" + b"4" + struct.pack(">H", port) + address + b"\0")

    def helo(self, name=b"client.example"):
        return self.step("H", name + b"\0")

    def mail(self, path=b"<bob@example.net>", *args):
        return self.step("M", b"".join(a + b"\0" for a in (path, *args)))

    def rcpt(self, path=b"<alice@example.org>", *args):
        return self.step("R", b"".join(a + b"\0" for a in (path, *args)))

    def data(self):
        return self.step("T")

    def header(self, name, value):
        return self.step("L", name + b"\0" + value + b"\0")

    def end_of_header(self):
        return self.step("N")

    def body(self, data):
        return self.step("B", data)

    def end_of_message(self):
        """The verdict, and how many progress packets came before it."""
        self.send("E")
        progress = 0
        while True:
            reply = self.receive()
            if reply[0] != "p":
                return reply, progress
            progress += 1

    def message(self, fields=((b"Subject", b" x"),), body=b"body\r\n"):
        """From MAIL to the verdict: the first answer that isn't "continue"."""
        steps = [self.mail, self.rcpt, self.data] + [lambda f=f: self.header(*f) for f in fields] + [self.end_of_header]
        steps += [lambda at=at: self.body(body[at:at + 65535]) for at in range(0, len(body), 65535)]
        for step in steps:
            reply = step()
            if reply not in (None, ("c", b"")):
                return reply
        return self.end_of_message()[0]

    def abort(self):
        self.send("A")

    def close(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
