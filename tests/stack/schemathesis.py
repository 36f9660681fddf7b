"""Schemathesis, which makes requests up from an OpenAPI document: fetched by pip into the cache, run as a program of its own."""
import os
import subprocess
import sys

from .cache import TOP, cached
from .fetched import fetch
from .process import find_program
from . import Missing

PACKAGES = ["schemathesis==4.32.5", "hypothesis==6.170.15"]


def folder():
    """Where its modules are, for PYTHONPATH."""
    def install(part, log):
        pip = find_program("pip3")
        if not pip:
            raise Missing("schemathesis is not there, and no pip3 that could bring it (package python3-pip)")
        fetch("schemathesis", [pip, "--python", sys.executable, "install", "-q", "--target", part, *PACKAGES])
    return cached("%s-py%d.%d" % (PACKAGES[0].replace("==", "-"), *sys.version_info[:2]), install)


def run(arguments, environment, cwd, seconds):
    """(status, output) of `schemathesis run ARGUMENTS` with the checks and hooks of tests/stack/schemathesis_hooks.py."""
    env = {**os.environ, **environment, "PYTHONPATH": os.pathsep.join([folder(), os.path.join(TOP, "tests", "stack")]),
           "SCHEMATHESIS_HOOKS": "schemathesis_hooks"}
    r = subprocess.run([sys.executable, "-m", "schemathesis.cli", "--no-color", "run", *arguments], cwd=cwd, env=env, timeout=seconds,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return r.returncode, r.stdout.decode("utf-8", "replace")
