"""Recorder: passes HTTP on to a search engine and keeps the bodies of its bulk requests."""
import socket
import threading


class Bulks(list):
    """Bodies, in the order in which they came; connections: the numbers of those that brought any."""

    def __init__(self):
        super().__init__()
        self.connections = set()


class Recorder:
    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.bulks = Bulks()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        number = 0
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            number += 1
            threading.Thread(target=self.serve, args=(client, number), daemon=True).start()

    def serve(self, client, number):
        server = socket.create_connection(self.target)
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self.back, args=(server, client), daemon=True).start()
        f = client.makefile("rb")
        try:
            while self.one_request(f, server, number):
                pass
        except (OSError, ValueError):
            pass
        for s in (client, server):
            s.close()

    def one_request(self, f, server, number):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = f.readline()
            if not line:
                return False
            head += line
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        body = f.read(length)
        server.sendall(head)
        server.sendall(body)
        if head.startswith(b"POST /_bulk"):
            with self.lock:
                self.bulks.append(body)
                self.bulks.connections.add(number)
        return True

    @staticmethod
    def back(server, client):
        try:
            while data := server.recv(1 << 16):
                client.sendall(data)
        except OSError:
            pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
