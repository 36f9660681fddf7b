"""Raw bytes over TLS to queryd, for requests that no HTTP library would send."""
import socket
import ssl


def context(ca, **changes):
    """A client's context; changes are attributes of ssl.SSLContext."""
    c = ssl.create_default_context(cafile=ca)
    for name, value in changes.items():
        setattr(c, name, value)
    return c


class Raw:
    """One connection. status() reads one whole response: (status, headers as dict with lower-case names, body)."""
    def __init__(self, address, ca, timeout=60):
        self.s = context(ca).wrap_socket(socket.create_connection(address, timeout=timeout), server_hostname=address[0])
        self.f = self.s.makefile("rb")

    def send(self, data):
        self.s.sendall(data)

    def response(self):
        line = self.f.readline()
        if not line:
            raise ConnectionError("closed")
        status, headers = int(line.split()[1]), {}
        for line in iter(self.f.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, self.f.read(int(headers.get("content-length", 0)))

    def rest(self):
        """All bytes until the end of the connection, however it ends."""
        got = b""
        try:
            while piece := self.s.recv(65536):
                got += piece
        except OSError:
            pass
        return got

    def ended(self):
        """Is this the end of the connection? (Waits for it.)"""
        try:
            return self.f.read(1) == b""
        except OSError:
            return True

    def close(self):
        self.f.close()
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
