"""The servers behind all sites of one run of tests, as STRONGROOM_STACK says:

	embedded   none: files and SQLite (the default)
	maria      MariaDB, Ceph RGW, OpenSearch, Redis
	mysql      MySQL 9, MinIO, Elasticsearch 8, Redis
	store=minio.Minio,…  these starters, and the embedded default for the rest

They are started at their first use and ended by close(). Whatever is missing is missing for every test, with its reason."""
import concurrent.futures
import importlib
import os
import re
import shutil

from . import Missing
from .process import Failed, private_dir

STACKS = {
    "embedded": None,
    "maria": {"store": "ceph.Ceph", "meta": "mariadb.MariaDB", "index": "opensearch.OpenSearch", "cache": "redis.Redis"},
    "mysql": {"store": "minio.Minio", "meta": "mysql.MySQL", "index": "elasticsearch.Elasticsearch", "cache": "redis.Redis"},
}
PARTS = ("meta", "store", "cache", "index")
IN_MEMORY, ROOM = "/dev/shm", 4 << 30


def stack_name():
    name = os.environ.get("STRONGROOM_STACK") or "embedded"
    if name not in STACKS and "=" not in name:
        raise Failed("STRONGROOM_STACK is %s; there are: %s" % (name, " ".join(STACKS)))
    return name


def starters(stack):
    """{part: "module.Class"}."""
    return dict(word.split("=") for word in stack.split(",")) if "=" in stack else STACKS[stack]


def memory_folder():
    """Where the data of engines are to be: in memory where there is plenty. They sync all the time, and no test cuts the power,
    the only thing that would tell. None: among other temporary files."""
    try:
        with open("/proc/meminfo") as f:
            available = int(re.search(r"MemAvailable:\s+(\d+)", f.read())[1]) * 1024
        room = os.statvfs(IN_MEMORY)
    except OSError:
        return None
    return IN_MEMORY if min(available // 2, room.f_bavail * room.f_frsize) >= ROOM and os.access(IN_MEMORY, os.W_OK) else None


def load(place):
    """The class that "module.Class" of this package names."""
    module, _, name = place.rpartition(".")
    try:
        return getattr(importlib.import_module("." + module, __package__), name)
    except ImportError as e:
        raise Missing("the starter of %s can't be loaded: %s" % (name, e))


class Engines:
    """parts: the running servers by "store", "meta", "index", "cache". dir: where each has a folder of its own; default: a new one, removed by
    close(). options: {"meta": {"port": …}} for their constructors."""

    def __init__(self, stack, dir=None, options=None):
        self.stack, self.dir, self.owns_dir = stack, dir, dir is None
        self.options = options or {}
        self.parts = {}

    def make(self, *names):
        if self.dir is None:
            self.dir = private_dir("strongroom-engines.", memory_folder())
        known = starters(self.stack)
        for name in names or [part for part in PARTS if part in known]:
            if name not in self.parts:
                folder = os.path.join(self.dir, name)
                os.makedirs(folder, exist_ok=True)
                self.parts[name] = load(known[name])(dir=folder, **self.options.get(name, {}))
        return self

    def fetch(self):
        """What the parts need and can be fetched, before any of them starts."""
        for part in self.parts.values():
            if hasattr(part, "fetch"):
                part.fetch()
        return self

    def start(self):
        """Those that do not run yet, all at once: each is up after some seconds in which it mostly waits."""
        try:
            self.make().fetch()
            with concurrent.futures.ThreadPoolExecutor(len(self.parts)) as pool:
                for started in [pool.submit(part.start) for part in self.parts.values() if not part.pid]:
                    started.result()
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        for name in reversed(PARTS):
            if name in self.parts:
                self.parts[name].close()
        self.parts.clear()
        if self.owns_dir and self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None

    def show_logs(self):
        return "\n".join(part.show_logs() for part in self.parts.values() if hasattr(part, "show_logs"))


running, missing = None, None


def current():
    """The engines of this run; None for the embedded default."""
    global running, missing
    if stack_name() == "embedded":
        return None
    if missing:
        raise Missing(missing)
    if running is None:
        try:
            running = Engines(stack_name()).start()
        except Missing as e:
            missing = str(e)
            raise
    return running


def close():
    global running
    if running is not None:
        running.close()
        running = None
