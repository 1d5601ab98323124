# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts Python programs that wait, and GDB on them; speaks TAP.

Nothing here waits for a time to pass: a debuggee says when it is ready, GDB
says when it has read a command (its prompt).  Deadlines only end a hang."""

import atexit
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "live"))

import debuggers  # noqa: E402

TOP = os.environ.get("abs_top_srcdir", os.path.dirname(os.path.dirname(HERE)))
BUILD = os.environ.get("abs_top_builddir", os.path.join(TOP, "build"))
SCRIPT = os.path.join(BUILD, "gdbinit", "pymortem.gdb")
GDB = os.environ.get("GDB") or shutil.which("gdb")
PYTHON = os.environ.get("PM_TEST_PYTHON") or os.path.realpath(sys.executable)
DEADLINE = 60  # seconds until something that hangs is given up

WORK = tempfile.mkdtemp(prefix="pymortem-test-")
atexit.register(shutil.rmtree, WORK, True)


# ---- TAP ----

_count = 0
_failed = 0


def ok(condition, name, detail=""):
    global _count, _failed
    _count += 1
    print("%s %d - %s" % ("ok" if condition else "not ok", _count, name))
    if not condition:
        _failed += 1
        for line in str(detail).splitlines()[-40:]:
            print("#   " + line)
    sys.stdout.flush()
    return bool(condition)


def equal(got, want, name):
    return ok(got == want, name, "got:  %r\nwant: %r" % (got, want))


def contains(text, part, name):
    return ok(part in text, name, "not in there: %r\n%s" % (part, text))


def skip(name, why):
    global _count
    _count += 1
    print("ok %d - %s # SKIP %s" % (_count, name, why))


def skip_all(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


def done():
    print("1..%d" % _count)
    sys.exit(1 if _failed else 0)


# ---- programs to look at ----

WAIT_C = r"""
#include <unistd.h>

struct box { void *object; char text[8]; };

/* Says that it is there, then sleeps until somebody writes. */
static int wait_inner(void *object, int say, int until)
{
	struct box box = { object, "box" };
	struct box *pointer = &box;
	char c = 'r';
	int bytes = 0;
	bytes += (int)write(say, &c, 1);
	bytes += (int)read(until, &c, 1);
	return bytes + (pointer->object != object);
}

int wait_here(void *object, int say, int until)
{
	int result = wait_inner(object, say, until);
	return result;
}

volatile char sink[1 << 16];
"""

MAIN_PY = r"""
import ctypes, os, sys, threading
lib = ctypes.CDLL(sys.argv[1])
lib.wait_here.argtypes = [ctypes.py_object, ctypes.c_int, ctypes.c_int]
say, until, threads = [int(a) for a in sys.argv[2:5]]
exec(sys.argv[5])
box = ["the box", {"key": "value"}, 12345678901234567890]
print(id(box), flush=True)
for i in range(threads):
    threading.Thread(target=lib.wait_here, args=(box, say, until)).start()
lib.wait_here(box, say, until)
"""


def library():
    path = os.path.join(WORK, "libwait.so")
    if not os.path.exists(path):
        source = os.path.join(WORK, "wait.c")
        with open(source, "w") as f:
            f.write(WAIT_C)
        cc = (os.environ.get("CC") or "cc").split()
        subprocess.run(cc + ["-g", "-O0", "-shared", "-fPIC", "-o", path,
                             source], check=True)
    return path


class Program:
    """A Python that waits in wait_inner() of each of its threads."""

    def __init__(self, setup="", threads=0, python=PYTHON, env=None):
        say_r, say_w = os.pipe()
        until_r, until_w = os.pipe()
        self.until = until_w
        self.threads = threads
        self.process = subprocess.Popen(
            [python, "-S", "-c", MAIN_PY, library(), str(say_w), str(until_r),
             str(threads), setup], pass_fds=(say_w, until_r),
            stdout=subprocess.PIPE, env=dict(os.environ, **(env or {})))
        os.close(say_w)
        os.close(until_r)
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the program did not start")
        self.box = int(line)
        for _ in range(threads + 1):
            if os.read(say_r, 1) != b"r":
                raise RuntimeError("the program is gone")
        os.close(say_r)
        # "r" was written before the read that we want to see it in.
        for tid in os.listdir("/proc/%d/task" % self.pid):
            self._until_asleep(tid)

    def _until_asleep(self, tid):
        end = time.monotonic() + DEADLINE
        path = "/proc/%d/task/%s/syscall" % (self.pid, tid)
        while time.monotonic() < end:
            with open(path) as f:
                if f.read().startswith("0 "):  # read
                    return
            os.sched_yield()
        raise RuntimeError("the program does not wait")

    def finish(self):
        """Lets it go on; its exit status."""
        os.write(self.until, b"x" * (self.threads + 1))
        os.close(self.until)
        self.process.stdout.close()
        return self.process.wait(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def core_of(program, name="core"):
    path = os.path.join(WORK, name)
    gdb(["gcore " + path], program.pid, script=None)
    return path if os.path.exists(path) else None


# ---- GDB ----

class Run:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.text = out + err


QUIET = ["-q", "-nx", "-iex", "set auto-load off", "-iex", "set confirm off"]
# Without its variable GDB asks no debuginfod; a GDB that has none says so when
# it is told not to.
os.environ.pop("DEBUGINFOD_URLS", None)


def gdb(commands, pid=None, core=None, exe=None, script=SCRIPT, before=(),
        binary=None, args=(), env=None, **kw):
    """gdb -batch; every command is an -ex."""
    line = [binary or GDB, "-batch"] + QUIET
    for c in before:
        line += ["-ex", c]
    line += args
    if script:
        line += ["-x", script]
    if exe:
        line += [exe]
    if pid:
        line += ["-p", str(pid)]
    if core:
        line += ["-c", core]
    for c in commands:
        line += ["-ex", c]
    p = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=DEADLINE,
                       env=dict(os.environ, TERM="dumb", **(env or {})), **kw)
    return Run(p.returncode, p.stdout.decode("utf-8", "replace"),
               p.stderr.decode("utf-8", "replace"))


class Terminal:
    """An interactive GDB on a terminal."""
    PROMPT = b"(gdb) "

    def __init__(self, args=(), binary=None, rows=24, columns=200,
                 term="dumb", script=SCRIPT):
        line = [binary or GDB] + QUIET + ["-iex", "set width %d" % columns,
                                          "-iex", "set height 0"]
        if script:
            line += ["-x", script]
        line += args
        try:
            self.pid, self.fd = pty.fork()
        except OSError as e: # a bare chroot has no /dev/pts
            skip("GDB on a terminal", "no terminal can be had: %s" % e)
            done()
        if not self.pid:
            os.environ["TERM"] = term
            os.execvp(line[0], line)
        self.pending = b""
        try:
            self.read_until(self.PROMPT)
        except RuntimeError:
            self._reap()
            raise

    def read_until(self, *marks):
        """All up to the first of the marks (regular expressions or bytes)."""
        end = time.monotonic() + DEADLINE
        patterns = [m if isinstance(m, re.Pattern) else
                    re.compile(re.escape(m)) for m in marks]
        while True:
            for p in patterns:
                m = p.search(self.pending)
                if m:
                    text = self.pending[:m.start()]
                    self.pending = self.pending[m.end():]
                    return text.decode("utf-8", "replace")
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise RuntimeError("GDB does not answer: %r" % self.pending)
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                part = b""
            if not part:
                raise RuntimeError("GDB is gone: %r" % self.pending)
            self.pending += part

    def send(self, text):
        os.write(self.fd, text.encode())

    def command(self, text):
        self.send(text + "\n")
        return self.read_until(self.PROMPT).replace("\r\n", "\n")

    def close(self):
        try:
            self.send("detach\nquit\n")
            while select.select([self.fd], [], [], DEADLINE)[0] \
                    and os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        self._reap()

    def _reap(self):
        if self.pid:
            os.close(self.fd)
            pid, self.pid = self.pid, 0
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(pid, 0)

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        if kind:  # a failed test: GDB may be anywhere
            self._reap()
        elif self.pid:
            self.close()


def gdb_minimal():
    """Debian's gdb-minimal, unpacked beside the build; None when there is
    none to be had."""
    for name in ("gdb-minimal",):
        path = shutil.which(name)
        if path:
            return path
    folder = os.path.join(TOP, ".testbed", "gdb-minimal")
    path = os.path.join(folder, "usr", "bin", "gdb")
    if os.path.exists(path):
        return path
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return None
    os.makedirs(folder, exist_ok=True)
    try:
        subprocess.run(["apt-get", "download", "gdb-minimal"], cwd=folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=DEADLINE, check=True)
        for deb in os.listdir(folder):
            if deb.endswith(".deb"):
                subprocess.run(["dpkg", "-x", deb, "."], cwd=folder,
                               check=True)
                os.unlink(os.path.join(folder, deb))
    except (subprocess.SubprocessError, OSError):
        return None
    return path if os.path.exists(path) else None


def gdbserver():
    """That of the GDB under test; GDBSERVER names another."""
    return os.environ.get("GDBSERVER") or debuggers.server_of(GDB)


def commands(binary=None):
    """The names of our commands, as GDB completes them."""
    return gdb(["complete py-"], binary=binary).out.split()


def has(command):
    return command in commands()


def document(text):
    """The JSON document that a command printed, other lines dropped."""
    start = text.index('{"command"')
    return json.JSONDecoder().raw_decode(text[start:])[0]


if not GDB:
    skip_all("no gdb")
if not os.path.exists(SCRIPT):
    skip_all("nothing built")
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
