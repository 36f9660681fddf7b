"""A private OpenLDAP server on loopback: over TLS, or with StartTLS, with people that the test adds. Neither the system's
configuration nor its service is touched."""
import base64
import os
import shutil
import signal
import subprocess

from . import Missing
from .process import Failed, answers, end, find_program, free_port, pause, private_dir, run, tail, wait_until
from .tls import Authority

BASE = "dc=example,dc=org"
PEOPLE, GROUPS, OTHER_GROUPS = "ou=people," + BASE, "ou=departments," + BASE, "ou=groups," + BASE
READER, READER_PASSWORD = "cn=reader," + BASE, "reader's password"
MANAGER, MANAGER_PASSWORD = "cn=manager," + BASE, "manager's password"
SCHEMAS = ("core", "cosine", "inetorgperson")

# What Active Directory and the schemas of mail servers have. proxyAddresses takes any bytes, for what should not be there.
SCHEMA = """
attributetype ( 1.3.6.1.4.1.99999.1 NAME 'proxyAddresses' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
attributetype ( 1.3.6.1.4.1.99999.2 NAME 'department' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.3 NAME 'rawDepartment' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
attributetype ( 1.3.6.1.4.1.99999.4 NAME 'groupNames' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
objectclass ( 1.3.6.1.4.1.99999.5 NAME 'mailPerson' SUP top AUXILIARY
	MAY ( proxyAddresses $ department $ rawDepartment $ groupNames ) )
"""

CONF = """
%(schemas)s
include %(dir)s/strongroom.schema
pidfile %(dir)s/pid
TLSCACertificateFile %(ca)s
TLSCertificateFile %(cert)s
TLSCertificateKeyFile %(key)s
security simple_bind=128
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
%(limits)s
database mdb
maxsize 104857600
directory %(dir)s/data
suffix "%(base)s"
rootdn "%(manager)s"
rootpw "%(manager_password)s"
access to attrs=userPassword by anonymous auth by * none
access to dn.regex="^cn=hidden" by * none
access to * by dn.exact="%(reader)s" read by * none
overlay memberof
"""


def ldif(dn, attributes):
    """An entry; values are text or bytes, one or a list."""
    lines = ["dn: " + dn]
    for name, values in attributes.items():
        for value in values if isinstance(values, (list, tuple)) else [values]:
            raw = value if isinstance(value, bytes) else value.encode()
            lines.append("%s:: %s" % (name, base64.b64encode(raw).decode()))
    return "\n".join(lines) + "\n\n"


class Slapd:
    """start() brings it up with the entries that are above people. limits: lines of its configuration; the server by itself gives
    at most 500 entries to a search without pages. names: what its certificate is for."""

    def __init__(self, limits="sizelimit size.soft=500 size.hard=500 size.prtotal=unlimited", names="IP:127.0.0.1"):
        self.slapd = find_program("slapd")
        if not self.slapd or not os.path.exists("/usr/lib/ldap/back_mdb.la"):
            raise Missing("OpenLDAP: the package slapd is not installed")
        if not find_program("ldapmodify"):
            raise Missing("OpenLDAP: the package ldap-utils is not installed")
        self.dir = private_dir("strongroom-slapd.")
        os.mkdir(self.path("data"))
        self.port, self.tls_port = free_port(), free_port()
        self.authority = Authority(self.path("tls"))
        self.limits, self.names = limits, names
        self.process = None
        # A copy is none of what the system's rules about /usr/sbin/slapd are for.
        self.program = self.path("slapd")
        shutil.copy(self.slapd, self.program)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def uri(self):
        return "ldaps://127.0.0.1:%d" % self.tls_port

    @property
    def starttls_uri(self):
        return "ldap://127.0.0.1:%d" % self.port

    def write_conf(self):
        with open(self.path("strongroom.schema"), "w") as f:
            f.write(SCHEMA)
        cert, key = self.authority.sign("slapd", self.names)
        with open(self.path("slapd.conf"), "w") as f:
            f.write(CONF % {"dir": self.dir, "ca": self.authority.ca, "cert": cert, "key": key, "base": BASE, "manager": MANAGER,
                            "manager_password": MANAGER_PASSWORD, "reader": READER, "limits": self.limits,
                            "schemas": "\n".join("include /etc/ldap/schema/%s.schema" % s for s in SCHEMAS)})

    def start(self):
        first = not os.listdir(self.path("data"))
        self.write_conf()
        if first:
            self.load(ldif(BASE, {"objectClass": ["dcObject", "organization"], "dc": "example", "o": "Example"})
                      + self.unit(PEOPLE) + self.unit(GROUPS) + self.unit(OTHER_GROUPS)
                      + ldif(READER, {"objectClass": ["organizationalRole", "simpleSecurityObject"], "cn": "reader",
                                      "userPassword": READER_PASSWORD}))
        with open(self.path("log"), "ab") as out:
            self.process = subprocess.Popen(
                [self.program, "-d", "0", "-f", self.path("slapd.conf"), "-h", "%s/ %s/" % (self.starttls_uri, self.uri)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)

        def up():
            if self.process.poll() is not None:
                raise Failed("slapd ended with %d at its start:\n%s" % (self.process.returncode, tail(self.path("log"))))
            return answers(("127.0.0.1", self.port)) and answers(("127.0.0.1", self.tls_port))
        wait_until("slapd answers", up, 60)
        return self

    # ---- what is in it ----

    def load(self, text):
        """Entries into its files; it may not run."""
        with open(self.path("load.ldif"), "w") as f:
            f.write(text)
        run([self.program, "-T", "add", "-q", "-f", self.path("slapd.conf"), "-l", self.path("load.ldif")])

    def change(self, text):
        """What ldapmodify(1) takes; entries are added."""
        argv = ["ldapmodify", "-a", "-x", "-H", self.uri, "-D", MANAGER, "-w", MANAGER_PASSWORD]
        r = subprocess.run(argv, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                           env={**os.environ, "LDAPTLS_CACERT": self.authority.ca})
        if r.returncode:
            raise Failed("ldapmodify ended with %d:\n%s" % (r.returncode, r.stdout.decode("utf-8", "replace")))

    @staticmethod
    def unit(dn):
        return ldif(dn, {"objectClass": "organizationalUnit", "ou": dn[3:dn.index(",")]})

    @staticmethod
    def person(uid, **attributes):
        return ldif("uid=%s,%s" % (uid, PEOPLE), {"objectClass": ["inetOrgPerson", "mailPerson"], "uid": uid, "cn": uid, "sn": uid,
                                                  **attributes})

    def add(self, uid, **attributes):
        self.change(self.person(uid, **attributes))

    def add_group(self, dn, *members, **attributes):
        """The server gives its members their memberOf, be they people or groups."""
        self.change(ldif(dn, {"objectClass": ["groupOfNames", "mailPerson"], "cn": dn[3:dn.index(",")], "member": members, **attributes}))

    def replace(self, uid, **attributes):
        head, _, values = ldif("uid=%s,%s" % (uid, PEOPLE), attributes).partition("\n")
        blocks = ["replace: %s\n%s\n-" % (name, "\n".join(line for line in values.split("\n") if line.startswith(name + ":")))
                  for name in attributes]
        self.change("%s\nchangetype: modify\n%s\n\n" % (head, "\n".join(blocks)))

    def remove(self, uid):
        self.change("dn: uid=%s,%s\nchangetype: delete\n\n" % (uid, PEOPLE))

    # ---- Strongroom's side ----

    def settings(self, site, **changes):
        """Section directory, as {"directory.uri": …}; the password's file is the site's."""
        file = site.path("directory.password")
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(READER_PASSWORD + "\n")
        if os.geteuid() == 0:
            os.chown(file, *site.owner())
        section = {"uri": self.uri, "ca_file": self.authority.ca, "bind_dn": READER, "password_file": file, "base": PEOPLE, "timeout": "10s",
                   **changes}
        return {"directory__" + key: value for key, value in section.items()}

    def stop(self, sig=signal.SIGTERM):
        if self.process:
            end(self.process.pid, sig, 20)
            self.process.wait()
            self.process = None

    def pause(self, on=True):
        """It accepts connections, and says nothing."""
        pause(self.process.pid, on)

    def close(self):
        if self.process and self.process.poll() is None:
            self.pause(False)
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def show_logs(self):
        return "==== slapd ====\n" + tail(self.path("log"), 40)
