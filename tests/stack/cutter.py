"""Cutter: passes bytes between clients and a server, and cuts each connection after so many bytes of one direction.

	with Cutter(("127.0.0.1", 143), down=1000) as c: connect to c.port

down: bytes from the server, up: bytes to it, before the cut; None: no end. abrupt: by a reset. cut: how many connections were.
times: only so many; listen: the address to listen at."""
import contextlib
import select
import socket
import struct
import threading


class Cutter:
    def __init__(self, target, up=None, down=None, abrupt=False, times=None, listen="127.0.0.1"):
        self.target, self.limits, self.abrupt, self.times = target, {"up": up, "down": down}, abrupt, times
        self.cut = 0
        self.passed = {"up": 0, "down": 0}
        self.lock = threading.Lock()
        self.listener = socket.create_server((listen, 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target, timeout=60)
            except OSError:
                client.close()
                continue
            threading.Thread(target=self.pump, args=(client, server), daemon=True).start()

    def pump(self, client, server):
        """One thread a connection: a socket that another thread reads can't be reset."""
        left = dict(self.limits) if self.times is None or self.cut < self.times else {"up": None, "down": None}
        ways = {client: ("up", server), server: ("down", client)}
        with contextlib.suppress(OSError):
            while self.pass_on(select.select(list(ways), [], [])[0], ways, left):
                pass
        for s in ways:
            with contextlib.suppress(OSError):
                if self.abrupt:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()

    def pass_on(self, readable, ways, left):
        for s in readable:
            way, other = ways[s]
            data = s.recv(65536)
            if not data:
                return False
            other.sendall(data if left[way] is None else data[:left[way]])
            with self.lock:
                self.passed[way] += len(data)
                if left[way] is not None:
                    left[way] -= len(data)
                    self.cut += left[way] < 0
            if left[way] is not None and left[way] < 0:
                return False
        return True
