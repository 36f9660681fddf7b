"""A private one-node Ceph (monitor, one OSD on a file, RADOS gateway): S3 with Object Lock, on loopback.

Everything is in one directory; nothing in /etc or /var. As root only (ceph-osd wants its own files whatever they are)."""
import contextlib
import glob
import http.client
import os
import re
import shutil
import signal
import subprocess
import tempfile
import uuid

from . import Missing
from .process import Failed, end, find_program, free_port, read_pid, run, tail, wait_until
from .s3 import Account
from .s3_server import S3Server

CONF = """\
[global]
fsid = {fsid}
mon_initial_members = a
mon_host = [v2:127.0.0.1:{mon2},v1:127.0.0.1:{mon1}]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = {dir}/run
admin_socket = {dir}/run/$name.asok
pid_file = {dir}/run/$name.pid
log_file = {dir}/log/$name.log
crash_dir = {dir}/log
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
debug_ms = 0/0
debug_rgw = 0/0
debug_osd = 0/0
debug_bluestore = 0/0
debug_bluefs = 0/0
debug_rocksdb = 0/0
debug_mon = 0/0
debug_paxos = 0/0
debug_objclass = 0/0
debug_bdev = 0/0
[mon]
mon_data = {dir}/mon
mon_data_avail_warn = 2
mon_data_avail_crit = 1
mon_max_pg_per_osd = 1000
mon_allow_pool_delete = true
# Of its size: what comes while it is told to be full has room.
mon_osd_nearfull_ratio = 0.65
mon_osd_backfillfull_ratio = 0.7
mon_osd_full_ratio = 0.75
# Without these two each new pool waits seconds for the monitor.
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
mon_osd_initial_require_min_compat_client = luminous
[osd]
osd_data = {dir}/osd
osd_objectstore = bluestore
osd_memory_target = 939524096
bluestore_block_size = {size}
bluestore_block_create = true
bluestore_block_db_create = false
bluestore_block_wal_create = false
osd_class_dir = {classes}
# A gateway that was killed is waited for so long by whoever tells the others what it changed.
osd_client_watch_timeout = 3
osd_class_load_list = *
osd_class_default_list = *
osd_scrub_begin_hour = 0
osd_scrub_end_hour = 0
[client.rgw]
rgw_frontends = beast {frontend} tcp_nodelay=1
rgw_data = {dir}/rgw
# The gateway's own default needs cephx and hangs for ever without.
ms_mon_client_mode = crc
rgw_thread_pool_size = 64
rgw_enable_usage_log = false
rgw_lc_debug_interval = -1
# Session tokens are sealed with it.
rgw_sts_key = abcdefghijklmnop
rgw_s3_auth_use_sts = true
"""

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "rados", "monmaptool")


class Daemon:
    """One of a Ceph's: name as its pid file has it."""

    def __init__(self, ceph, name):
        self.ceph, self.name = ceph, name

    @property
    def pid(self):
        return read_pid(self.ceph.path("run", self.name + ".pid"))

    def start(self):
        self.ceph.start()

    def stop(self, sig=signal.SIGTERM):
        end(self.pid, sig, 30)

    def kill(self):
        self.stop(signal.SIGKILL)


class Ceph(S3Server):
    """start() brings it up at self.endpoint, with one account; data stay over stop() and start(). dir may be on /dev/shm. size: of
    its disk, a sparse file."""

    name = "Ceph"
    access_key, secret_key, region = "TESTACCESSKEY", "testsecretkey0123456789", "us-east-1"

    def __init__(self, dir=None, port=None, below=None, size=8 << 30, tls=None):
        for name in PROGRAMS:
            if not find_program(name):
                raise Missing("Ceph: %s is not installed (packages ceph-mon, ceph-osd, radosgw, ceph-common)" % name)
        if os.geteuid() != 0:
            raise Missing("Ceph: its OSD needs root here")
        super().__init__(dir, port, below, tls)
        self.daemons = None
        self.size = size
        self.env = {**os.environ, "CEPH_CONF": self.path("ceph.conf")}

    @property
    def pid(self):
        """Of the gateway."""
        return read_pid(self.path("run", "client.rgw.pid"))

    def run(self, *argv):
        return run([find_program(argv[0]), *argv[1:]], env=self.env)

    def make(self):
        for name in ("mon", "osd", "rgw", "run", "log"):
            shutil.rmtree(self.path(name), ignore_errors=True)
            os.makedirs(self.path(name))
        open(self.path("unfinished"), "w").close()
        fsid, mon2, mon1 = str(uuid.uuid4()), free_port(), free_port()
        # Debian 13 has a relative path compiled in
        classes = (glob.glob("/usr/lib/*/rados-classes") or ["/usr/lib/rados-classes"])[0]
        with open(self.path("ceph.conf"), "w") as f:
            f.write(CONF.format(dir=self.dir, fsid=fsid, mon1=mon1, mon2=mon2, frontend=self.frontend(), classes=classes, size=self.size))
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", "[v2:127.0.0.1:%d,v1:127.0.0.1:%d]" % (mon2, mon1), self.path("monmap"))
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", self.path("monmap"))
        self.run("ceph-mon", "-i", "a")
        osd = self.run("ceph", "osd", "new", fsid).split()[-1]
        self.run("ceph-osd", "-i", osd, "--mkfs", "--osd-uuid", fsid)
        self.run("ceph-osd", "-i", osd)
        self.add_account("test", self.access_key, self.secret_key)
        os.remove(self.path("unfinished"))

    def frontend(self):
        if not self.tls:
            return "endpoint=127.0.0.1:%d" % self.port
        return "ssl_endpoint=127.0.0.1:%d ssl_certificate=%s ssl_private_key=%s" % (self.port, *self.tls)

    def add_account(self, name, access_key, secret_key):
        """One more user, without any right but those that a bucket's policy gives."""
        try:
            self.run("radosgw-admin", "user", "create", "--uid=" + name, "--display-name=" + name, "--access-key=" + access_key,
                     "--secret-key=" + secret_key)
        except Failed as e:  # it may crash on its way out, after it has made the user and shown it
            if '"access_key": "%s"' % access_key not in str(e):
                raise
        return Account(self.endpoint, access_key, secret_key, self.region)

    def writer(self, bucket):
        """An account that may do in that bucket what the daemons need, and no more."""
        if not self.daemons:
            self.daemons = self.add_account("writer", "WRITERACCESSKEY", "writersecretkey")
        self.bucket(bucket).allow_capture("writer")
        return self.daemons

    def start(self):
        if os.path.exists(self.path("unfinished")):    # a start that failed half-way
            self.stop()
            self.make()
        elif not os.path.exists(self.path("ceph.conf")):
            self.make()
        else:
            for pid, argv in (("mon.a", ("ceph-mon", "-i", "a")), ("osd.0", ("ceph-osd", "-i", "0"))):
                if not read_pid(self.path("run", pid + ".pid")):
                    self.run(*argv)
        if not self.pid:
            self.start_gateway()
        return self

    def daemon(self, name):
        """"mon", "osd" or "rgw"."""
        return Daemon(self, {"mon": "mon.a", "osd": "osd.0", "rgw": "client.rgw"}[name])

    # ---- its disk ----

    def is_full(self):
        return "OSD_FULL" in self.run("ceph", "health", "detail")

    def fill(self):
        """Puts so much into a pool of its own that the disk counts as full: who writes waits then."""
        self.run("ceph", "osd", "pool", "create", "filler", "1")
        self.run("ceph", "osd", "pool", "application", "enable", "filler", "rados")
        piece = self.path("filler")
        with open(piece, "wb") as f:
            f.write(bytes(32 << 20))
        for n in range(self.size // (32 << 20)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                run([find_program("rados"), "-p", "filler", "put", "piece%d" % n, piece], env=self.env, timeout=20)
            if self.is_full():
                break
        os.unlink(piece)
        wait_until("Ceph is full", self.is_full, 60, 0.5)

    def make_room(self):
        self.run("ceph", "osd", "pool", "delete", "filler", "filler", "--yes-i-really-really-mean-it")
        wait_until("Ceph has room", lambda: not self.is_full(), 60, 0.5)

    # ---- more of it ----

    def start_gateway(self):
        subprocess.run([find_program("radosgw"), "-n", "client.rgw"], env=self.env, stdin=subprocess.DEVNULL, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        wait_until("Ceph's gateway answers on port %d" % self.port, self.answers, 90)

    def answers(self):
        try:
            return Account(self.endpoint, self.access_key, self.secret_key, self.region).call("GET", "/", timeout=10).status > 0
        except (OSError, http.client.HTTPException):
            return False

    # ---- what a broken disk, or a hand on it, does to objects (names of S3Store) below the gateway ----

    def rados(self, *argv):
        return self.run("rados", "--pool=default.rgw.buckets.data", *argv)

    def places(self, bucket, names):
        """Where RADOS keeps these objects, all of which are smaller than the 4 MiB that go to one place."""
        said = self.run("radosgw-admin", "metadata", "get", "bucket:" + bucket)
        number = re.search(r'"marker": "([^"]+)"', said)[1]
        return ["%s__:%s_%s" % (number, name.version, name) for name in names]

    def lose(self, bucket, names):
        self.rados("rm", *self.places(bucket, names))

    @contextlib.contextmanager
    def lost(self, bucket, name):
        place, = self.places(bucket, [name])
        self.rados("cp", place, "aside")
        self.rados("rm", place)
        try:
            yield
        finally:
            self.rados("cp", "aside", place)

    def alter(self, bucket, name, data):
        """data: not much shorter than it was, over which the gateway hangs."""
        place, = self.places(bucket, [name])
        with tempfile.NamedTemporaryFile() as f:
            f.write(data)
            f.flush()
            self.rados("put", place, f.name)

    def show_logs(self):
        return "==== Ceph ====\n" + "".join(tail(self.path("log", name + ".log"), 15) for name in ("mon.a", "osd.0", "client.rgw"))

    def stop_gateway(self):
        """SIGKILL: it keeps nothing, and its orderly end takes long."""
        if self.pid:
            end(self.pid, signal.SIGKILL)

    def stop(self, sig=signal.SIGTERM):
        """The gateway first: without an OSD it hangs."""
        self.stop_gateway()
        for name in ("osd.0", "mon.a"):
            pid = read_pid(self.path("run", name + ".pid"))
            if pid:
                end(pid, sig)

    def kill(self):
        self.stop(signal.SIGKILL)
