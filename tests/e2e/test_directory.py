"""`strongroom directory sync` with a real OpenLDAP server: who is in which department, and what is never believed."""
import os

import pytest
from stack.process import free_port
from stack.slapd import BASE, GROUPS, OTHER_GROUPS, PEOPLE, Slapd
from stack.tls import Authority

pytestmark = pytest.mark.embedded("what it does to the database is what `strongroom department` does")


@pytest.fixture
def slapd(servers):
    """With three people in two departments."""
    s = Slapd()
    servers.append(s)
    s.start()
    s.add("alice", mail="Alice@Example.org", department="Sales",
          proxyAddresses=["SMTP:alice@example.org", "smtp:a.liddell@example.org", "X500:/o=Example/cn=alice", "sip:alice@example.org"])
    s.add("bob", mail="bob@example.org", department="Sales")
    s.add("carol", mail="carol@example.org", department="Law, and order")
    s.add("dave", mail="dave@example.org")    # in no department
    return s


@pytest.fixture
def synced(site, slapd):
    """A site with the directory in its configuration."""
    site.write_conf(**slapd.settings(site))
    return site


def members(site):
    rows = site.rows("SELECT d.name, m.mailbox FROM department d JOIN department_mailbox m ON m.department_id = d.id", (), "control")
    found = {}
    for name, mailbox in map(tuple, rows):
        found.setdefault(name, set()).add(mailbox.decode() if isinstance(mailbox, bytes) else mailbox)
    return found


def audited(site):
    """(detail, result) of each change by the directory."""
    rows = site.rows("SELECT i.detail, i.strength, o.result FROM audit_intent i LEFT JOIN audit_outcome o ON o.intent_id = i.id"
                     " WHERE i.action = 'department.sync' ORDER BY i.id", (), "control")
    return [tuple(r) for r in rows]


def sync(site, *options, check=True):
    return site.run("directory", "sync", *options, check=check)


FIRST = {"Sales": {"alice@example.org", "a.liddell@example.org", "bob@example.org"}, "Law, and order": {"carol@example.org"}}


def test_first_time_change_and_what_is_gone(synced, slapd):
    synced.run("department", "set", "By hand", "o@example.org")
    out = sync(synced, "--dry-run")[1]
    assert "+ a.liddell@example.org" in out and "nothing was changed" in out and list(members(synced)) == ["By hand"]
    out = sync(synced)[1]
    assert "4 people, 0 without a mailbox, 1 without a department, 0 values refused" in out
    assert "2 departments made, 0 changed, 0 unchanged; 4 mailboxes more" in out
    assert members(synced) == {"By hand": {"o@example.org"}, **FIRST}
    records = audited(synced)
    assert [(r[1], r[2]) for r in records] == [("operator", "allowed")] * 2
    assert '"department":"Sales"' in records[1][0] and "a.liddell@example.org" in records[1][0] and slapd.uri in records[1][0]
    assert "0 departments made, 0 changed, 2 unchanged" in sync(synced)[1] and len(audited(synced)) == 2

    slapd.remove("bob")
    slapd.add("erin", mail="erin@example.org", department="Sales")
    slapd.replace("carol", department="Sales")    # nobody is left in her department
    synced.add_user("ivy", "correct horse battery staple", "--department", "Sales")
    out = sync(synced)[1]
    assert "changed: Sales: 2 mailboxes more, 1 stay that are gone, in the scope of 1 account\n" in out
    kept = {**FIRST, "Sales": FIRST["Sales"] | {"erin@example.org", "carol@example.org"}}
    assert members(synced) == {"By hand": {"o@example.org"}, **kept}
    assert len(audited(synced)) == 3

    out = sync(synced, "--dry-run", "--remove", "--force")[1]
    assert "- bob@example.org" in out and members(synced)["Sales"] == kept["Sales"]
    status, _, err = sync(synced, "--remove", check=False)    # 2 of 6
    assert status == 1 and "2 of the 6 mailboxes" in err and members(synced)["Sales"] == kept["Sales"]
    synced.write_conf(directory__remove_max="40")
    assert "2 fewer" in sync(synced, "--remove")[1]
    assert members(synced) == {"By hand": {"o@example.org"},
                               "Sales": {"alice@example.org", "a.liddell@example.org", "erin@example.org", "carol@example.org"}}
    slapd.remove("erin")
    synced.write_conf(directory__remove_max="0")
    assert sync(synced, "--remove", check=False)[0] == 1
    sync(synced, "--remove", "--force")
    assert "erin@example.org" not in members(synced)["Sales"]


def test_department_made_by_hand_becomes_the_directorys(synced):
    synced.run("department", "set", "Law, and order", "carol@example.org", "old@example.org")
    assert "it is the directory's from now on" in sync(synced)[1]
    assert members(synced)["Law, and order"] == {"carol@example.org", "old@example.org"}
    sync(synced, "--remove", "--force")
    assert members(synced)["Law, and order"] == {"carol@example.org"}


def test_start_tls(synced, slapd):
    synced.write_conf(directory__uri=slapd.starttls_uri)
    sync(synced)
    assert members(synced) == FIRST
    assert "ok:      directory lets us read" in synced.run("check", check=False)[1]


def test_who_is_not_let_in(synced, slapd):
    """Each is an error that says why, and changes nothing; `strongroom check` says the same."""
    password = synced.settings["directory.password_file"]

    def refused(status, text):
        got, _, err = sync(synced, check=False)
        assert got == status and text in err, (got, err)
        out = synced.run("check", check=False)[1]
        assert "problem: directory: " in out and text in out
        assert not members(synced)

    def write(text):
        with open(password, "w") as f:
            f.write(text)

    write("wrong\n")
    refused(1, "the password is wrong")
    write("\n")
    refused(1, "its first line is empty")
    os.chmod(password, 0o644)
    refused(1, "directory.password")
    os.chmod(password, 0o600)
    write("reader's password\n")
    other = Authority(slapd.path("other"))
    synced.write_conf(directory__ca_file=other.ca)
    refused(70, slapd.uri)
    synced.write_conf(directory__uri=slapd.starttls_uri)
    refused(70, "StartTLS(")
    synced.write_conf(directory__ca_file="")
    refused(70, "StartTLS(")
    synced.write_conf(directory__ca_file=slapd.authority.ca, directory__uri="ldaps://127.0.0.1:%d" % free_port())
    refused(70, "connect(")
    synced.write_conf(directory__uri="http://127.0.0.1")
    refused(1, "neither ldaps://host nor ldap://host")
    synced.write_conf(directory__uri=slapd.uri, directory__base="ou=nowhere," + BASE)
    refused(1, "No such object")
    synced.write_conf(directory__base=PEOPLE)
    sync(synced)
    assert members(synced) == FIRST


def test_certificate_of_another_host(synced, slapd):
    slapd.stop()
    slapd.names = "DNS:ldap.example.org"
    slapd.start()
    for uri in (slapd.uri, slapd.starttls_uri):
        synced.write_conf(directory__uri=uri)
        assert sync(synced, check=False)[0] == 70 and not members(synced)


def test_environment_and_files_of_others_do_not_count(synced, slapd):
    """What ldap.conf(5) reads could turn the look at the certificate off."""
    synced.write_conf(directory__ca_file=Authority(slapd.path("other")).ca)
    rc = synced.path("ldaprc")
    with open(rc, "w") as f:
        f.write("TLS_REQCERT never\n")
    env = {"LDAPTLS_REQCERT": "never", "LDAPTLS_CACERT": slapd.authority.ca, "LDAPCONF": rc, "LDAPRC": rc, "HOME": synced.dir}
    assert synced.run("directory", "sync", check=False, env=env)[0] == 70 and not members(synced)


def test_server_that_says_nothing(synced, slapd):
    synced.write_conf(directory__timeout="1s", directory__uri=slapd.starttls_uri)
    slapd.pause()
    status, _, err = sync(synced, check=False)
    assert status == 70 and ("Timed out" in err or "Can't contact LDAP server" in err)    # by what was waited for
    synced.write_conf(directory__uri=slapd.uri)
    assert sync(synced, check=False)[0] == 70 and not members(synced)


def test_more_than_a_page(synced, slapd):
    slapd.stop()
    slapd.load("".join(slapd.person("p%d" % i, mail="p%d@example.org" % i, department="Works") for i in range(1203)))
    slapd.start()
    assert "1207 people" in sync(synced)[1]
    assert len(members(synced)["Works"]) == 1203
    # A server that gives a part only is an error, and what it gave does not count.
    slapd.stop()
    slapd.limits = "sizelimit size.soft=500 size.hard=500 size.prtotal=700"
    slapd.start()
    slapd.add("late", mail="late@example.org", department="Late")
    status, _, err = sync(synced, "--remove", "--force", check=False)
    assert status == 1 and "paged results" in err
    assert len(members(synced)["Works"]) == 1203 and "Late" not in members(synced)


def test_garbage(synced, slapd):
    synced.write_conf(directory__department_attribute="rawDepartment")
    slapd.add("good", mail="good@example.org", rawDepartment="Gr\u00fcn")
    slapd.add("bytes", mail="bytes@example.org", rawDepartment=b"\xff\xfe", proxyAddresses=[b"smtp:\xff@example.org", b"smtp:nul\0@example.org",
              b"smtp:line\nbreak@example.org", "smtp:nobody", "smtp:@example.org", "smtp:bytes2@example.org"])
    slapd.add("huge", mail="huge@example.org", rawDepartment=["Gr\u00fcn", "x" * 1000000], proxyAddresses=["smtp:" + "y" * 1000000 + "@example.org"])
    status, out, err = sync(synced, check=False)
    assert status == 1 and not err
    assert members(synced) == {"Gr\u00fcn": {"good@example.org", "huge@example.org"}}
    assert out.count("refused: uid=bytes,") == 6 and out.count("refused: uid=huge,") == 2
    assert 'refused: uid=bytes,%s: "smtp:line?break@example.org" is no mailbox' % PEOPLE in out
    assert max(len(line) for line in out.splitlines()) < 250 and "\ufffd" not in out
    # Whose departments can't be read stays where it is, also with --remove.
    slapd.replace("good", rawDepartment=b"\xff")
    assert sync(synced, "--remove", "--force", check=False)[0] == 1
    assert members(synced) == {"Gr\u00fcn": {"good@example.org", "huge@example.org"}}


def test_nobody_found_is_an_error(synced):
    sync(synced)
    synced.write_conf(directory__filter="(mail=*@nowhere.example)")
    status, _, err = sync(synced, "--remove", "--force", check=False)
    assert status == 1 and "of 0 people nobody" in err and members(synced) == FIRST
    synced.write_conf(directory__filter="(mail=*")
    assert sync(synced, check=False)[0] == 1


def test_groups(synced, slapd):
    """Without a look at the groups, of which there is none."""
    synced.write_conf(directory__department_attribute="groupNames", directory__group_base="OU=Departments, DC=example,dc=org",
                      directory__nested_groups="no")
    slapd.replace("alice", groupNames=["cn=Sales\\, west," + GROUPS, "cn=printers,ou=groups," + BASE])
    slapd.replace("bob", groupNames=["cn=printers,ou=groups," + BASE])
    slapd.replace("carol", groupNames=["CN=Law,OU=Europe,OU=departments,DC=example,DC=org"])
    sync(synced)
    assert members(synced) == {"Sales, west": {"alice@example.org", "a.liddell@example.org"}, "Law": {"carol@example.org"}}


def group(name, base=GROUPS):
    return "cn=%s,%s" % (name, base)


def people(*names):
    return ["uid=%s,%s" % (name, PEOPLE) for name in names]


ALICE, BOB, CAROL = {"alice@example.org", "a.liddell@example.org"}, {"bob@example.org"}, {"carol@example.org"}


def test_groups_in_groups(synced, slapd):
    """Two deep, by way of a group that is no department; in each other; twice in the same."""
    synced.write_conf(directory__department_attribute="memberOf", directory__group_base=GROUPS)
    slapd.add_group(group("Inside Sales"), *people("bob"))
    slapd.add_group(group("team", OTHER_GROUPS), group("Inside Sales"), *people("carol"))
    slapd.add_group(group("Sales"), group("team", OTHER_GROUPS), *people("alice", "bob"))
    slapd.add_group(group("North"), group("Sales"))
    slapd.add_group(group("South"), group("North"))
    slapd.change("dn: %s\nchangetype: modify\nadd: member\nmember: %s\n\n" % (group("North"), group("South")))
    sync(synced)
    assert members(synced) == {"Inside Sales": BOB, **{name: ALICE | BOB | CAROL for name in ("Sales", "North", "South")}}
    synced.write_conf(directory__nested_groups="no")
    sync(synced, "--remove", "--force")
    assert {name: m for name, m in members(synced).items() if m} == {"Inside Sales": BOB, "Sales": ALICE | BOB}


def test_many_groups_on_many_pages(synced, slapd):
    synced.write_conf(directory__department_attribute="memberOf", directory__group_base=GROUPS)
    slapd.stop()
    slapd.load("".join(slapd.person("p%d" % i, mail="p%d@example.org" % i) for i in range(1203)))
    slapd.start()
    for i in range(12):
        slapd.add_group(group("g%d" % i, OTHER_GROUPS), *people(*("p%d" % n for n in range(i, 1203, 12))))
    slapd.add_group(group("Works"), *(group("g%d" % i, OTHER_GROUPS) for i in range(12)))
    assert "1207 people" in sync(synced)[1]
    assert len(members(synced)["Works"]) == 1203


def test_group_that_cannot_be_read(synced, slapd):
    """One that is gone, or hidden from the account: who is in what is not known, and nothing is changed."""
    synced.write_conf(directory__department_attribute="groupNames", directory__group_base=GROUPS)
    slapd.add_group(group("Law"), *people("carol"))
    slapd.add_group(group("team", OTHER_GROUPS), *people("alice"), groupNames=group("Law"))
    slapd.add_group(group("hidden", OTHER_GROUPS), *people("alice"))
    slapd.replace("alice", groupNames=group("team", OTHER_GROUPS))
    slapd.replace("carol", groupNames=group("Law"))
    sync(synced)
    before = {"Law": ALICE | CAROL}
    assert members(synced) == before
    slapd.replace("bob", groupNames=group("Law"))
    for name in (group("vanished", OTHER_GROUPS), group("hidden", OTHER_GROUPS)):
        slapd.change("dn: %s\nchangetype: modify\nreplace: groupNames\ngroupNames: %s\n\n" % (group("team", OTHER_GROUPS), name))
        status, _, err = sync(synced, "--remove", "--force", check=False)
        assert status == 1 and "read group(%s)" % name in err and "No such object" in err and "nested_groups" in err
        assert members(synced) == before and len(audited(synced)) == 1


def test_referrals_are_not_followed(synced, slapd):
    away = "ldap://127.0.0.1:%d/ou=away,%s" % (free_port(), BASE)
    argv = "dn: ou=away,%s\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\nref: %s\n\n" % (PEOPLE, away)
    slapd.change(argv)
    assert "note: 1 referrals to other servers were not followed" in sync(synced)[1]
    assert members(synced) == FIRST


def test_deploy(synced, slapd):
    out = synced.run("check", "--deploy", check=False)[1]
    assert "D341 ok:" in out and "D342 ok:" in out and "D343 ok:" in out
    os.chmod(synced.settings["directory.password_file"], 0o644)
    synced.write_conf(directory__uri="ldap://127.0.0.1/dc=example", directory__remove_max="100")
    out = synced.run("check", "--deploy", check=False)[1]
    assert "D341 error:" in out and "D342 error:" in out and "D343 warning:" in out


def test_command_line(site):
    for argv, status, text in ((["directory"], 2, "say: directory sync"), (["directory", "sync", "--force"], 2, "--force is for --remove"),
                               (["directory", "sync"], 2, "there is no directory")):
        got, _, err = site.run(*argv, check=False)
        assert got == status and text in err
