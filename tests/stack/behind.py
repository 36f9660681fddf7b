"""What tests do to an archive behind the daemons' backs: one class for each kind of store, database and index, alike within a kind.

A store gives the names of its objects (str; the last part is <archive id>.eml) and their bytes; a database gives connections that
take the same SQL and placeholders whatever it is; an index gives the ids of its documents. `places`: folders that are its own, none
at a server."""
import contextlib
import datetime
import os
import re
import shutil
import sqlite3
import sys

from . import Missing
from .process import Failed
from .s3 import write_credentials


# ---- stores ----

class FsStore:
    """Names are paths."""

    check_options = ()

    def __init__(self, folder):
        self.folder = folder
        self.places = [folder]

    def set_up(self, credentials, owner):
        pass    # strongroom init makes it

    def names(self):
        return sorted(os.path.join(base, f) for base, _, files in os.walk(self.folder) for f in files if f.endswith(".eml"))

    def read(self, name):
        with open(name, "rb") as f:
            return f.read()

    def at(self, row):
        """The bytes where a row of the table `message` says that they are."""
        return self.read(os.path.join(self.folder, row["object_key"]))

    def is_locked_until(self, row, us):
        """Locks of files have no end."""

    def held(self, row):
        """Is the object under a legal hold of the store's? None: it knows no such."""

    def refuses_removal(self, row):
        """What keeps a file is not tried here: the tests may be root."""

    def lose(self, *names):
        for name in names:
            os.unlink(name)

    @contextlib.contextmanager
    def lost(self, name):
        """While it lasts the object is not there; afterwards it is, as it was."""
        aside = self.folder + ".aside"
        os.rename(name, aside)
        try:
            yield
        finally:
            os.rename(aside, name)

    def alter(self, name, data):
        os.chmod(name, 0o600)
        with open(name, "wb") as f:
            f.write(data)
        os.chmod(name, 0o400)

    def copy(self, name, other):
        """The same object once more, with `other` as the last part of its name."""
        path = os.path.join(os.path.dirname(name), other)
        shutil.copy2(name, path)
        owner = os.stat(name)
        os.chown(path, owner.st_uid, owner.st_gid)

    def locked(self, name):
        """Raises when it may still be changed."""
        assert os.stat(name).st_mode & 0o777 == 0o400, name

    def exports(self):
        """The keys of all exports that are in it."""
        return sorted(os.path.relpath(os.path.join(base, f), self.folder) for base, _, files in os.walk(os.path.join(self.folder, "x")) for f in files)

    def uploads(self, key):
        """What is under way, or was left, of a long object of this key."""
        path = os.path.join(self.folder, "tmp", key.replace("/", "+"))
        return [path] if os.path.exists(path) else []

    def forget_uploads(self, key):
        for path in self.uploads(key):
            os.unlink(path)

    @contextlib.contextmanager
    def away(self):
        """While it lasts, the store is not there; afterwards it is, with what was in it."""
        os.rename(self.folder, self.folder + ".away")
        try:
            yield
        finally:
            os.rename(self.folder + ".away", self.folder)

    @contextlib.contextmanager
    def refusing(self):
        """While it lasts, the store can be read and not written to, as a file system mounted read-only."""
        folders = [base for base, _, _ in os.walk(self.folder)]
        for base in folders:
            os.chmod(base, 0o500)
        try:
            yield
        finally:
            for base in folders:
                os.chmod(base, 0o700)


class S3Name(str):
    """A key that knows its version."""
    version = None


class S3Store:
    """engine: a server of tests/stack with bucket()."""

    places = []
    tried = set()  # endpoints
    check_options = ()    # of `strongroom check` in a site's run()

    def __init__(self, engine, name, gate):
        self.engine, self.bucket, self.gate = engine, engine.bucket(name), gate

    def set_up(self, credentials, owner):
        """`strongroom init` tries a bucket's locks, which takes seconds: once for each store of a run of tests. From then on sites
        have a bucket that was tried, and keys (in the file `credentials`) that can do no harm, where the store knows such; elsewhere
        `strongroom check` isn't to try them again."""
        endpoint = self.engine.endpoint
        if endpoint in self.tried:
            self.bucket.pretend_proved()
            if hasattr(self.engine, "writer"):
                self.bucket.account = self.engine.writer(self.bucket.name)    # who wrote an object may read it
                write_credentials(credentials, self.bucket.account, owner)
            else:
                self.check_options = ("--quick",)
        self.tried.add(endpoint)

    def names(self):
        found = []
        for key, version, _ in self.bucket.versions("m/"):
            name = S3Name(key)
            name.version = version
            found.append(name)
        return sorted(found)

    def read(self, name):
        return self.got(self.bucket.get(name, name.version))

    def at(self, row):
        assert row["bucket"] == self.bucket.name
        return self.got(self.bucket.get(row["object_key"], row["version_id"]))

    def is_locked_until(self, row, us):
        """Fails when the version is locked for less, to the second. A lock may be longer already than a row that is about to say so."""
        text = self.bucket.head(row["object_key"], row["version_id"]).headers["x-amz-object-lock-retain-until-date"]
        until = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        assert until >= us / 1e6 - 1, (text, us)

    def held(self, row):
        head = self.bucket.head(row["object_key"], row["version_id"]).headers
        return head.get("x-amz-object-lock-legal-hold") == "ON"

    def refuses_removal(self, row):
        """Not even the bucket's owner may delete the version."""
        answer = self.bucket.delete(row["object_key"], row["version_id"])
        assert answer.status in (400, 403), answer
        assert self.held(row)

    @staticmethod
    def got(answer):
        if answer.status != 200:
            raise Failed("the store says %r" % answer)
        return answer.body

    def below(self):
        """No request takes away or alters what is locked: whoever would has to do it on the store's disks."""
        if not hasattr(self.engine, "lose"):
            raise Missing("nothing can be taken away or altered on the disks of %s here" % type(self.engine).__name__)
        return self.engine

    def lose(self, *names):
        self.below().lose(self.bucket.name, names)

    def lost(self, name):
        return self.below().lost(self.bucket.name, name)

    def alter(self, name, data):
        self.below().alter(self.bucket.name, name, data)

    def copy(self, name, other):
        answer = self.bucket.put(os.path.join(os.path.dirname(name), other), self.read(name), until=86400)
        assert answer.status == 200, answer

    def locked(self, name):
        head = self.bucket.head(name, name.version).headers
        assert head.get("x-amz-object-lock-mode") == "COMPLIANCE" and head.get("x-amz-object-lock-retain-until-date"), name

    def exports(self):
        return sorted({key for key, _, _ in self.bucket.versions("x/")})

    def administered(self):
        """As its owner sees it: the daemons' account may list no uploads."""
        return self.engine.bucket(self.bucket.name)

    def uploads(self, key):
        return self.administered().uploads(key)

    def forget_uploads(self, key):
        for upload in self.uploads(key):
            answer = self.administered().call("DELETE", key, {"uploadId": upload})
            assert answer.status == 204, answer

    def away(self):
        return self.gate.closed()

    def refusing(self):
        return self.gate.without("^PUT ")


# ---- databases ----

class SqliteMeta:
    def __init__(self, folder):
        self.folder = folder
        self.places = [folder]

    @contextlib.contextmanager
    def connect(self, name="capture", write=False):
        """A connection to the database `name`: execute() with ? or :name; rows by number and by name. What it writes is there at
        once."""
        path = os.path.join(self.folder, name + ".db")
        db = sqlite3.connect("file:%s?mode=%s" % (path, "rw" if write else "ro"), uri=True, timeout=30, isolation_level=None)
        db.row_factory = sqlite3.Row
        try:
            yield db
        finally:
            db.close()

    @contextlib.contextmanager
    def held(self, name="capture"):
        """While it lasts, nobody else can write."""
        with self.connect(name, write=True) as db:
            db.execute("BEGIN IMMEDIATE")
            yield
            db.execute("ROLLBACK")

    def is_held(self):
        """Is somebody writing at this moment?"""
        for name in ("capture", "control"):
            with contextlib.closing(sqlite3.connect(os.path.join(self.folder, name + ".db"), timeout=0, isolation_level=None)) as db:
                try:
                    db.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    return True
        return False

    @contextlib.contextmanager
    def unguarded(self):
        """A connection to the capture database without its triggers, which are there again afterwards."""
        with self.connect(write=True) as db:
            triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in triggers:
                db.execute("DROP TRIGGER " + name)
            yield db
            for _, sql in triggers:
                db.execute(sql)

    @contextlib.contextmanager
    def away(self, name="capture"):
        path = os.path.join(self.folder, name + ".db")
        os.rename(path, path + ".away")
        try:
            yield
        finally:
            os.rename(path + ".away", path)

    def allow(self):
        pass    # who owns the folder

    def grant(self):
        pass

    def environment(self, program):
        return {}

    def drop(self):
        pass    # goes with it


class Row(tuple):
    """As sqlite3.Row: by number and by name."""

    def __new__(cls, values, names):
        row = super().__new__(cls, values)
        row.names = names
        return row

    def keys(self):
        return list(self.names)

    def __getitem__(self, what):
        return super().__getitem__(self.names.index(what) if isinstance(what, str) else what)


class Cursor:
    def __init__(self, cursor):
        self.rowcount = cursor.rowcount
        names = [d[0] for d in cursor.description or []]
        self.rows = [Row(r, names) for r in cursor.fetchall()]

    def fetchall(self):
        return self.rows

    def fetchone(self):
        return self.rows[0] if self.rows else None

    def __iter__(self):
        return iter(self.rows)


CANNOT_CONVERT = 3854    # ER_CANNOT_CONVERT_STRING


class ServerConnection:
    def __init__(self, db):
        self.db = db

    def execute(self, sql, values=None):
        cursor = self.db.cursor()
        if values is not None:
            sql = re.sub(r"(?<![:\w]):([a-z]\w*)", r"%(\1)s", sql.replace("%", "%%")).replace("?", "%s")
        cursor.execute(sql, values)
        return Cursor(cursor)

    def close(self):
        self.db.close()


class ServerMeta:
    """MariaDB or MySQL, as its administrator. name: what stands behind mysql: in the setting."""

    places = []

    def __init__(self, engine, name, gate):
        self.engine, self.name, self.gate = engine, name, gate

    @contextlib.contextmanager
    def connect(self, name="capture", write=False):
        try:
            import pymysql
        except ImportError:
            raise Missing("python3-pymysql is not installed")
        db = pymysql.connect(unix_socket=self.engine.socket, user="root", database="%s_%s" % (self.name, name), charset="utf8mb4",
                             autocommit=True)
        try:
            yield ServerConnection(db)
        finally:
            db.close()

    def tables(self, db):
        return [row[0] for row in db.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")]

    @contextlib.contextmanager
    def held(self, name="capture"):
        with self.connect(name) as db:
            db.execute("LOCK TABLES " + ", ".join("`%s` READ" % t for t in self.tables(db)))
            yield
            db.execute("UNLOCK TABLES")

    def is_held(self):
        """MySQL can't show a statement with bytes in it that somebody runs at this moment."""
        with self.connect() as db:
            try:
                return db.execute("SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p"
                                  " ON p.id = t.trx_mysql_thread_id WHERE p.db LIKE ?", (self.name + "%",)).fetchone()[0] > 0
            except Exception as e:    # of a module that need not be there
                if e.args[:1] != (CANNOT_CONVERT,):
                    raise
                return True

    @contextlib.contextmanager
    def unguarded(self):
        with self.connect() as db:
            triggers = [row[0] for row in db.execute("SHOW TRIGGERS")]
            texts = [db.execute("SHOW CREATE TRIGGER `%s`" % name).fetchone()["SQL Original Statement"] for name in triggers]
            for name in triggers:
                db.execute("DROP TRIGGER `%s`" % name)
            yield db
            for text in texts:
                db.execute(text)

    def away(self, name="capture"):
        return self.gate.closed()

    def allow(self):
        """The archive's own account may do everything to these two databases, which it makes."""
        for name in ("capture", "control"):
            self.engine.execute("GRANT ALL ON `%s\\_%s`.* TO '%s'@'%%'" % (self.name.replace("_", "\\_"), name, self.engine.account()))

    def grant(self):
        """Each program's own account may do what schema/grants.mysql.sql says."""
        self.engine.grant(self.name)

    def environment(self, program):
        """What a daemon's unit file adds: its own account."""
        return self.engine.environment(program)

    def drop(self):
        for name in ("capture", "control"):
            self.engine.execute("DROP DATABASE IF EXISTS `%s_%s`" % (self.name, name), check=False)


# ---- indexes ----

class FtsIndex:
    def __init__(self, path):
        self.path = path
        self.places = [os.path.dirname(path)]

    def ids(self):
        """Archive ids (texts) of its documents, one for each."""
        db = sqlite3.connect("file:%s?mode=ro" % self.path, uri=True, timeout=20)
        try:
            return [id_text(id) for (id,) in db.execute("SELECT id FROM doc")]
        finally:
            db.close()

    def damage(self):
        """Only a rebuild mends it."""
        with open(self.path, "r+b") as f:
            f.write(b"damaged!" * 64)

    def lose(self):
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path + suffix)

    @contextlib.contextmanager
    def away(self):
        os.rename(self.path, self.path + ".away")
        try:
            yield
        finally:
            os.rename(self.path + ".away", self.path)

    @contextlib.contextmanager
    def broken(self):
        """For good: only a rebuild mends it. At a server: while it lasts."""
        with open(self.path, "wb") as f:
            f.write(b"no database at all" * 100)
        yield

    def drop(self):
        pass


class EsIndex:
    places = []

    def __init__(self, engine, alias, gate):
        self.engine, self.alias, self.gate = engine, alias, gate

    def ask(self, method, path, body=None):
        status, answer = self.engine.call(method, path, body)
        if status != 200:
            raise Failed("%s %s: %s %s" % (method, path, status, answer))
        return answer

    def ids(self):
        self.ask("POST", "/%s/_refresh" % self.alias)
        found, after = [], None
        while True:
            page = self.ask("POST", "/%s/_search" % self.alias, {
                "size": 5000, "_source": False, "sort": [{"id": "asc"}], **({"search_after": after} if after else {})})["hits"]["hits"]
            if not page:
                return found
            found += [hit["_id"] for hit in page]
            after = page[-1]["sort"]

    def indices(self):
        status, answer = self.engine.call("GET", "/_cat/indices/%s*?format=json&h=index" % self.alias)
        return [row["index"] for row in answer] if status == 200 else []

    def damage(self):
        self.lose()

    def lose(self):
        for name in self.indices():
            self.ask("DELETE", "/" + name)

    def away(self):
        return self.gate.closed()

    def broken(self):
        return self.gate.closed()

    def drop(self):
        with contextlib.suppress(OSError, Failed):
            self.lose()


# ---- between a site and an engine ----

class Gate:
    """The way from one site to an engine, which can be closed for it alone: what is connected is cut off, and no connection is
    taken."""

    def __init__(self, proxy):
        self.proxy = proxy

    @contextlib.contextmanager
    def closed(self):
        self.proxy.refuse()
        try:
            yield
        finally:
            self.proxy.heal()

    @contextlib.contextmanager
    def without(self, label):
        """Every request of that label (a regular expression) is cut off."""
        self.proxy.arm(label, "request", "cut", times=sys.maxsize)
        try:
            yield
        finally:
            self.proxy.heal()


def id_text(blob):
    h = blob.hex()
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))
