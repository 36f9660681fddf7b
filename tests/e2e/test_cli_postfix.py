"""strongroom check --postfix: what it says of configurations that Postfix itself reads, and that its remedies mend them."""
import os
import shutil
import subprocess

import pytest

MAIN = """compatibility_level = 3.6
queue_directory = {dir}
data_directory = {dir}
mail_owner = {owner}
smtpd_milters = {milter}
non_smtpd_milters = $smtpd_milters
milter_default_action = tempfail
enable_long_queue_ids = yes
internal_mail_filter_classes = bounce
"""
MASTER = """smtp inet n - n - - smtpd
submission inet n - n - - smtpd -o syslog_name=postfix/submission
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
"""


@pytest.fixture
def configure(site):
    if not shutil.which("postconf", path="/usr/sbin:/usr/bin"):
        pytest.skip("Postfix is not installed")
    folder = site.path("postfix")
    os.makedirs(folder)

    def make(more="", master=MASTER):
        with open(os.path.join(folder, "main.cf"), "w") as f:
            f.write(MAIN.format(dir=folder, owner="postfix", milter=site.milter_address) + more)
        with open(os.path.join(folder, "master.cf"), "w") as f:
            f.write(master)
        for name in os.listdir(folder):
            os.chmod(os.path.join(folder, name), 0o644)
        return folder
    return make


def look(site, folder):
    """Problems, notes and remedies about Postfix, which would wait until its main.cf is two seconds old."""
    os.utime(os.path.join(folder, "main.cf"), (0, 0))
    status, out, _ = site.run("check", "--postfix", folder, check=False)
    lines = [line for line in out.splitlines() if "Postfix" in line and not line.startswith("ok:")]
    remedies = [line.split("remedy: ", 1)[1] for line in out.splitlines() if "remedy: " in line]
    assert status == (1 if any(line.startswith("problem: ") for line in lines) else 0), out
    return lines, remedies


def test_right_configuration(site, configure):
    assert look(site, configure()) == ([], [])


@pytest.mark.parametrize("more, master, says", [
    ("milter_default_action = accept\n", MASTER, "milter_default_action is accept"),
    ("smtpd_milters =\n", MASTER, "smtp/inet: smtpd_milters (now empty) does not name strongroom-milter"),
    ("non_smtpd_milters =\n", MASTER, "cleanup/unix: non_smtpd_milters (now empty) does not name"),
    ("enable_long_queue_ids = no\n", MASTER, "enable_long_queue_ids is no"),
    ("milter_protocol = 4\n", MASTER, "milter_protocol is 4"),
    ("milter_content_timeout = 10s\n", MASTER, "milter_content_timeout is 10s"),
    ("message_size_limit = 0\n", MASTER, "message_size_limit is 0"),
    ("receive_override_options = no_milters\n", MASTER, "receive_override_options is no_milters"),
    ("", MASTER.replace("-o syslog_name=postfix/submission", "-o receive_override_options=no_milters"),
     "submission/inet: receive_override_options is no_milters"),
    ("", MASTER.replace("-o syslog_name=postfix/submission", "-o smtpd_milters="), "submission/inet: smtpd_milters (now empty)"),
    ("", MASTER.replace("-o syslog_name=postfix/submission", "-o { milter_default_action = accept }"),
     "submission/inet: milter_default_action is accept"),
    ("mine = no\nenable_long_queue_ids = $mine\n", MASTER, "enable_long_queue_ids is no"),
])
def test_each_fault_is_found_and_its_remedy_mends_it(site, configure, more, master, says):
    folder = configure(more, master)
    lines, remedies = look(site, folder)
    assert any(line.startswith("problem: Postfix") and says in line for line in lines), lines
    for remedy in dict.fromkeys(remedies):
        command, _, reload = remedy.partition(" && ")
        assert reload == "postfix -c %s reload" % folder
        subprocess.run(command, shell=True, check=True, capture_output=True,
                       env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    assert look(site, folder) == ([], [])


def test_chroot_hides_the_socket(new_site, configure):
    master = MASTER.replace("smtp inet n - n", "smtp inet n - y")
    site = new_site(milter="unix")
    site.init()
    folder = configure("smtpd_milters = %s\n" % site.milter_address, master)
    site.start("milter")
    os.chmod(site.milter_path, 0o666)
    lines, _ = look(site, folder)
    assert len(lines) == 1 and "smtp/inet: runs chrooted" in lines[0]


def milter_lines(site, folder):
    lines, remedies = look(site, folder)
    return [line for line in lines if "the milter's socket" in line], remedies


def test_socket_that_postfix_can_not_use(new_site, configure):
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory to Postfix's group")
    site = new_site(milter="unix")
    site.write_conf(milter__listen="unix:" + site.path("door", "milter.sock"))
    site.milter_path = site.path("door", "milter.sock")
    site.init()
    folder = configure("smtpd_milters = %s\n" % site.milter_address)
    lines, _ = milter_lines(site, folder)
    assert len(lines) == 1 and lines[0].startswith("note: ") and "is not there" in lines[0]
    site.start("milter")
    lines, remedies = milter_lines(site, folder)
    assert len(lines) == 1 and lines[0].startswith("problem: ") and "its account postfix can't use" in lines[0]
    command, _, rest = remedies[0].partition(", ")
    assert rest == "and restart strongroom-milter"
    subprocess.run(command, shell=True, check=True)
    site.stop("milter")
    site.start("milter")
    assert look(site, folder) == ([], [])


def test_no_postfix_there(site):
    status, out, _ = site.run("check", "--postfix", site.path("nowhere"), check=False)
    assert status == 1 and "postconf -c %s" % site.path("nowhere") in out
