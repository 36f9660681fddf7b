"""What OpenSearch and Elasticsearch have in common: one node of its own, on loopback, in a private directory.

	engine = OpenSearch().start()
	engine.call("GET", "/_cat/indices")
	engine.kill(); engine.start()
	engine.close()"""
import http.client
import json
import os
import shutil
import signal
import subprocess

from .maven import class_path, compiled, java_program
from .process import Failed, alive, end, free_port, pause, private_dir, tail, wait_until

HEAP = ("-Xms256m", "-Xmx768m")
BRIEF = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")    # half the processor time of a start, a third of that of a site's index


# On a mount that is private first: a root below it must not be seen, and removed, from anywhere else.
MAKE_ROOT = 'mount -t tmpfs none "$0" && mount --make-private "$0" && mkdir "$0/root" && mount --rbind / "$0/root" && exec chroot "$0/root" "$@"'


def with_a_root(folder):
    """What to put before a command for it to find its file systems. Java looks for them among the mount points, and finds none in a
    chroot whose root is not one: there the command gets a root that is, below `folder`, in a mount namespace of its own."""
    with open("/proc/self/mountinfo") as f:
        if any(line.split()[4] == "/" for line in f):
            return []
    os.makedirs(folder, exist_ok=True)
    return ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", MAKE_ROOT, folder]


class SearchEngine:
    """port: of HTTP, the same after stop() and start(). dir: its own place (default: a new one, which close() removes).
    lasting: it is to become fast while it runs; by default, it is to be there soon."""

    name = None       # also of the cache folder
    artifacts = []    # for Maven
    without = None    # of the jars: a regular expression
    main = None       # the class to start, in a .java file beside this one

    def __init__(self, dir=None, port=None, lasting=False):
        self.class_path = None
        self.lasting = lasting
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-%s." % self.name.lower())
        self.port = port or free_port()
        self.transport_port = free_port()
        self.p = None

    def fetch(self):
        """What start() needs; Missing says what can't be had."""
        self.java = java_program()
        jars = class_path(self.name.lower(), self.artifacts, self.without)
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), self.main.rpartition(".")[2] + ".java")
        self.class_path = ":".join([*jars, compiled(self.name.lower(), source, jars)])

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    @property
    def pid(self):
        return self.p.pid if self.p else None

    def settings(self):
        """Section -> key -> value for strongroom.conf."""
        return {"": {"index": "es:emails_archive"}, "es": {"hosts": self.url, "replicas": "0", **({} if self.lasting else {"shards": "2"})}}

    def node_settings(self):
        """As its class takes them."""
        lines = {"path.home": os.path.abspath(self.path("node")), "cluster.name": "strongroom", "node.name": "strongroom",
                 "discovery.type": "single-node", "network.host": "127.0.0.1", "http.port": self.port, "http.type": "netty4",
                 "transport.port": self.transport_port, "transport.type": "netty4",
                 "cluster.routing.allocation.disk.threshold_enabled": "false"}
        return ["%s=%s" % line for line in lines.items()]

    def start(self, seconds=None):
        """Starts it, on the data that is there, and waits until it can index; a lasting one may have much."""
        seconds = seconds or (900 if self.lasting else 120)
        if not self.class_path:
            self.fetch()
        os.makedirs(self.dir, exist_ok=True)
        node = [self.main, *self.node_settings()]
        with open(self.path("output"), "ab") as out:
            self.p = subprocess.Popen([*with_a_root(self.path("root")), self.java, *HEAP, *(() if self.lasting else BRIEF), "-cp",
                                       self.class_path, *node], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir,
                                      env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "HOME": self.dir},
                                      start_new_session=True)
        wait_until("%s answers on port %d" % (self.name, self.port), self.is_up, seconds, step=0.1)
        return self

    def is_up(self):
        if self.p.poll() is not None:
            raise Failed("%s ended with %d at its start:\n%s" % (self.name, self.p.returncode, tail(self.path("output"))))
        try:
            status, answer = self.call("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
        except OSError:
            return False
        return status == 200 and answer["status"] != "red"

    def call(self, method, path, body=None, timeout=60):
        """(status, decoded JSON or text)."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            c.request(method, path, data, {"Content-Type": "application/json"} if data else {})
            r = c.getresponse()
            text = r.read().decode("utf-8", "replace")
        except http.client.HTTPException as e:
            raise OSError(str(e)) from e
        finally:
            c.close()
        try:
            return r.status, json.loads(text)
        except ValueError:
            return r.status, text

    def running(self):
        return self.p is not None and self.p.poll() is None

    def stop(self, sig=signal.SIGTERM, seconds=60):
        if self.p and self.p.poll() is None:
            end(self.p.pid, sig, seconds)
        if self.p:
            self.p.wait()
        self.p = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def pause(self, stopped=True):
        """Keeps it from doing anything, connections open; pause(False): lets it go on."""
        if self.p and alive(self.p.pid):
            pause(self.p.pid, stopped)

    def show_logs(self):
        return "==== %s ====\n%s" % (self.name, tail(self.path("output"), 40))

    def close(self):
        self.stop(signal.SIGKILL)
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
