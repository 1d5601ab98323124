# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives a GDB through a pipe, command by command, and times each of them."""
import json
import os
import subprocess
import time

BUILD = os.environ.get("abs_top_builddir", ".")
GDB = os.environ.get("GDB") or "gdb"
SCRIPT = os.environ.get("PYMORTEM_GDB") or os.path.join(
    BUILD, "gdbinit", "pymortem.gdb")
END = "@end-of-command@"
os.environ.pop("DEBUGINFOD_URLS", None)  # GDB is to ask nobody else


class Answer:
    def __init__(self, command, text, seconds):
        self.command, self.text, self.seconds = command, text, seconds

    def json(self):
        """The answer as a JSON document; ValueError with the text if not."""
        start = self.text.find("{")
        try:
            return json.loads(self.text[start:] if start >= 0 else "")
        except ValueError:
            raise ValueError("%s: no JSON but: %s" % (
                self.command, self.text[:400].strip() or "(nothing)"))


class Gdb:
    """One GDB.  Errors of commands are text among its output."""

    def __init__(self, *arguments, script=SCRIPT, program=GDB):
        self.process = subprocess.Popen(
            [program, "-nx", "-q", "-ex", "set prompt", "-ex", "set confirm off",
             "-ex", "set pagination off", "-ex", "set width 0",
             "-ex", "set auto-load no", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=dict(os.environ, LC_ALL="C.UTF-8"))
        self.start = self.run("echo")
        if script:
            self.start.text += self.run("source " + script).text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, command):
        self.process.stdin.write(
            ("%s\necho \\n%s\\n\n" % (command, END)).encode())

    def receive(self, command):
        lines, began = [], time.monotonic()
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise EOFError("GDB ended in %r after: %s" % (
                    command, b"".join(lines[-5:]).decode("utf-8", "replace")))
            if line.strip() == END.encode():
                break
            lines.append(line)
        return Answer(command, b"".join(lines).decode("utf-8", "replace"),
                      time.monotonic() - began)

    def run(self, command):
        """Run COMMAND; how long it took is from command to last line."""
        self.send(command)
        began = time.monotonic()
        self.process.stdin.flush()
        answer = self.receive(command)
        answer.seconds = time.monotonic() - began
        return answer

    def run_all(self, commands):
        """Run many, some ahead: the pipe holds what GDB has not read."""
        answers, ahead = [], 32
        for i, command in enumerate(commands):
            self.send(command)
            if i % ahead == ahead - 1:
                self.process.stdin.flush()
                while len(answers) < i + 1 - ahead // 2:
                    answers.append(self.receive(commands[len(answers)]))
        self.process.stdin.flush()
        while len(answers) < len(commands):
            answers.append(self.receive(commands[len(answers)]))
        return answers

    def peak(self):
        """High-water mark of GDB's resident memory in bytes."""
        return status_bytes(self.process.pid, "VmHWM")

    def resident(self):
        return status_bytes(self.process.pid, "VmRSS")

    def close(self):
        if self.process.stdin:
            try:
                self.process.stdin.close()
                self.process.wait(60)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()


LOOP = os.path.join(BUILD, "tests", "lib", "command-loop")


class Library(Gdb):
    """The same commands without a GDB, which takes longer than they do."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [LOOP, END, *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, LC_ALL="C.UTF-8"))

    def send(self, command):
        self.process.stdin.write((command + "\n").encode())


def status_bytes(pid, field):
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise KeyError(field)
