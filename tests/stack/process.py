"""Processes, ports and private directories."""
import contextlib
import fcntl
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time


class Failed(Exception):
    """A server did not start or stop as it should."""


PORTS = range(20000, 32000)    # below those that the kernel hands out by itself
BLOCK = 500


def reserve_ports():
    """PORTS that no other run of tests hands out while this process lives, by a lock on a file, again and again. All of them when
    that can't be had."""
    blocks = [PORTS[i:i + BLOCK] for i in range(0, len(PORTS), BLOCK)]
    for block in random.sample(blocks, len(blocks)):
        with contextlib.suppress(OSError):
            lock = os.open(os.path.join(tempfile.gettempdir(), "strongroom-ports.%d" % block[0]), os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)    # until the process ends
                return itertools.cycle(block)
            except OSError:
                os.close(lock)
    return itertools.cycle(random.sample(PORTS, len(PORTS)))


reserved = None


def free_port():
    """A TCP port nobody listens on, and nobody else is going to."""
    global reserved
    reserved = reserved or reserve_ports()
    for port in itertools.islice(reserved, len(PORTS)):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failed("no free port between 20000 and 32000")


def private_dir(prefix, below=None):
    """A new directory that other accounts may pass through (tests start daemons that give up root)."""
    path = tempfile.mkdtemp(prefix=prefix, dir=below)
    os.chmod(path, 0o755)
    return path


def alive(pid):
    """A zombie is dead."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def read_pid(path):
    """The process id in a pid file, or None when there is none or that process is gone."""
    try:
        with open(path) as f:
            pid = int(f.read().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return pid if alive(pid) else None


def wait_until(what, condition, seconds=60, step=0.02):
    """The first true value of condition(); Failed with `what` when it stays false."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("waited %g s in vain: %s" % (seconds, what))
        time.sleep(step)


def is_stopped(pid):
    """Are all threads of it? The signal is taken by one of them, which has to come to its turn, while the others go on."""
    for task in os.listdir("/proc/%d/task" % pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open("/proc/%d/task/%s/stat" % (pid, task)) as f:
                if f.read().rpartition(")")[2].split()[0] not in "TtZX":
                    return False
    return True


def pause(pid, on=True):
    """It does nothing, its connections open, and when this returns it does so; or goes on."""
    os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)
    if on:
        wait_until("process %d is stopped" % pid, lambda: is_stopped(pid))


def answers(address):
    """Does somebody accept connections at ("127.0.0.1", port) or "/path/of.sock"?"""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(2)
        try:
            s.connect(address)
            return True
        except OSError:
            return False


def end(pid, sig=signal.SIGTERM, seconds=15):
    """Sends sig and waits until the process is gone; after that time SIGKILL. True when SIGKILL was not needed."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)
    stop = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > stop:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return False
        time.sleep(0.02)
    return True


def end_with_children(pid, sig=signal.SIGTERM, seconds=15):
    """For servers whose children outlive a killed parent."""
    family = [pid] + children(pid)
    end(pid, sig, seconds)
    for child in family[1:]:
        end(child, signal.SIGTERM, 2)


def children(pid):
    """Process ids of all descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                with open("/proc/%s/stat" % name) as f:
                    parents.setdefault(int(f.read().rpartition(")")[2].split()[1]), []).append(int(name))
    found, queue = [], [pid]
    while queue:
        queue += parents.get(queue[0], [])
        found += parents.get(queue.pop(0), [])
    return found


def run(argv, **kw):
    """The output (both streams) of a command that must succeed."""
    r = subprocess.run(argv, stdin=kw.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    if r.returncode:
        raise Failed("%s ended with %d:\n%s" % (" ".join(argv), r.returncode, r.stdout.decode("utf-8", "replace")))
    return r.stdout.decode("utf-8", "replace")


def find_program(name, *places):
    """Full path of a program, sbin folders included; None when it isn't installed."""
    return shutil.which(name, path=":".join([*places, os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/lib/dovecot"]))


def tail(path, lines=40):
    try:
        with open(path, errors="replace") as f:
            return "".join(f.readlines()[-lines:])
    except FileNotFoundError:
        return ""
