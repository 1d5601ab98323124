# SPDX-License-Identifier: GPL-3.0-or-later
"""A heap of about N objects: instances with attributes, slotted instances,
lists, tuples, dicts, strings, ints, and some blocks over 512 bytes.

    python heap.py N

Prints one line of JSON when the heap stands (the seconds that
gc.get_objects takes in this process, for comparison), then waits for its
standard input to end."""
import gc
import json
import sys
import time


class Order(object):
    def __init__(self, i):
        self.number = i
        self.name = 'order-%d' % i
        self.lines = [i, self.name]


class Point(object):
    __slots__ = ('x', 'y')

    def __init__(self, i):
        self.x = i + 1000000
        self.y = (i, 'p%d' % i)


def build(n):
    gc.disable()
    keep = []
    # Twelve objects a turn, one large block every hundred turns.
    for i in range(n // 12):
        keep.append(Order(i))
        keep.append(Point(i))
        keep.append({'id': i, 'tag': 't%d' % i})
        if i % 100 == 0:
            keep.append('x' * (600 + i % 700))
            keep.append([None] * 100)
    gc.enable()
    return keep


def main():
    keep = build(int(sys.argv[1]))
    start = time.time()
    tracked = len(gc.get_objects())
    seconds = time.time() - start
    sys.stdout.write(json.dumps({'kept': len(keep), 'tracked': tracked,
                                 'get_objects_seconds': seconds}) + '\n')
    sys.stdout.flush()
    sys.stdin.read()


main()
