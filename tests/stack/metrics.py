"""The metrics of daemons, as Prometheus reads them."""
import http.client
import re
import socket

from .process import find_program, free_port, wait_until
from . import Missing

DAEMONS = ("lmtpd", "milter", "queryd", "workerd")
SERIES = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (-?[0-9.]+)$')


def listen(site, *names):
    """Lets these daemons of a Site show their metrics on free ports, which come back by name. Before they start."""
    ports = {name: free_port() for name in names or DAEMONS}
    site.write_conf(**{name + "__metrics": "inet:127.0.0.1:%d" % port for name, port in ports.items()})
    return ports


def get(address, request=b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
    """(status, headers, text) of one request to ("127.0.0.1", port) or "/path/of.sock"."""
    s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    s.settimeout(30)
    s.connect(address)
    with s:
        s.sendall(request)
        r = http.client.HTTPResponse(s)
        r.begin()
        return r.status, r.headers, r.read().decode()


def read(port):
    """{'name{label="value"}': number} of a daemon on this port."""
    status, _, text = get(("127.0.0.1", port))
    assert status == 200, (status, text)
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SERIES.match(line).groups()
            found[name + ("{%s}" % labels if labels else "")] = float(value)
    return found


def read_state(port):
    """The same of a strongroom-workerd when it has looked at the whole state of the installation."""
    done = 'strongroom_task_success_timestamp_seconds{task="metrics"}'
    return wait_until("workerd has looked", lambda: (lambda m: m[done] and m)(read(port)))


def families(port):
    """{name: type} of a daemon."""
    return dict(re.findall(r"(?m)^# TYPE (\S+) (\S+)$", get(("127.0.0.1", port))[2]))


def program(name):
    """Full path of promtool or prometheus."""
    found = find_program(name)
    if not found:
        raise Missing("%s is not installed (package prometheus)" % name)
    return found
