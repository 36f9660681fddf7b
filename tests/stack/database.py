"""What MariaDB and MySQL have in common as servers of tests: TLS by a private authority, accounts, statements."""
import os
import pwd
import re
import shutil
import signal
import subprocess

from . import Missing
from .process import Failed, answers, end, find_program, free_port, private_dir, read_pid, tail, wait_until
from .tls import Authority

PROGRAMS = ("milter", "lmtpd", "queryd", "workerd", "operator")
SCHEMA = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "schema")

COMMON = """\
[mysqld]
datadir={dir}/data
socket={socket}
pid-file={dir}/pid
log-error={dir}/error.log
bind-address={host}
port={port}
server-id={server_id}
ssl-ca={ca}
ssl-cert={cert}
ssl-key={key}
log-bin={dir}/binlog
sync-binlog=1
innodb-flush-log-at-trx-commit=1
innodb-buffer-pool-size={buffer_pool}
log-bin-trust-function-creators=1
skip-name-resolve
max-connections=200
performance-schema=OFF
"""


class Database:
    """start() brings it up on what `dir` holds already. `pid` is the server's. accounts: make those of the programs (a replica gets
    them from its primary). authority: the folder of another server's, default one of its own. buffer_pool: as the server takes it. Subclasses: initialize(), command(), conf."""
    kind = "a database"
    host = "127.0.0.1"

    def __init__(self, dir=None, port=None, name="strongroom", server_id=1, accounts=True, authority=None, buffer_pool="128M"):
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-db.")
        os.makedirs(self.dir, exist_ok=True)
        self.client = find_program("mariadb")
        if not self.client:
            raise Missing("%s: the package mariadb-client-core is not installed" % self.kind)
        self.name, self.server_id = name, server_id
        self.accounts, self.authority, self.buffer_pool = accounts, authority, buffer_pool
        self.port = port or free_port()
        self.socket = self.path("s")
        self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.process = None

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    # ---- the server ----

    def own(self, *paths):
        for path in paths:
            if os.geteuid() == 0:
                shutil.chown(path, self.user.pw_uid, self.user.pw_gid)

    def as_user(self, argv):
        if os.geteuid() == 0:
            return ["setpriv", "--reuid", str(self.user.pw_uid), "--regid", str(self.user.pw_gid), "--clear-groups", *argv]
        return argv

    def write_conf(self):
        authority = Authority(self.authority or self.path("tls"))
        cert, key = (os.path.join(authority.dir, "server" + end) for end in (".crt", ".key"))
        if not os.path.exists(cert):
            authority.sign("server")
        self.ca = authority.ca
        with open(self.path("my.cnf"), "w") as f:
            f.write((COMMON + self.conf).format(dir=self.dir, host=self.host, socket=self.socket, port=self.port, server_id=self.server_id,
                                                buffer_pool=self.buffer_pool, ca=authority.ca, cert=cert, key=key, root=getattr(self, "root", "")))
        self.own(self.dir, key)

    def start(self):
        fresh = not os.path.exists(self.path("data"))
        self.write_conf()
        if fresh:
            with open(self.path("initialize.log"), "wb") as out:
                if subprocess.call(self.as_user(self.initialize()), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir):
                    raise Failed("%s was not initialised:\n%s%s" % (self.kind, tail(self.path("initialize.log")), tail(self.path("error.log"))))
        self.run()
        if fresh and self.accounts:
            self.make_accounts()
        return self

    def run(self):
        """Starts the server on its data, and waits until it answers."""
        with open(self.path("output"), "ab") as out:
            self.process = subprocess.Popen(self.as_user(self.command()), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True, cwd=self.dir)
        wait_until("%s answers" % self.kind, self.is_up, 60)

    def is_up(self):
        if self.process.poll() is not None:
            raise Failed("%s ended with %d at its start:\n%s" % (self.kind, self.process.returncode, tail(self.path("error.log"))))
        return answers(self.socket) and self.execute("SELECT 1", check=False)[0] == 0

    @property
    def pid(self):
        return self.process.pid if self.process and self.process.poll() is None else read_pid(self.path("pid"))

    def stop(self, sig=signal.SIGTERM, seconds=60):
        pid = self.pid
        if pid:
            end(pid, sig, seconds)
        if self.process:
            self.process.wait()
            self.process = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def close(self):
        self.stop()
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)

    def show_logs(self):
        return "==== %s ====\n%s" % (self.kind, tail(self.path("error.log"), 40))

    # ---- statements ----

    def execute(self, text, user="root", database=None, check=True, options=()):
        """(status, output, errors) of statements given to the client program; accounts but root sign in over TLS."""
        argv = [self.client, "--no-defaults", "--batch", "--skip-column-names", *options]
        env = {**os.environ}
        if user == "root":
            argv += ["--user=root", "--socket=" + self.socket]
        else:
            argv += ["--user=" + user, "--host=" + self.host, "--port=%d" % self.port, "--ssl-ca=" + self.ca, "--ssl-verify-server-cert"]
            env["MYSQL_PWD"] = self.password(user)
        r = subprocess.run(argv + ([database] if database else []), input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        out, err = r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace")
        if check and r.returncode:
            raise Failed("%s refused %r: %s" % (self.kind, text[:200], err))
        return r.returncode, out, err

    def errors(self, statements, user="root", database=None):
        """What the server says of each of the statements, one to a line, which all are tried: its error, or None."""
        errors = self.execute("".join(s + ";\n" for s in statements), user, database, check=False, options=["--force"])[2]
        of_line = {int(n): text for n, text in re.findall(r"(?m)^ERROR \d+ \(\w+\) at line (\d+): (.*)$", errors)}
        if errors and not of_line:
            raise Failed("%s took no statements: %s" % (self.kind, errors))
        return [of_line.get(line) for line in range(1, len(statements) + 1)]

    def rows(self, text, user="root", database=None):
        """The rows of one query, as lists of texts."""
        return [line.split("\t") for line in self.execute(text, user, database)[1].splitlines()]

    def number(self, text, database=None):
        return int(self.rows(text, database=database)[0][0])

    def capture(self, text):
        return self.rows(text, database=self.name + "_capture")

    def control(self, text):
        return self.rows(text, database=self.name + "_control")

    # ---- accounts ----

    @staticmethod
    def account(program=None):
        return "strongroom_" + program if program else "strongroom"

    def password(self, user):
        return "secret of " + user

    def password_file(self, program=None):
        """A file that only the account of the daemons can read."""
        path = self.path("password." + self.account(program))
        if not os.path.exists(path):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as f:
                f.write(self.password(self.account(program)) + "\n")
            self.own(path)
        return path

    def make_accounts(self):
        for program in (None, *PROGRAMS):
            user = self.account(program)
            self.execute("CREATE USER '%s'@'%%' IDENTIFIED BY '%s' REQUIRE SSL" % (user, self.password(user)))
        for database in ("_capture", "_control"):
            self.execute("GRANT ALL ON `%s`.* TO 'strongroom'@'%%'" % (self.name + database))

    def allow_plain(self):
        """Lets the accounts sign in without TLS, for a proxy that reads what passes."""
        for program in (None, *PROGRAMS):
            self.execute("ALTER USER '%s'@'%%' REQUIRE NONE" % self.account(program))

    def grant(self, name=None):
        """Gives each program what schema/grants.mysql.sql says, once the schema is there."""
        with open(os.path.join(SCHEMA, "grants.mysql.sql")) as f:
            self.execute(f.read().replace("@NAME@", name or self.name).replace("@HOST@", "%"))

    # ---- for strongroom.conf ----

    def settings(self, port=None):
        """Section → key → value. By the operator's account: environment() has those of the programs."""
        return {
            "": {"meta": "mysql:" + self.name},
            "mysql": {"host": self.host, "port": str(port or self.port), "user": self.account(), "password_file": self.password_file(),
                      "tls_ca": self.ca},
        }

    def environment(self, program):
        """What a daemon's unit file adds: its own account."""
        return {"DB_USER": self.account(program), "DB_PASSWORD_FILE": self.password_file(program)}
