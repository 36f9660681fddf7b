"""strongroom-parser driven over its own socket (common/mail/parser_protocol.h), as a daemon's pool does."""
import mmap
import os
import socket
import struct

WINDOW = 256 << 10
READY, PARSED, DATA, END, NONE, REFUSED = 1, 2, 3, 4, 5, 6
ROLES = {3: "from", 4: "sender", 5: "reply_to", 6: "to", 7: "cc", 8: "bcc", 9: "resent_from", 10: "resent_to",
         11: "journal_sender", 12: "journal_recipient", 13: "journal_via"}
FLAGS = ("failed timeout depth parts header_truncated text_truncated charset malformed ambiguous journal "
         "journal_malformed encrypted no_date").split()


class Died(Exception):
    """The worker ended; args[0] is its exit status (negative: the signal)."""


def value(tag, data):
    return struct.pack(">II", tag, len(data)) + data


def counted(data, at):
    n = struct.unpack_from(">I", data, at)[0]
    return data[at + 4:at + 4 + n], at + 4 + n


class Worker:
    def __init__(self, program, memory=512 << 20):
        self.s, theirs = socket.socketpair()
        fd = os.memfd_create("window")
        os.truncate(fd, WINDOW)
        self.window = mmap.mmap(fd, WINDOW)
        env = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        self.pid = os.posix_spawn(program, ["strongroom-parser", str(memory)], env, file_actions=[
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), 103), (os.POSIX_SPAWN_DUP2, fd, 4), (os.POSIX_SPAWN_DUP2, 103, 3),
            (os.POSIX_SPAWN_CLOSE, 103), (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)])
        theirs.close()
        os.close(fd)
        kind, _ = self.frame()
        assert kind == READY

    def exactly(self, n):
        data = b""
        while len(data) < n:
            try:
                piece = self.s.recv(min(n - len(data), 1 << 20))
            except ConnectionError:
                piece = b""
            if not piece:
                raise Died(self.wait())
            data += piece
        return data

    def frame(self):
        data = self.exactly(struct.unpack(">I", self.exactly(4))[0])
        return data[0], data[1:]

    def ask(self, operation, message, index=0, more=b"", by_window=None):
        """Sends one request. by_window: the message in the window, else by descriptor; default: as the pool decides."""
        by_window = len(message) <= WINDOW if by_window is None else by_window
        body = bytes([operation]) + value(2, struct.pack(">I", index)) + value(4, struct.pack(">Q", len(message))) + more
        frame = struct.pack(">I", len(body)) + body
        if by_window:
            self.window[:len(message)] = message
            self.s.sendall(frame)
            return
        fd = os.memfd_create("message")
        try:
            with open(fd, "wb", closefd=False) as f:
                f.write(message)
            socket.send_fds(self.s, [frame], [fd])
        finally:
            os.close(fd)

    def parse(self, message, **kw):
        self.ask(1, message, **kw)
        kind, data = self.frame()
        assert kind == PARSED
        return decode(data)

    def extract(self, message, index, **kw):
        """The decoded bytes; None when there is no such attachment."""
        self.ask(2, message, index, **kw)
        pieces = []
        while True:
            kind, data = self.frame()
            if kind == NONE:
                return None
            if kind == END:
                return b"".join(pieces)
            assert kind == DATA
            pieces.append(data)

    def wait(self):
        """The exit status, negative: the signal."""
        if self.pid:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self.pid = None
        return self.status

    def close(self):
        self.s.close()
        return self.wait()


def decode(data):
    """parsed_encode()'s values as a dictionary; people are (role, name, address, normal)."""
    found = {"flags": [], "subject": "", "message_id": "", "date_us": None, "people": [], "attachments": [], "text": ""}
    at = 0
    while at < len(data):
        tag = struct.unpack_from(">I", data, at)[0]
        v, at = counted(data, at + 4)
        if tag == 1:
            bits = struct.unpack(">I", v)[0]
            found["flags"] = [name for i, name in enumerate(FLAGS) if bits >> i & 1]
        elif tag in (2, 3, 7):
            found[{2: "subject", 3: "message_id", 7: "text"}[tag]] = v.decode()
        elif tag == 4:
            found["date_us"] = struct.unpack(">q", v)[0]
        elif tag == 5:
            name, p = counted(v, 1)
            address, p = counted(v, p)
            normal, p = counted(v, p)
            found["people"].append((ROLES[v[0]], name.decode(), address.decode(), normal.decode()))
        elif tag == 6:
            name, p = counted(v, 0)
            kind, p = counted(v, p)
            size = struct.unpack_from(">Q", v, p)[0]
            sha256, p = counted(v, p + 8)
            found["attachments"].append({"name": name.decode(), "type": kind.decode(), "size": size, "sha256": sha256.hex()})
    return found
