# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of an interpreter that can be stripped, and taken away."""
import os
import re
import shutil
import subprocess

import pythons
from target import Cannot


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def libraries(path):
    """Its libpython, by name and place."""
    listed = subprocess.run(["ldd", path], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True).stdout
    return re.findall(r"(libpython\S+) => (/\S+)", listed)


def prefix(python):
    return subprocess.run(
        [python.path, "-c", "import sys; print(getattr(sys, 'base_prefix', "
         "sys.prefix))"], stdout=subprocess.PIPE, text=True).stdout.strip()


def copy(python, folder):
    """A Python in FOLDER that is PYTHON in all but its place."""
    os.mkdir(folder)
    program = os.path.realpath(python.program)
    if not is_elf(program):
        raise Cannot("%s is no program" % program)
    place = shutil.copy(program, folder)
    for name, library in libraries(program):
        shutil.copy(os.path.realpath(library), os.path.join(folder, name))
    path = place
    if not is_elf(python.path):     # a script that names it: one that names us
        with open(python.path) as file:
            text = file.read()
        if program not in text:
            raise Cannot("%s does not name %s" % (python.path, program))
        path = folder + ".sh"
        with open(path, "w") as file:
            file.write(text.replace(program, place))
        os.chmod(path, 0o755)
    made = pythons.Python(path, place, python.version, python.flavour,
                          python.words)
    made.environment = {"PYTHONHOME": prefix(python),
                        "LD_LIBRARY_PATH": folder}
    return made


def strip(python):
    """Leave only .dynsym in the files of a copy."""
    folder = os.path.dirname(python.program)
    if not shutil.which("strip"):
        raise Cannot("there is no strip (binutils)")
    for name in os.listdir(folder):
        told = subprocess.run(["strip", "-s", os.path.join(folder, name)],
                              stderr=subprocess.PIPE, text=True)
        if told.returncode:
            raise Cannot("strip: " + told.stderr.strip())
