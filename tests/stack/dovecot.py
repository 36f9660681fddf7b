"""A private Dovecot (2.3 and 2.4): LMTP in, IMAP out, mail in Maildirs, and sign-in for Postfix; users alice@example.org and bob@example.org,
password "secret". As root it runs as nobody. Dovecot(tls=True) offers TLS too, with a certificate for localhost and 127.0.0.1 from the
authority in .ca; Dovecot(oauth2=URL) asks that address about tokens (2.3 only)."""
import grp
import os
import pwd
import re
import shutil
import subprocess

from . import Missing
from .lmtp import Client
from .tls import Authority
from .process import Failed, answers, end, find_program, free_port, private_dir, read_pid, run, tail, wait_until

COMMON = """\
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = {ssl}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = {ssl}
  }}
}}
"""

V23 = COMMON + """\
disable_plaintext_auth = no
mail_location = maildir:{dir}/mail/%u
mail_home = {dir}/mail/%u
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {dir}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%u allow_all_users=yes
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener auth {{
    address = 127.0.0.1
    port = {auth}
  }}
}}
protocol lmtp {{
  lmtp_save_to_detail_mailbox = no
}}
"""

V24 = """\
dovecot_config_version = {version}
dovecot_storage_version = {version}
""" + COMMON + """\
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = {dir}/mail/%{{user}}
mail_home = {dir}/mail/%{{user}}
mail_uid = {uid}
mail_gid = {gid}
passdb passwd-file {{
  passwd_file_path = {dir}/users
  default_password_scheme = PLAIN
}}
userdb static {{
  fields {{
    uid = {uid}
    gid = {gid}
    home = {dir}/mail/%{{user}}
  }}
  allow_all_users = yes
}}
service lmtp {{
  inet_listener lmtp {{
    listen = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener auth {{
    listen = 127.0.0.1
    port = {auth}
  }}
}}
"""


class Dovecot:
    """start() brings it up; imap_port, lmtp_port and auth_port (smtpd_sasl_path = inet:127.0.0.1:PORT) are where it listens."""

    def __init__(self, dir=None, tls=False, oauth2=None, capability=None):
        if not find_program("dovecot"):
            raise Missing("Dovecot: the packages dovecot-imapd and dovecot-lmtpd are not installed")
        self.owns_dir = dir is None
        self.dir = dir or private_dir("strongroom-dovecot.")
        self.imap_port, self.lmtp_port, self.auth_port = free_port(), free_port(), free_port()
        self.imaps_port = free_port() if tls else 0
        self.tls, self.oauth2, self.capability = tls, oauth2, capability
        self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write_conf(self):
        version = re.match(r"(\d+)\.(\d+)\.(\d+)", run([find_program("dovecot"), "--version"]))
        if not version:
            raise Failed("dovecot --version says nothing known")
        template = V23 if (int(version[1]), int(version[2])) < (2, 4) else V24
        for name in ("run", "mail"):
            os.makedirs(self.path(name), exist_ok=True)
        open(self.path("log"), "a").close()
        with open(self.path("users"), "w") as f:
            f.write("alice@example.org:{PLAIN}secret::::::\nbob@example.org:{PLAIN}secret::::::\n")
        with open(self.path("dovecot.conf"), "w") as f:
            f.write(template.format(ssl="yes" if self.tls else "no", imaps=self.imaps_port, dir=self.dir, user=self.user.pw_name, group=grp.getgrgid(self.user.pw_gid).gr_name,
                                    uid=self.user.pw_uid, gid=self.user.pw_gid, imap=self.imap_port, lmtp=self.lmtp_port, auth=self.auth_port,
                                    version=version[0]) + self.more(template is V24))
        if os.geteuid() == 0:
            for name in ("run", "mail", "log", "users", "dovecot.conf"):
                shutil.chown(self.path(name), self.user.pw_uid, self.user.pw_gid)

    def more(self, v24):
        """What only some tests need."""
        text = "imap_capability = %s\n" % self.capability if self.capability else ""
        if self.tls:
            authority = Authority(self.path("tls"))
            self.ca = authority.ca
            cert, key = authority.sign("dovecot")
            if os.geteuid() == 0:
                shutil.chown(key, self.user.pw_uid, self.user.pw_gid)
            names = ("ssl_server_cert_file = %s\n", "ssl_server_key_file = %s\n") if v24 else ("ssl_cert = <%s\n", "ssl_key = <%s\n")
            text += names[0] % cert + names[1] % key
        if self.oauth2 and v24:
            raise Missing("OAuth 2: the tests know only how Dovecot 2.3 is told of it")
        if self.oauth2:
            with open(self.path("oauth2.conf"), "w") as f:
                f.write("introspection_mode = get\nintrospection_url = %s\nusername_attribute = username\n"
                        "active_attribute = active\nactive_value = true\n" % self.oauth2)
            if os.geteuid() == 0:
                shutil.chown(self.path("oauth2.conf"), self.user.pw_uid, self.user.pw_gid)
            text += ("auth_mechanisms = plain xoauth2 oauthbearer\n"
                     "passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = %s\n}\n" % self.path("oauth2.conf"))
        return text

    def start(self):
        self.write_conf()
        argv = [find_program("dovecot"), "-c", self.path("dovecot.conf")]
        if os.geteuid() == 0:
            argv = ["setpriv", "--reuid", self.user.pw_name, "--regid", str(self.user.pw_gid), "--clear-groups", *argv]
        with open(self.path("output"), "wb") as out:
            status = subprocess.call(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        if status:
            raise Failed("Dovecot did not start:\n%s%s" % (tail(self.path("output")), tail(self.path("log"))))
        wait_until("Dovecot answers on port %d" % self.imap_port,
                   lambda: answers(("127.0.0.1", self.imap_port)) and answers(("127.0.0.1", self.lmtp_port)))
        return self

    def deliver(self, raw, recipient=b"alice@example.org"):
        """Puts a message into a mailbox."""
        with Client(("127.0.0.1", self.lmtp_port)) as c:
            replies = c.send(raw, recipients=[recipient])
        if replies[0][0] != 250:
            raise Failed("Dovecot refused a message: %r" % replies)

    def show_logs(self):
        return "==== Dovecot ====\n" + tail(self.path("log"), 40)

    def stop(self):
        pid = read_pid(self.path("run", "master.pid"))
        if pid:
            end(pid, seconds=10)

    def close(self):
        self.stop()
        if self.owns_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
