"""FaultProxy: stands between the daemons and an engine and breaks what passes, where a test says.

	proxy = FaultProxy(("127.0.0.1", 3306), MySql)
	fault = proxy.arm("COMMIT", "reply", "cut")      # the commit happens, its answer is lost
	… send a message …
	assert fault.fired
	proxy.heal()

What passes is seen as turns: a request begins with the first byte from the daemon after a reply (or at the start), its reply with
the first byte back. A protocol gives each request a label, by which a fault finds it: "PUT object", "COMMIT". What can't be read
(TLS passing through) has the label "?", and a fault chooses by number. The latest turns are kept in proxy.turns."""
import collections
import contextlib
import re
import socket
import struct
import threading
import time

from .process import Failed

ACTIONS = ("cut", "reset", "drop", "delay", "corrupt", "rewrite")
KEPT = 20000    # turns


# ---- protocols: what a request is called ----

class Opaque:
    """One for each connection. label(): of the request that data begins; None: no reply will come, the next is a new one."""

    def label(self, data):
        return "?"

    def reply(self, label, data):
        """The beginning of the reply to the request of that label."""


class Http(Opaque):
    def label(self, data):
        line = data.split(b"\r\n", 1)[0].decode("latin-1")
        m = re.match(r"([A-Z]+) (\S+) HTTP/1\.[01]$", line)
        return "%s %s" % m.groups() if m else "?"


class MySql(Opaque):
    """Text of a query as it is; of a prepared statement, that text; "prepare TEXT" while it is prepared."""
    SILENT = {0x01, 0x18, 0x19}    # quit, long data, statement close: have no reply
    QUERY, PREPARE, EXECUTE, BULK, PING = 0x03, 0x16, 0x17, 0xfa, 0x0e

    def __init__(self):
        self.prepared, self.preparing, self.greeted = {}, None, False

    def label(self, data):
        while len(data) >= 5:
            length = int.from_bytes(data[:3], "little")
            number, kind, body = data[3], data[4], data[5:4 + length]
            if number:    # the client's side of the sign-in, or the next 16 MiB
                return "sign-in"
            if kind not in self.SILENT:
                return self.command(kind, body)
            data = data[4 + length:]
        return None

    def command(self, kind, body):
        text = " ".join(body.decode("utf-8", "replace").split())
        if kind == self.QUERY:
            return text
        if kind == self.PREPARE:
            self.preparing = text
            return "prepare " + text
        if kind in (self.EXECUTE, self.BULK):
            return self.prepared.get(body[:4], "execute ?")
        return "ping" if kind == self.PING else "command %d" % kind

    def reply(self, label, data):
        if label.startswith("prepare ") and self.preparing is not None and len(data) >= 9 and data[4] == 0:
            self.prepared[data[5:9]] = self.preparing
        self.preparing = None


class Resp(Opaque):
    """Redis: the command's name."""

    def label(self, data):
        words = data.split(b"\r\n")
        return words[2].decode("latin-1").upper() if data[:1] == b"*" and len(words) > 2 else "?"


# ---- what to break ----

class Fault:
    """label: a regular expression that the request's label must match; nth: the how manieth of those, counted over all connections;
    side: "request" or "reply"; action:

    cut      close the connection in an orderly way instead of passing byte `at` and what follows
    reset    the same by a reset
    drop     pass nothing from byte `at` on, either way, and keep the connection open: a cable that was pulled
    delay    wait for `seconds` before passing byte `at`
    corrupt  turn over the bits of byte `at` and go on
    rewrite  give every piece to change(data), and pass what it returns (`at` does not count); fired when that is something else

    at: a number, or a part of the length of that side's first piece (0.5: its middle). times: how often; the fault is on to the
    next request of that label each time."""

    def __init__(self, label, side, action, at=0, nth=1, seconds=1.0, times=1, change=None):
        assert side in ("request", "reply") and action in ACTIONS, (side, action)
        self.label, self.side, self.action, self.at = re.compile(label), side, action, at
        self.nth, self.seconds, self.times, self.change = nth, seconds, times, change
        self.seen = self.count = 0
        self.event = threading.Event()

    @property
    def fired(self):
        return self.event.is_set()

    def wait(self, seconds=60):
        if not self.event.wait(seconds):
            raise Failed("nothing came by that the fault %s/%s was waiting for: %s" % (self.side, self.action, self.label.pattern))


class Turn:
    """One request and its reply. faults: those that are for it."""

    def __init__(self, connection, label, faults):
        self.connection, self.label, self.faults = connection, label, faults
        self.request = self.reply = 0    # bytes seen


class Broken(Exception):
    """A fault ended the connection."""


# ---- the proxy ----

class FaultProxy:
    """address: where it listens, ("127.0.0.1", port). target may be changed when the engine comes back elsewhere."""

    def __init__(self, target, protocol=Opaque, port=0):
        self.target, self.protocol = target, protocol
        self.lock = threading.Lock()
        self.faults, self.connections = [], []
        self.turns = collections.deque(maxlen=KEPT)
        self.refusing = False
        self.number = 0
        self.listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.address = self.listener.getsockname()
        self.port = self.address[1]
        self.closed = False
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, label, side, action, **kw):
        fault = Fault(label, side, action, **kw)
        with self.lock:
            self.faults.append(fault)
        return fault

    def heal(self):
        """No fault any more; connections that are held are ended."""
        with self.lock:
            self.faults.clear()
            self.refusing = False
            held = [c for c in self.connections if c.held]
        for c in held:
            c.end()

    def refuse(self):
        """Ends all connections and takes no new one until heal()."""
        with self.lock:
            self.refusing = True
        self.break_all()

    def break_all(self):
        with self.lock:
            all_of_them = list(self.connections)
        for c in all_of_them:
            c.end()

    def forget(self):
        """Turns so far."""
        with self.lock:
            self.turns.clear()

    def labels(self):
        with self.lock:
            return [t.label for t in self.turns]

    def close(self):
        self.closed = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.break_all()

    def accept(self):
        while not self.closed:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                reset(client)
                continue
            try:
                server = socket.create_connection(self.target, 10)
            except OSError:    # the engine is down: so is its port
                reset(client)
                continue
            server.settimeout(None)
            Connection(self, client, server).start()

    def begin(self, connection, label):
        """A new turn, with the faults that are for it."""
        with self.lock:
            self.number += 1
            mine = [f for f in self.faults if f.label.search(label) and self.due(f)]
            turn = Turn(connection, label, mine)
            self.turns.append(turn)
            return turn

    @staticmethod
    def due(fault):
        fault.seen += 1
        if fault.seen < fault.nth or fault.count >= fault.times:
            return False
        fault.count += 1
        return True


def reset(s):
    with contextlib.suppress(OSError):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


class Connection:
    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.protocol = proxy.protocol()
        self.lock = threading.Lock()
        self.turn = None
        self.side = "reply"     # of the last byte: a request may begin
        self.held = False
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self):
        with self.proxy.lock:
            self.proxy.connections.append(self)
        for side, source, sink in (("request", self.client, self.server), ("reply", self.server, self.client)):
            threading.Thread(target=self.pump, args=(side, source, sink), daemon=True).start()

    def pump(self, side, source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if not self.held:
                    self.passed(side, data, sink)
        except (OSError, Broken):
            pass
        self.end()

    def note(self, side, data):
        """The turn that data belongs to, and where in it data begins."""
        with self.lock:
            if side == "request" and (self.side == "reply" or self.turn is None or self.turn.label is None):
                label = self.protocol.label(data)
                self.turn = self.proxy.begin(self, label) if label is not None else None
            elif side == "reply" and self.side == "request" and self.turn:
                self.protocol.reply(self.turn.label, data)
            self.side = side
            if self.turn is None:
                return None, 0
            at = getattr(self.turn, side)
            setattr(self.turn, side, at + len(data))
            return self.turn, at

    def passed(self, side, data, sink):
        turn, begins = self.note(side, data)
        done = 0
        for fault in [f for f in turn.faults if f.side == side] if turn else []:
            if fault.action == "rewrite":
                data = self.rewritten(fault, data)
                continue
            at = fault.at if isinstance(fault.at, int) else int(fault.at * len(data)) if begins == 0 else -1
            if not begins <= at < begins + len(data):
                continue
            at -= begins
            self.held = self.held or fault.action == "drop"    # before the other side can answer what it gets now
            sink.sendall(data[done:at])
            done = max(done, at)
            data = self.do(fault, data, at)
        sink.sendall(data[done:])

    @staticmethod
    def rewritten(fault, data):
        changed = fault.change(data)
        if changed != data:
            fault.event.set()
        return changed

    def do(self, fault, data, at):
        if fault.action == "corrupt":
            data = data[:at] + bytes([data[at] ^ 0xff]) + data[at + 1:]
        fault.event.set()
        if fault.action == "delay":
            time.sleep(fault.seconds)
        elif fault.action == "drop":
            return data[:at]
        elif fault.action in ("cut", "reset"):
            self.end(by_reset=fault.action == "reset")
            raise Broken
        return data

    def end(self, by_reset=False):
        with self.proxy.lock:
            if self not in self.proxy.connections:
                return    # another thread ends it
            self.proxy.connections.remove(self)
        for s in (self.client, self.server):
            with contextlib.suppress(OSError):
                if by_reset:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.shutdown(socket.SHUT_RD if by_reset else socket.SHUT_RDWR)    # wakes the thread that waits for it
            with contextlib.suppress(OSError):
                s.close()
