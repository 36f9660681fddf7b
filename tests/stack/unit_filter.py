#!/usr/bin/python3
"""unit_filter UNIT USER PROGRAM [ARGUMENT…]: runs a program as a service of systemd would: as USER, without capabilities and
under the unit's SystemCallFilter. Exit status 69 where the filter can't be had."""
import ctypes
import errno
import os
import pwd
import subprocess
import sys

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
PR_SET_NO_NEW_PRIVS = 38


def groups():
    """{"@group": [names of system calls and other groups]}, as this release's systemd has them."""
    out = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], stdout=subprocess.PIPE, check=True).stdout.decode()
    found, name = {}, None
    for line in out.splitlines():
        if line.startswith("@"):
            name = line.strip()
            found[name] = []
        elif name and line.startswith("    ") and not line.strip().startswith("#"):
            found[name].append(line.strip())
    return found


def expand(words, known):
    calls = set()
    for word in words:
        calls |= expand(known[word], known) if word.startswith("@") else {word}
    return calls


def allowed(unit):
    """The system calls that a unit allows: a list of those allowed, then lists (with ~) of those taken away again."""
    known, calls = groups(), set()
    with open(unit) as f:
        for line in f:
            key, _, value = line.strip().partition("=")
            if key == "SystemCallFilter" and value.startswith("~"):
                calls -= expand(value[1:].split(), known)
            elif key == "SystemCallFilter":
                calls |= expand(value.split(), known)
    return calls | {"execve"}  # systemd lets the service begin


def load(calls):
    lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    lib.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(REFUSE)))
    for name in sorted(calls):
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number >= 0 and lib.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, 0):
            raise OSError("seccomp_rule_add(%s) failed" % name)
    if lib.seccomp_load(context):
        raise OSError("seccomp_load failed")


def main(unit, user, program, *arguments):
    try:
        calls = allowed(unit)
    except (OSError, subprocess.CalledProcessError) as e:
        print("unit_filter: %s" % e, file=sys.stderr)
        return 69
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
        os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError("prctl failed")
    load(calls)
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
