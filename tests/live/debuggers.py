#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the GDBs to test with: the system's, those that tests/live/testbed
unpacked, and those of GDBS (a path list).  As a program: prints label and path
of each."""
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BED = os.path.join(os.path.dirname(os.path.dirname(HERE)), ".testbed", "bin")


def version_of(program):
    """"16.3"; None when it does not run here."""
    try:
        told = subprocess.run([program, "--version"], text=True,
                              stdout=subprocess.PIPE, timeout=30).stdout
        return re.search(r"(\d+\.\d+)\S*\s*$", told.splitlines()[0]).group(1)
    except (OSError, subprocess.SubprocessError, AttributeError, IndexError):
        return None


def server_of(program):
    """The gdbserver that came with a GDB, else the system's of that release:
    with an older one a GDB may wait for ever.  None: there is none."""
    folder, name = os.path.split(program)
    path = os.path.join(folder, name.replace("gdb", "gdbserver"))
    if os.path.exists(path):
        return path
    path, version = shutil.which("gdbserver"), version_of(program)
    ours = path and version and version_of(path)
    return path if ours and ours.split(".")[0] == version.split(".")[0] \
        else None


class Debugger:
    def __init__(self, label, program):
        self.program = program
        self.version = version_of(program)
        self.label = label or (self.version or "?").split(".")[0]

    def server(self):
        return server_of(self.program)


def find():
    given = os.environ.get("GDBS")
    found = [Debugger("", path) for path in
             [shutil.which("gdb")] + (given.split(":") if given else [])
             if path]
    names = sorted(os.listdir(BED)) if os.path.isdir(BED) else []
    for name in names:
        label = name[len("gdb-"):]
        if name.startswith("gdb-") and label not in [g.label for g in found]:
            found.append(Debugger(label, os.path.join(BED, name)))
    return sorted((g for g in found if g.version),
                  key=lambda g: (not g.label.isdigit(), g.label))


if __name__ == "__main__":
    for gdb in find():
        sys.stdout.write("%s %s\n" % (gdb.label, gdb.program))
