# SPDX-License-Identifier: GPL-3.0-or-later
# The process under test: builds a scenario, forks its truth, and blocks.
#
# Usage: debuggee.py '{"ready": fd, "block": fd, "truth": path, "stats": path,
# "seed": n, "targets": n, "rounds": n}'.  Runs under Python 2.7 to 3.15.
#
# Each round forks by the bare system call, so no after-fork hook runs: the
# child is the heap the parent blocks with, down to the last block, and can
# take all the memory it wants to describe it (oracle.py).  The parent then
# blocks in read(2) on `block` through a FileIO and a buffer made before, so
# that nothing is allocated between the fork and the read.  The driver writes
# one byte to begin the next round.
#
# Comments, not a docstring: CPython 3.11 keeps the bytes of so long a token, and
# only C code knows where.
import ctypes
import gc
import io
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import oracle  # noqa: E402
import zoo  # noqa: E402

LIBRARY = ("argparse", "collections", "ctypes", "datetime", "decimal",
           "difflib", "email", "email.message", "fractions", "html", "inspect",
           "json", "logging", "optparse", "pickle", "pprint", "random", "re",
           "shlex", "socket", "string", "subprocess", "tarfile", "tempfile",
           "textwrap", "threading", "unittest", "uuid", "xml.dom.minidom",
           "zipfile")


class Order(object):
    def __init__(self, number):
        self.number = number
        self.lines = [Line(self, i) for i in range(number % 7)]
        self.note = "order %d" % number
        self.tags = {"kind": number % 3, "open": number % 2 == 0}


class Line(object):
    __slots__ = ("order", "price", "name")

    def __init__(self, order, number):
        self.order = order
        self.price = number * 1.25
        self.name = u"\u20ac%d" % number


def service(number):
    """Objects as a small service keeps them, some thinned out again."""
    orders = [Order(i) for i in range(number)]
    index = dict((o.note, o) for o in orders)
    for order in orders[::3]:
        del index[order.note]
    del orders[1::4]
    big = ["x" * 700 + str(i) for i in range(number // 10)]
    return orders, index, big


def waiting(lock, event):
    """A thread that is in a call several frames deep."""
    held = {"thread": "local"}
    event.set()
    with lock:
        return held


def main(options):
    if "menagerie" in options:
        import animals as generated
        animals = generated.menagerie(*options["menagerie"])
    else:
        for name in LIBRARY:
            try:
                __import__(name)
            except ImportError:
                pass
        animals = zoo.zoo_of()
    keep = service(options.get("orders", 300))
    import threading
    lock, event = threading.Lock(), threading.Event()
    lock.acquire()
    thread = threading.Thread(target=waiting, args=(lock, event))
    thread.daemon = True
    thread.start()
    event.wait()
    oracle.prepare()
    gc.collect()
    gc.disable()
    run(options, animals)
    lock.release()
    thread.join()
    living = len(keep[0]) + len(keep[1]) + len(animals.animals)
    os.write(options["ready"], ("L%d\n" % living).encode())


def run(options, animals):
    raw = io.FileIO(options["block"], "r", False)
    buf = bytearray(1)
    block = raw.readinto
    fork = ctypes.PyDLL(None).fork
    tell = oracle.tell
    dup2, stats_file = os.dup2, os.open(
        options["stats"], os.O_WRONLY | os.O_CREAT, 0o600)
    stats = getattr(sys, "_debugmallocstats", int)
    blocks = getattr(sys, "getallocatedblocks", int)
    objects = gc.get_objects
    wait, pid = os.waitpid, None
    dup2(stats_file, stats_file)    # keeps names of its arguments (3.7)
    for turn in range(options["rounds"] + 1):
        if turn < 1:
            # Once for nothing: caches of the calls below fill up now.  The
            # driver has put the byte for this read into the pipe already.
            pid = fork()
            if pid == 0:
                dup2(stats_file, 2), stats(), blocks(), objects()
                os._exit(0)
            wait(pid, 0)
            pid = None
        elif fork() == 0:
            tell(dup2(stats_file, 2), stats(), blocks(), objects(), animals,
                 options)
        block(buf)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
