"""A small LMTP and SMTP client that sends exactly the bytes it is given."""
import re
import socket

ARCHIVED = re.compile(rb"archived as ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def archive_id(text):
    """The archive id in a reply, or None."""
    m = ARCHIVED.search(text)
    return m.group(1).decode() if m else None


def dot_stuff(raw):
    """What goes over the wire for `raw`, the final dot included; an unfinished last line is finished."""
    raw = re.sub(rb"(?m)^\.", b"..", raw)
    return raw + (b".\r\n" if raw.endswith(b"\r\n") or not raw else b"\r\n.\r\n")


class Client:
    """address: ("127.0.0.1", port) or "/path/of.sock". Replies are (code, bytes of all lines)."""
    def __init__(self, address, hello=b"LHLO client.example", timeout=60):
        self.lmtp = hello.startswith(b"LHLO")
        self.s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.s.settimeout(timeout)
        self.s.connect(address)
        self.f = self.s.makefile("rb")
        self.banner = self.reply()
        self.features = self.command(hello)[1] if hello else b""

    def reply(self):
        lines = []
        while True:
            line = self.f.readline()
            if not line:
                raise ConnectionError("closed")
            lines.append(line)
            if line[3:4] != b"-":
                return int(line[:3]), b"".join(lines)

    def command(self, line):
        self.s.sendall(line + b"\r\n")
        return self.reply()

    def send(self, raw, sender=b"sender@example.net", recipients=(b"alice@example.org",), args=b"", recipient_args=b""):
        """One transaction. LMTP: a list of replies, one a recipient; SMTP: a list of one. A refusal before the message
        ends the transaction and stands alone in the list."""
        code, text = self.command(b"MAIL FROM:<%s>%s" % (sender, args))
        if code != 250:
            return [(code, text)]
        accepted = 0
        for r in recipients:
            code, text = self.command(b"RCPT TO:<%s>%s" % (r, recipient_args))
            accepted += code == 250
        if not accepted:
            self.command(b"RSET")
            return [(code, text)]
        code, text = self.command(b"DATA")
        if code != 354:
            return [(code, text)]
        self.s.sendall(dot_stuff(raw))
        return [self.reply() for _ in range(accepted if self.lmtp else 1)]

    def quit(self):
        try:
            self.command(b"QUIT")
        except OSError:
            pass
        self.close()

    def close(self):
        self.f.close()
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
