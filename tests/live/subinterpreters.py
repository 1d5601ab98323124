# SPDX-License-Identifier: GPL-3.0-or-later
# The process under test: the main interpreter and two with a lock and an
# allocator of their own.  A copy of it (a bare fork) asks each for its truth,
# while the process blocks.
import ctypes
import json
import os
import sys

try:
    import _interpreters as interpreters    # 3.13
    create = interpreters.create
except ImportError:
    import _xxsubinterpreters as interpreters   # 3.12

    def create():
        return interpreters.create(isolated=True)

READY, BLOCK, FOLDER = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

# What an interpreter keeps; SIZE differs from one to the next.
FILL = """
import gc, json, os, sys, threading
class Thing(object):
    def __init__(self, number):
        self.number = number
        self.names = ["%%s-%%d" %% (NAME, number), {"n": number}]
class %(name)s(Thing):
    pass
NAME = %(name)r
keep = [%(name)s(i) for i in range(%(size)d // 2)]
def rest():
    keep.extend([%(name)s(i) for i in range(%(size)d // 2)])
if "t" in sys.abiflags:
    # By a thread that is gone then, and whose memory nobody owns.
    thread = threading.Thread(target=rest)
    thread.start()
    thread.join()
    del thread
else:
    rest()
big = ["x" * 600 + str(i) for i in range(%(size)d)]
def tell(stats, truth, get=gc.get_objects):
    # First what any allocation changes.  All names are local: a lazy import
    # (3.15) happens when a global one is read.
    objects = get()
    os.dup2(os.open(stats, os.O_WRONLY | os.O_CREAT, 0o600), 2)
    sys._debugmallocstats()
    types, names = {}, {}
    for thing in objects:
        kind = type(thing)
        types[hex(id(kind))] = types.get(hex(id(kind)), 0) + 1
        names[hex(id(kind))] = kind.__module__ + "." + kind.__qualname__
    with open(truth, "w") as out:
        json.dump({"types": types, "names": names,
                   "keep": [hex(id(thing)) for thing in keep],
                   "big": [hex(id(thing)) for thing in big]}, out)
alone = ["".join(["pm alone ", str(i)]) for i in range(20)]
twice = ["".join(["pm twice ", str(i)]) for i in range(20) for _ in "ab"]
gc.collect()
gc.disable()
"""

# In the copy.
TELL = "tell(%(stats)r, %(truth)r)"


def run(number, script):
    failed = interpreters.run_string(number, script)
    if failed is not None:
        raise RuntimeError(str(failed))


def paths(name):
    return {"stats": os.path.join(FOLDER, name + ".stats"),
            "truth": os.path.join(FOLDER, name + ".json")}


def tell_all():
    status, blocks = 1, sys.getallocatedblocks()
    try:
        tell(**paths("Main"))
        for name, number in subs:
            run(number, TELL % paths(name))
        with open(os.path.join(FOLDER, "blocks.json"), "w") as out:
            json.dump(blocks, out)
        status = 0
    finally:
        os.write(READY, b"T" if status == 0 else b"E")
        os._exit(status)


exec(FILL % {"name": "Main", "size": 50}, globals())
subs = []
for name, size in (("First", 300), ("Second", 2000)):
    subs.append((name, create()))
    run(subs[-1][1], FILL % {"name": name, "size": size})
fork = ctypes.PyDLL(None).fork
buffer = bytearray(1)
raw = open(BLOCK, "rb", 0)
gc.collect()
if fork() == 0:
    tell_all()
raw.readinto(buffer)
