# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a debuggee, waits for its truth, and lets it go on."""
import hashlib
import json
import os
import resource
import select
import signal
import subprocess

import pythons

HERE = os.path.dirname(os.path.abspath(__file__))
READS = ("0", "3")  # the system call of x86-64, of its 32-bit programs
PATIENCE = 120


class Failure(Exception):
    pass


class Cannot(Exception):
    """This machine does not allow it."""


def let_dump(dump_filter):
    """In the debuggee before it is one: the kernel may write its core."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    if dump_filter is not None:
        with open("/proc/self/coredump_filter", "w") as file:
            file.write("%#x" % dump_filter)


class Debuggee:
    def __init__(self, python, folder, seed=1, targets=200, orders=300,
                 environment=(), explain=False, dump_filter=None,
                 menagerie=None):
        self.folder = folder
        self.truth_path = os.path.join(folder, "truth.json")
        self.stats_path = os.path.join(folder, "stats")
        ready, ready_end = os.pipe()
        block_end, block = os.pipe()
        options = {"ready": ready_end, "block": block_end,
                   "truth": self.truth_path, "stats": self.stats_path,
                   "seed": seed, "targets": targets, "rounds": 1,
                   "orders": orders, "explain": explain}
        if menagerie:
            options["menagerie"] = menagerie    # [step, seed]
        os.write(block, b"w")   # for the round of its warm-up
        env = pythons.environment()
        env.update(python.environment)
        env.update(environment)
        self.log = open(os.path.join(folder, "debuggee.log"), "w+")
        self.process = subprocess.Popen(
            [python.path, "-B", os.path.join(HERE, "debuggee.py"),
             json.dumps(options)], pass_fds=(ready_end, block_end), env=env,
            cwd=folder, preexec_fn=lambda: let_dump(dump_filter),
            stdout=self.log, stderr=self.log)
        os.close(ready_end)
        os.close(block_end)
        self.ready, self.block, self.block_end = ready, block, block_end
        self.pid = self.process.pid

    def answer(self):
        """One byte from the debuggee, or its copy, or a Failure."""
        while True:
            if select.select([self.ready], [], [], 1)[0]:
                return os.read(self.ready, 1)
            if self._copy_died():
                return b"E"

    def _copy_died(self):
        """Has the copy that computes the truth ended without a word?"""
        if self.process.poll() is not None:
            return True
        try:
            with open("/proc/%d/task/%d/children" %
                      (self.pid, self.pid)) as children:
                pids = children.read().split()
            for pid in pids:
                with open("/proc/%s/stat" % pid) as stat:
                    if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                        return not select.select([self.ready], [], [], 0)[0]
        except OSError:
            pass
        return False

    def truth(self):
        """Wait for the truth and for the process to block in its read."""
        if self.answer() != b"T":
            error = self.truth_path + ".error"
            text = open(error).read() if os.path.exists(error) else ""
            self.log.seek(0)
            raise Failure("the debuggee could not tell its truth:\n" +
                          (text or self.log.read())[-2000:])
        self.wait_blocked()
        with open(self.truth_path) as file:
            truth = json.load(file)
        with open(self.stats_path) as file:
            truth["stats"] = file.read()
        return truth

    def wait_blocked(self):
        while True:
            with open("/proc/%d/syscall" % self.pid) as file:
                call = file.read().split()
            if call[0] in READS and int(call[1], 16) == self.block_end:
                return
            if self.process.poll() is not None:
                raise Failure("the debuggee ended")
            os.sched_yield()

    def checksum(self):
        """Digests of all writable memory, to see that nobody wrote."""
        digests = {}
        with open("/proc/%d/maps" % self.pid) as maps, \
                open("/proc/%d/mem" % self.pid, "rb", 0) as memory:
            for line in maps:
                fields = line.split()
                if "w" not in fields[1] or fields[-1] == "[vvar]":
                    continue
                start, end = (int(x, 16) for x in fields[0].split("-"))
                digest = hashlib.sha256()
                digests[" ".join(fields[:2] + fields[5:])] = digest
                memory.seek(start)
                while start < end:
                    try:
                        piece = memory.read(min(end - start, 1 << 24))
                    except OSError:     # past the end of the mapped file
                        break
                    if not piece:
                        break
                    digest.update(piece)
                    start += len(piece)
        return dict((k, d.hexdigest()) for k, d in digests.items())

    def executable(self):
        """What runs: of a program run by a loader, that loader."""
        return os.readlink("/proc/%d/exe" % self.pid)

    def dump(self):
        """End it as a crash does; the path of the core the kernel wrote."""
        before = set(os.listdir(self.folder))
        self.process.send_signal(signal.SIGABRT)
        self.process.wait(PATIENCE)
        new = set(os.listdir(self.folder)) - before
        if len(new) != 1:
            with open("/proc/sys/kernel/core_pattern") as file:
                raise Cannot("the kernel leaves no core in the folder of the "
                             "process: core_pattern is %s" %
                             file.read().strip())
        return os.path.join(self.folder, new.pop())

    def finish(self):
        """Let it go on; what it says, and how it ended."""
        os.write(self.block, b"g")
        said = b""
        if select.select([self.ready], [], [], PATIENCE)[0]:
            said = os.read(self.ready, 100)
        return said.decode(), self.process.wait(PATIENCE)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for fd in (self.ready, self.block):
            os.close(fd)
        self.log.close()
