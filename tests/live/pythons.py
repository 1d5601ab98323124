# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the interpreters to test with.

PYTHONS (a path list) replaces the search; otherwise those of `pyenv root`,
each python3.N on PATH, and the system's /usr/bin/python3.  Two paths that are
one file count once.
"""
import glob
import os
import shutil
import subprocess

OLDEST = (2, 7)
PROBE = ("import sys, sysconfig as s; sys.stdout.write(','.join(["
         "sys.executable, '%d.%d.%d' % sys.version_info[:3],"
         "'d' if hasattr(sys, 'gettotalrefcount') else '',"
         "'t' if s.get_config_var('Py_GIL_DISABLED') else '',"
         "'-32-bit' if sys.maxsize < 2 ** 32 else '']))")


class Python:
    def __init__(self, path, program, version, flavour, words=""):
        self.path, self.version, self.flavour = path, version, flavour
        self.words = words      # "-32-bit"
        self.program = program  # path may be a script that runs it
        self.release = tuple(int(x) for x in version.split("."))
        self.environment = {}   # what it needs to run

    def name(self):
        where = "system" if self.path.startswith("/usr/") else \
            "debian" if "/.testbed/" in self.path else ""
        return self.version + self.flavour + (where and "-" + where) + \
            self.words


def environment():
    """Of a debuggee: what it says is the same each time.  LIVE_SEED gives it
    other hashes, and with them dicts and sets in another order."""
    return dict(os.environ, LC_ALL="C.UTF-8",
                PYTHONHASHSEED=os.environ.get("LIVE_SEED", "0"))


def candidates():
    given = os.environ.get("PYTHONS")
    if given:
        return given.split(":")
    found = []
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE,
                              text=True).stdout.strip()
        if root:
            found += sorted(glob.glob(root + "/versions/*/bin/python"))
    for folder in os.environ.get("PATH", "").split(":"):
        if "/shims" not in folder:
            found += sorted(glob.glob(folder + "/python2.7") +
                            glob.glob(folder + "/python3.[0-9]") +
                            glob.glob(folder + "/python3.[0-9][0-9]"))
    return found + ["/usr/bin/python3"]


def find(oldest=OLDEST):
    """([Python], [why one was left out]); what PYTHONS names may be older."""
    pythons, skipped, seen = [], [], set()
    for path in candidates():
        real = os.path.realpath(path)
        if real in seen or not os.access(path, os.X_OK):
            continue
        seen.add(real)
        try:
            probe = subprocess.run(
                [path, "-c", PROBE], stdout=subprocess.PIPE, text=True,
                stderr=subprocess.DEVNULL, timeout=20).stdout
            program, version, debug, threads, words = \
                probe.strip().split(",")
        except (ValueError, OSError, subprocess.TimeoutExpired):
            skipped.append("%s does not say its version" % path)
            continue
        python = Python(path, program, version, debug + threads, words)
        if python.release < oldest and not os.environ.get("PYTHONS"):
            skipped.append("%s: %s is older than any supported" %
                           (path, version))
        else:
            pythons.append(python)
    pythons.sort(key=lambda p: (p.release, p.path))
    return pythons, skipped
