# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds leaky.c, an extension, with the headers of an interpreter."""
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
CC = os.environ.get("CC", "cc").split()


def build(python, folder):
    """The extension; None and why not."""
    probe = subprocess.run(
        [python.path, "-c", "import sys, sysconfig as s;"
         "sys.stdout.write(s.get_paths()['include'])"],
        stdout=subprocess.PIPE, text=True)
    include = probe.stdout
    if not os.path.exists(os.path.join(include, "Python.h")):
        return None, "no Python.h in " + include
    if not shutil.which(CC[0]):
        return None, "no C compiler"
    library = os.path.join(folder, "leaky.so")
    words = ["-m32"] if python.words else []
    made = subprocess.run(
        CC + words + ["-shared", "-fPIC", "-g", "-O1", "-w", "-I" + include,
                      os.path.join(HERE, "leaky.c"), "-o", library],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return (None, made.stdout) if made.returncode else (library, "")
