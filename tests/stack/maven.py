"""Java servers whose jars Maven fetches, once, into the cache folder that all tests share."""
import contextlib
import fcntl
import glob
import hashlib
import os
import re
import subprocess

from . import Missing
from .cache import asked_once, cache_dir
from .process import Failed, find_program

JAVA_MIN = 17

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>strongroom</groupId><artifactId>stack</artifactId><version>1</version>
<dependencies>%s</dependencies>
</project>
"""
DEPENDENCY = "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n"


@contextlib.contextmanager
def locked(folder):
    """One process at a time fetches into a folder."""
    with open(os.path.join(folder, "lock"), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def java_program(name="java"):
    """Full path of java or javac of a version that the servers run on."""
    program = find_program(name)
    if not program:
        raise Missing("%s is not installed (package default-jdk-headless)" % name)
    said = subprocess.run([program, "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
    version = re.search(r'(?:version "|javac )(\d+)', said)
    if not version or int(version[1]) < JAVA_MIN:
        raise Missing("%s is older than version %d" % (program, JAVA_MIN))
    return program


@asked_once
def class_path(name, artifacts, without=None):
    """The jars (a class path) of ["group:artifact:version", …] with what they need; those whose file name matches `without`
    are left out. Missing says why they can't be had."""
    folder = cache_dir(name)
    known = os.path.join(folder, "class-path." + hashlib.sha256(" ".join(artifacts).encode()).hexdigest()[:16])
    with locked(folder):
        if not os.path.exists(known) or not all(os.path.exists(p) for p in read(known)):
            fetch(folder, known, artifacts)
    return [p for p in read(known) if not (without and re.search(without, os.path.basename(p)))]


def read(path):
    with open(path) as f:
        return f.read().strip().split(":")


def fetch(folder, known, artifacts):
    mvn = find_program("mvn")
    if not mvn:
        raise Missing("mvn is not installed (package maven)")
    pom = os.path.join(folder, "pom.xml")
    with open(pom, "w") as f:
        f.write(POM % "".join(DEPENDENCY % tuple(a.split(":")) for a in artifacts))
    try:
        r = subprocess.run([mvn, "-q", "-B", "-f", pom, "-Dmaven.repo.local=" + cache_dir("m2"), "dependency:build-classpath",
                            "-Dmdep.outputFile=" + known + ".new"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=1200)
    except subprocess.TimeoutExpired as e:
        raise Missing("Maven can't fetch %s: %s" % (artifacts[0], e))
    if r.returncode:
        said = r.stdout.decode("utf-8", "replace").strip()
        why = re.search(r"(?m)^\[ERROR\] (\S.*?)(?: -> \[Help \d+\])?$", said)
        raise Missing("Maven can't fetch %s: %s (where it gets libraries stands in ~/.m2/settings.xml)" %
                      (artifacts[0], why[1] if why else said[-300:]))
    os.rename(known + ".new", known)


def compiled(name, source, jars):
    """The folder with the classes of one Java source file, compiled once for each of its states."""
    with open(source, "rb") as f:
        out = os.path.join(cache_dir(name), "classes." + hashlib.sha256(f.read() + ":".join(jars).encode()).hexdigest()[:16])
    with locked(cache_dir(name)):
        if not glob.glob(os.path.join(out, "**", "*.class"), recursive=True):
            r = subprocess.run([java_program("javac"), "-nowarn", "-d", out, "-cp", ":".join(jars), source], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if r.returncode:
                raise Failed("javac %s ended with %d:\n%s" % (source, r.returncode, r.stdout.decode("utf-8", "replace")[-3000:]))
    return out
