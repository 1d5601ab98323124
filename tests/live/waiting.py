# SPDX-License-Identifier: GPL-3.0-or-later
"""What the live tests of waste share: a program that says what it knows in a
line of JSON and waits, and a loop over the interpreters."""
import json
import os
import shutil
import subprocess
import tempfile

import gdbpipe
import pythons
from target import READS


class Report:
    number = failed = 0

    def test(self, name, wrong):
        self.number += 1
        self.failed += bool(wrong)
        print("%sok %d - %s" % ("not " if wrong else "", self.number, name))
        for line in wrong[:12]:
            print("#   " + line.replace("\n", "\n#   "), flush=True)

    def skip(self, why):
        self.number += 1
        print("ok %d # SKIP %s" % (self.number, why))


class Program:
    """A Python that said what it knows (.truth) and waits in a read."""

    def __init__(self, python, text, environment=(), given=b""):
        env = pythons.environment()
        env.update(environment)
        self.process = subprocess.Popen(
            [python.path, "-S", "-B", "-c", text], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=env)
        self.process.stdin.write(given)
        self.process.stdin.flush()
        self.pid = self.process.pid
        self.read()

    def read(self):
        """What it says next, once it waits again."""
        line = self.process.stdout.readline()
        if not line:
            raise ValueError("the program said nothing")
        self.truth = json.loads(line)
        while True:     # it waits once it is in the read
            with open("/proc/%d/syscall" % self.pid) as file:
                call = file.read().split()
            if call[0] in READS and int(call[1], 16) == 0:
                break
            if self.process.poll() is not None:
                raise ValueError("the program ended")
            os.sched_yield()

    def go_on(self):
        """What it says when its read is answered."""
        self.process.stdin.write(b"w")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def next_stop(self):
        """Its read is answered, and it waits in the next one."""
        self.process.stdin.write(b"w")
        self.process.stdin.flush()
        self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def main(one_python, wanted):
    """one_python(report, python, folder) for each that is wanted by name."""
    report = Report()
    found, skipped = pythons.find()
    for why in skipped:
        print("# left out: " + why)
    if not found:
        report.skip("no interpreter to test with")
    if not os.path.exists(gdbpipe.SCRIPT) or not shutil.which(gdbpipe.GDB):
        report.skip("no GDB, or nothing built")
        found = []
    for python in found:
        if wanted and python.name() not in wanted:
            continue
        folder = tempfile.mkdtemp(prefix="pymortem-waste-")
        try:
            one_python(report, python, folder)
        except (ValueError, EOFError) as error:
            report.test(python.name() + ": runs through", [str(error)])
        finally:
            shutil.rmtree(folder)
    print("1..%d" % report.number)
    return 1 if report.failed else 0
