"""Where what tests fetch once is kept: $STRONGROOM_TEST_CACHE, else build/cache."""
import contextlib
import fcntl
import functools
import os
import shutil
import subprocess

from . import Missing
from .process import tail

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def cache_dir(*parts):
    """A folder in the cache, made when it isn't there."""
    path = os.path.join(os.environ.get("STRONGROOM_TEST_CACHE") or os.path.join(TOP, "build/cache"), *parts)
    os.makedirs(path, exist_ok=True)
    return path


def asked_once(get):
    """get(), which is not asked again for what was missing: a registry that does not answer takes minutes to say so."""
    missing = {}

    @functools.wraps(get)
    def ask(*args):
        if str(args) in missing:
            raise Missing(missing[str(args)])
        try:
            return get(*args)
        except Missing as e:
            missing[str(args)] = str(e)
            raise
    return ask


@asked_once
def cached(name, fetch):
    """The folder build/cache/<name>, made by fetch(folder, log) when it isn't there; whole or not at all. Missing when
    fetching fails."""
    folder = os.path.join(cache_dir(), name)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):
            return folder
        log = folder + ".log"
        part = folder + ".part"
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part)
        try:
            with open(log, "wb") as out:
                fetch(part, out)
        except (OSError, subprocess.SubprocessError) as e:
            with contextlib.suppress(OSError):
                shutil.rmtree(part)
            why = "%s ended with %d" % (e.cmd[0], e.returncode) if isinstance(e, subprocess.CalledProcessError) else e
            raise Missing("%s can't be fetched (%s): %s" % (name, why, tail(log, 3).strip()))
        os.rename(part, folder)
    return folder
