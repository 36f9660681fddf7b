"""Site: one Strongroom of its own: configuration, `strongroom init`, daemons, clients. Its store, database, index and cache are the
embedded default, or its own ones at the servers that STRONGROOM_STACK names (engines.py).

	site = Site("build/release")
	site.init()
	site.start("lmtpd", "queryd")
	with site.lmtp() as c: c.send(raw)
	site.close()

As root the daemons give up root for `nobody`; as an ordinary user they run as that user. Log lines of a daemon are in
<dir>/log/<daemon>.log, one JSON object each."""
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid

from . import Missing, engines
from .api import Api
from .behind import EsIndex, FsStore, FtsIndex, Gate, S3Store, ServerMeta, SqliteMeta
from .fault_proxy import FaultProxy, Http, Opaque, Resp
from .lmtp import Client
from .process import Failed, alive, answers, end, free_port, private_dir, tail, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DAEMONS = ("lmtpd", "milter", "queryd", "workerd")
PROTOCOLS = {"store": Http, "meta": Opaque, "index": Http, "cache": Resp}    # the database's is under TLS


class Daemon:
    """A running daemon. It is ready when it has said READY=1 to the socket in NOTIFY_SOCKET, as to systemd."""
    def __init__(self, name, argv, env, log, notify):
        self.name, self.log, self.notify = name, log, notify
        if os.path.exists(notify):
            os.unlink(notify)
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.s.bind(notify)
        os.chmod(notify, 0o777)
        with open(log, "ab") as out:
            self.mark = out.tell()
            self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                      env={**env, "NOTIFY_SOCKET": notify})
        self.pid = self.p.pid

    def wait_ready(self, seconds):
        stop = time.monotonic() + seconds
        self.s.settimeout(0.1)
        while True:
            try:
                if b"READY=1" in self.s.recv(4096):
                    return
            except socket.timeout:
                pass
            if self.p.poll() is not None:
                raise Failed("%s ended with %d at its start:\n%s" % (self.name, self.p.returncode, tail(self.log)))
            if time.monotonic() > stop:
                raise Failed("%s was not ready after %g s:\n%s" % (self.name, seconds, tail(self.log)))

    def running(self):
        return self.p.poll() is None

    def end(self, sig, seconds):
        """Its exit status (negative: the signal)."""
        if self.running():
            self.p.send_signal(sig)
        try:
            status = self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            raise Failed("%s did not end within %g s of signal %d:\n%s" % (self.name, seconds, sig, tail(self.log)))
        finally:
            self.close()
        return status

    def close(self):
        self.s.close()
        if os.path.exists(self.notify):
            os.unlink(self.notify)


class Site:
    """build: folder of the programs. dir: where everything lives (default: a new one, removed by close()).
    settings: {"lock_days": "30", "milter.point": "mx"}: lines that replace or follow the ones written here.
    milter: "inet" or "unix", the kind of socket that the milter listens on; milter_path: the socket's own place.
    ports: {"lmtp", "https", "milter"}, default free ones. A strongroom.conf that is in `dir` already is kept.
    servers: the engines to use (Engines; None: the embedded default), default those of this run of tests. name: what the
    database, bucket and index are called there, default one that is new. proxied: with a FaultProxy before each engine."""

    def __init__(self, build=None, dir=None, settings=None, milter="inet", milter_path=None, user=None, ports=None,
                 servers=engines.current, name=None, proxied=True):
        self.build = os.path.join(TOP, build or os.environ.get("STRONGROOM_BUILD", "build/release"))
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-test.")
        os.makedirs(self.dir, exist_ok=True)
        self.user = user if user is not None else "nobody" if os.geteuid() == 0 else ""
        ports = ports or {name: free_port() for name in ("lmtp", "https", "milter")}
        self.lmtp_port, self.https_port, self.milter_port = ports["lmtp"], ports["https"], ports["milter"]
        self.milter_kind = milter
        self.milter_path = milter_path or self.path("run", "milter.sock")
        self.lmtp_path = self.path("run", "lmtp.sock")
        self.conf = self.path("strongroom.conf")
        self.log_dir = self.path("log")
        os.makedirs(self.log_dir, exist_ok=True)
        self.daemons = {}
        self.proxies = {}
        self.name = name or "t" + uuid.uuid4().hex[:12]
        self.settings = self.default_settings()
        self.use_servers(servers() if callable(servers) else servers, proxied)
        self.settings.update(settings or {})
        if not os.path.exists(self.conf):
            self.write_conf()

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    # ---- configuration ----

    def default_settings(self):
        milter = "inet:127.0.0.1:%d" % self.milter_port if self.milter_kind == "inet" else "unix:" + self.milter_path
        return {
            "node": "test", "user": self.user,
            "store": "fs:" + self.path("store"), "meta": "sqlite:" + self.path("meta"), "index": "fts:" + self.path("index", "index.db"),
            "spool_dir": self.path("spool"), "run_dir": self.path("run"), "key_dir": self.path("keys"),
            "parser.program": self.program("strongroom-parser"),
            "lmtpd.listen": "inet:127.0.0.1:%d unix:%s" % (self.lmtp_port, self.lmtp_path),
            "milter.listen": milter,
            "queryd.listen": "127.0.0.1:%d" % self.https_port,
            "queryd.token_life": "1h",    # who signs in once for many tests may be slow
            "queryd.tls_cert": self.path("tls", "cert.pem"), "queryd.tls_key": self.path("tls", "key.pem"),
        }

    def use_servers(self, servers, proxied):
        """Settings of where things are, and the views of it for tests: self.store, self.meta, self.index."""
        self.servers = servers
        self.store, self.meta = FsStore(self.path("store")), SqliteMeta(self.path("meta"))
        self.index = FtsIndex(self.path("index", "index.db"))
        for part, engine in servers.parts.items() if servers else ():
            if proxied:
                self.proxies[part] = FaultProxy(("127.0.0.1", engine.port), PROTOCOLS[part])
            port, gate = (self.proxies[part].port if proxied else engine.port), Gate(self.proxies.get(part))
            getattr(self, "use_server_for_" + part)(engine, port, gate)

    def use_server_for_store(self, engine, port, gate):
        self.store = S3Store(engine, self.name, gate)
        self.put_settings(self.store.bucket.settings(self.path("s3-credentials"), self.owner()))
        if port != engine.port:
            self.settings["s3.endpoint"] = "http://127.0.0.1:%d" % port

    def use_server_for_meta(self, engine, port, gate):
        self.meta = ServerMeta(engine, self.name, gate)
        self.put_settings(engine.settings(port))
        self.settings["meta"] = "mysql:" + self.name

    def use_server_for_index(self, engine, port, gate):
        self.index = EsIndex(engine, self.name, gate)
        self.put_settings(engine.settings())
        # More than one shard, for hits that have to be put in order; six take half a second to make.
        self.settings.update({"index": "es:" + self.name, "es.hosts": "http://127.0.0.1:%d" % port, "es.shards": "2"})

    def use_server_for_cache(self, engine, port, gate):
        self.put_settings(engine.settings(port))
        self.settings["redis.prefix"] = self.name

    def put_settings(self, sections):
        for section, lines in sections.items():
            self.settings.update({"%s.%s" % (section, key) if section else key: value for key, value in lines.items()})

    def write_conf(self, **changes):
        """Writes strongroom.conf; changes are given as section__key="value". Daemons see it at their next start or reload."""
        self.settings.update({k.replace("__", "."): str(v) for k, v in changes.items()})
        sections = {}
        for key, value in self.settings.items():
            section, _, name = key.rpartition(".")
            sections.setdefault(section, []).append("%s = %s\n" % (name, value))
        with open(self.conf, "w") as f:
            for section in sorted(sections):
                f.write(("[%s]\n" % section if section else "") + "".join(sections[section]))
        os.chmod(self.conf, 0o644)

    @property
    def ca(self):
        return os.path.join(os.path.dirname(self.settings["queryd.tls_cert"]), "ca.crt")

    @property
    def https(self):
        return "https://127.0.0.1:%d" % self.https_port

    @property
    def milter_address(self):
        """As Postfix writes it."""
        return "inet:127.0.0.1:%d" % self.milter_port if self.milter_kind == "inet" else "unix:" + self.milter_path

    # ---- programs ----

    def program(self, name):
        return os.path.join(self.build, name)

    def need(self, *names):
        """Raises Missing unless these programs were built."""
        for name in names:
            if not os.access(self.program(name), os.X_OK):
                raise Missing("%s is not built in %s" % (name, os.path.relpath(self.build, TOP)))

    def env(self, more=None):
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "STRONGROOM_CONF": self.conf,
                **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}, **(more or {})}

    def run(self, *args, input=None, check=True, env=None):
        """`strongroom ARGS`: (status, output, errors) as text."""
        self.need("strongroom")
        if args[:1] == ("init",):
            self.meta.allow()
        if args[:1] == ("check",) and "--deploy" not in args:
            args = ("check", *self.store.check_options, *args[1:])
        r = subprocess.run([self.program("strongroom"), *args], input=(input or "").encode(), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, env=self.env(env), cwd=self.dir, timeout=300)
        out, err = r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace")
        if check and r.returncode:
            raise Failed("strongroom %s ended with %d:\n%s%s" % (" ".join(args), r.returncode, out, err))
        return r.returncode, out, err

    def init(self):
        """Directories, schema, keys and certificate."""
        self.need("strongroom", "strongroom-parser")
        self.store.set_up(self.path("s3-credentials"), self.owner())
        done = self.run("init", "--trial-tls", "localhost")
        self.meta.grant()
        return done

    def start(self, *names, fault=None, env=None, seconds=60):
        """Starts daemons ("lmtpd", "milter", "queryd", "workerd") and waits until each is ready. fault: STRONGROOM_FAULT."""
        for name in names:
            more = {**self.meta.environment(name), **(env or {}), **({"STRONGROOM_FAULT": fault} if fault else {})}
            self.need("strongroom-" + name)
            if self.running(name):
                raise Failed("%s is running already" % name)
            self.daemons[name] = Daemon(name, [self.program("strongroom-" + name)], self.env(more), self.log_path(name),
                                        self.path("%s.notify" % name))
        for name in names:
            self.daemons[name].wait_ready(seconds)
            if name in ("lmtpd", "milter", "queryd"):
                wait_until("%s answers at its address" % name, lambda: answers(self.address(name)))

    def address(self, name):
        return {"lmtpd": ("127.0.0.1", self.lmtp_port), "queryd": ("127.0.0.1", self.https_port),
                "milter": ("127.0.0.1", self.milter_port) if self.milter_kind == "inet" else self.milter_path}[name]

    def running(self, name):
        return name in self.daemons and self.daemons[name].running()

    def pid(self, name):
        return self.daemons[name].pid

    def stop(self, *names, seconds=60):
        """SIGTERM; the exit status of the last one. Every named daemon must end by itself in time."""
        status = None
        for name in names or [n for n in self.daemons if self.running(n)]:
            status = self.daemons.pop(name).end(signal.SIGTERM, seconds)
        return status

    def kill(self, *names):
        for name in names:
            self.daemons.pop(name).end(signal.SIGKILL, 10)

    def wait_end(self, name, seconds=60):
        """Waits for a daemon that ends by itself (a fault point); its exit status."""
        return self.daemons.pop(name).end(0, seconds)

    def signal(self, name, sig):
        self.daemons[name].p.send_signal(sig)

    # ---- logs ----

    def log_path(self, name):
        return os.path.join(self.log_dir, name + ".log")

    def log(self, name):
        """The log lines of a daemon as dictionaries; a line that isn't JSON is {"message": line, "level": "raw"}."""
        lines = []
        try:
            with open(self.log_path(name), errors="replace") as f:
                for line in f:
                    try:
                        lines.append(json.loads(line))
                    except ValueError:
                        lines.append({"level": "raw", "message": line.rstrip("\n")})
        except FileNotFoundError:
            pass
        return lines

    def log_line(self, name, text, seconds=60):
        """The first log line of a daemon whose message holds text, which it may write after it replied."""
        def found():
            return [line for line in self.log(name) if text in line.get("message", "")]
        wait_until("%s says %r" % (name, text), found, seconds)
        return found()[0]

    def show_logs(self):
        """The ends of all logs, for a failed test's report."""
        found = []
        for name in sorted(os.listdir(self.log_dir)):
            found.append("==== %s ====\n%s" % (name, tail(os.path.join(self.log_dir, name), 60)))
        return "\n".join(found)

    # ---- clients ----

    def lmtp(self, unix=False, **kw):
        return Client(self.lmtp_path if unix else ("127.0.0.1", self.lmtp_port), **kw)

    def add_user(self, username, password, *args):
        """`strongroom user add USERNAME ARGS…`, the password on standard input; the TOTP secret in base32."""
        _, out, err = self.run("user", "add", username, *args, input=password + "\n")
        m = re.search(r"[?&]secret=([A-Z2-7]+)", out + err)
        if not m:
            raise Failed("strongroom user add printed no otpauth URL:\n" + out + err)
        return m.group(1)

    def api(self, username=None, password=None, secret=None):
        """A connection to queryd, signed in when a user is given."""
        a = Api(self.https, self.ca)
        return a.login(username, password, secret) if username else a

    # ---- the archive itself, for tests that look behind the daemons ----

    def objects(self):
        """The names of all archived messages in the store; self.store.read() gives the bytes of one."""
        return self.store.names()

    def object(self, archive_id):
        """The archived bytes of one message."""
        found = [name for name in self.objects() if os.path.basename(name).startswith(archive_id)]
        if len(found) != 1:
            raise Failed("%d objects of %s in the store" % (len(found), archive_id))
        return self.store.read(found[0])

    def rows(self, sql, values=(), database="capture"):
        """What a query on the database gives, behind the daemons' backs."""
        with self.meta.connect(database) as db:
            return db.execute(sql, values).fetchall()

    def row(self, archive_id):
        """What the database says about one message, `evidence` decoded."""
        row = dict(self.rows("SELECT * FROM message WHERE id = ?", (uuid.UUID(archive_id).bytes,))[0])
        row["evidence"] = json.loads(row["evidence"])
        return row

    def archived(self, door="milter"):
        """The log lines of what a door ("milter", "lmtpd") archived, in order."""
        return [line for line in self.log(door) if line.get("message") == "archived"]

    def close(self):
        """Ends whatever still runs and removes the directory. Never raises."""
        for daemon in self.daemons.values():
            if alive(daemon.pid):
                end(daemon.pid, signal.SIGTERM, 15)
            daemon.p.wait()
            daemon.close()
        self.daemons.clear()
        for proxy in self.proxies.values():
            proxy.close()
        if self.owns_dir:
            self.meta.drop()
            self.index.drop()
            shutil.rmtree(self.dir, ignore_errors=True)

    def owner(self):
        """(uid, gid) that the daemons run as; ours where that account does not exist."""
        try:
            entry = pwd.getpwnam(self.user)
            return entry.pw_uid, entry.pw_gid
        except KeyError:
            return os.geteuid(), os.getegid()
