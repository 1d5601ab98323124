# SPDX-License-Identifier: GPL-3.0-or-later
"""A zoo: many objects of every builtin and standard C type, each labelled.

Every keeper below adds the animals of one family: empty, one, many, just
before and after a resize, subclasses, and odd states.  The file must parse
under Python 2.7 to 3.15, so newer syntax lives in strings for exec, and a
family an interpreter cannot build is left out and named in `absent`.
"""
import sys

PY3 = sys.version_info[0] >= 3
if PY3:
    unicode = str
    unichr = chr
    long = int
else:
    range = xrange  # noqa: F821
HUGE = 10 ** 30 if PY3 else sys.maxsize     # a range that an index holds


class Zoo(object):
    def __init__(self):
        self.animals = []
        self.absent = []

    def add(self, label, animal):
        self.animals.append((label, animal))
        return animal

    def each(self, label, animals):
        for number, animal in enumerate(animals):
            self.add("%s[%d]" % (label, number), animal)

    def run(self, source, **names):
        """Execute SOURCE, in which `add` and `each` are this zoo's."""
        names.update(add=self.add, each=self.each, sys=sys)
        exec(source, names)
        return names


class Plain(object):
    pass


class Attributes(object):
    def __init__(self, n):
        for i in range(n):
            setattr(self, "field_%d" % i, i)


class Slotted(object):
    __slots__ = ("left", "right")

    def __init__(self):
        self.left = "l"
        self.right = [1]


class SlottedEmpty(object):
    __slots__ = ()


class SlottedMore(Slotted):
    __slots__ = ("third", "__weakref__")


class SlottedWithDict(Slotted):
    pass


class IntChild(int):
    pass


class FloatChild(float):
    pass


class StrChild(unicode):
    pass


class StrSlim(unicode):
    __slots__ = ()


class BytesChild(bytes):
    pass


class ListChild(list):
    pass


class ListSlotted(list):
    __slots__ = ("extra",)


class TupleChild(tuple):
    pass


class DictChild(dict):
    pass


class SetChild(set):
    pass


class FrozensetChild(frozenset):
    pass


class ErrorChild(Exception):
    def __init__(self, *args):
        Exception.__init__(self, *args)
        self.why = "because"


class Meta(type):
    def __call__(cls, *args):
        return super(Meta, cls).__call__(*args)


WithMeta = Meta("WithMeta", (object,), {"attribute": 1})


def numbers(zoo):
    edges = [0, 1, -1, -5, -6, 255, 256, 257, 1024, 1025]
    for bits in (14, 15, 16, 29, 30, 31, 59, 60, 61, 62, 63, 64, 89, 90, 91,
                 120, 1000, 4000, 8000, 100000):
        edges += [(1 << bits) - 1, 1 << bits, -(1 << bits)]
    zoo.each("int", edges)
    zoo.each("bool", [True, False])
    zoo.each("int subclass", [IntChild(0), IntChild(7), IntChild(1 << 40),
                              IntChild(-(1 << (300 if PY3 else 60)))])
    zoo.each("float", [0.0, 1.5, float("inf"), float("nan"), 1e308])
    zoo.each("float subclass", [FloatChild(2.5)])
    zoo.each("complex", [1j, complex(1.5, -2)])


def strings(zoo):
    lengths = [0, 1, 2, 7, 8, 15, 16, 23, 100, 255, 400, 463, 464, 471, 472,
               480, 511, 512, 513, 1000, 4095, 100000]
    for name, char in (("ascii", "a"), ("latin1", unichr(0xe9)),
                       ("bmp", unichr(0x20ac))):
        zoo.each("str " + name, [unicode(char) * n for n in lengths])
    if PY3:
        zoo.each("str astral", [unichr(0x1f600) * n for n in lengths])
        cached = [unichr(0xe9) * n + "z" for n in (1, 30, 600)]
        for text in cached:
            try:
                __import__("codecs").lookup(text)   # caches its UTF-8 form
            except LookupError:
                pass
        zoo.each("str with utf8", cached)
    zoo.each("str interned",
             [sys.intern("zoo interned %d" % i) if PY3 else
              intern("zoo interned %d" % i) for i in range(3)])  # noqa: F821
    zoo.each("str subclass", [StrChild("abc"), StrChild(unichr(0x20ac) * 5),
                              StrChild(""), StrSlim("slim"),
                              StrSlim(unichr(0xe9) * 3)])
    decorated = StrChild("decorated")
    decorated.note = "n"
    zoo.add("str subclass with dict", decorated)
    zoo.each("bytes", [b"b" * n for n in lengths])
    zoo.each("bytes subclass", [BytesChild(b"abc"), BytesChild(b"")])
    arrays = [bytearray(n) for n in (0, 1, 2, 15, 16, 100, 511, 512, 5000)]
    grown = bytearray()
    for i in range(300):
        grown.append(i % 256)
    shifted = bytearray(range(200))
    del shifted[:50]
    cleared = bytearray(b"xxxx")
    del cleared[:]
    zoo.each("bytearray", arrays + [grown, shifted, cleared])
    exported = bytearray(b"exported")
    zoo.add("bytearray exported", exported)
    zoo.add("memoryview of it", memoryview(exported))
    zoo.add("memoryview bytes", memoryview(b"0123456789"))
    if PY3:
        view = memoryview(bytearray(24))
        zoo.add("memoryview sliced", view[2:20:3])
        zoo.add("memoryview 2d", view.cast("B", (4, 6)))
        zoo.add("memoryview 3d", view.cast("B", (2, 3, 4)))
        released = memoryview(b"gone")
        released.release()
        zoo.add("memoryview released", released)


def sequences(zoo):
    for n in list(range(12)) + [15, 16, 17, 24, 25, 34, 35, 100, 10000]:
        grown = []
        for i in range(n):
            grown.append(i)
        zoo.add("list appended %d" % n, grown)
        zoo.add("list sized %d" % n, [None] * n)
        zoo.add("list comprehension %d" % n, [i for i in range(n)])
        zoo.add("tuple %d" % n, tuple(grown))
    shrunk = list(range(1000))
    while len(shrunk) > 3:
        shrunk.pop()
    zoo.add("list shrunk", shrunk)
    emptied = list(range(100))
    del emptied[:]
    zoo.add("list emptied", emptied)
    looped = [1, "two"]
    looped.append(looped)
    zoo.add("list of itself", looped)
    zoo.each("list subclass", [ListChild(), ListChild([1, 2]), ListSlotted()])
    zoo.each("tuple subclass", [TupleChild(), TupleChild((1, 2, 3))])
    import collections
    Point = collections.namedtuple("Point", "x y")
    zoo.each("namedtuple", [Point(1, 2), Point([], {})])
    import os
    import time
    zoo.add("stat_result", os.stat("/"))
    zoo.add("struct_time", time.gmtime(0))
    zoo.add("sys.flags", sys.flags)
    zoo.add("uname", os.uname())
    zoo.each("range", [range(0), range(5), range(HUGE), range(1, 9, 2)])
    zoo.each("slice", [slice(None), slice(1, 2), slice("a", [], {})])


def mappings(zoo):
    for n in list(range(13)) + [21, 22, 42, 43, 85, 86, 170, 171, 682, 683,
                                1365, 5000]:
        names = dict(("key%d" % i, i) for i in range(n))
        zoo.add("dict str %d" % n, names)
        zoo.add("dict int %d" % n, dict((i, str(i)) for i in range(n)))
        zoo.add("dict fromkeys %d" % n, dict.fromkeys(range(n)))
        zoo.add("dict copied %d" % n, names.copy())
        zoo.add("set %d" % n, set(range(n)))
        zoo.add("frozenset %d" % n, frozenset(map(str, range(n))))
    thinned = dict((i, i) for i in range(100))
    for i in range(97):
        del thinned[i]
    zoo.add("dict thinned", thinned)
    cleared = dict.fromkeys("abcdef")
    cleared.clear()
    zoo.add("dict cleared", cleared)
    zoo.add("dict mixed keys", {"a": 1, 2: 3, None: 4, (1, 2): [5]})
    zoo.add("dict literal", {})
    zoo.add("dict of kwargs", (lambda **kw: kw)(one=1, two=2))
    thinned = set(range(1000))
    for i in range(995):
        thinned.discard(i)
    zoo.add("set thinned", thinned)
    popped = set(range(5))
    popped.clear()
    zoo.add("set cleared", popped)
    decorated = SetChild("abc")
    decorated.note = 1
    zoo.each("set subclass", [SetChild(), decorated, FrozensetChild("ab")])
    zoo.each("dict subclass", [DictChild(), DictChild(a=1),
                               DictChild.fromkeys(range(50))])
    import collections
    for n in (0, 1, 2, 5, 6, 11, 100):
        ordered = collections.OrderedDict((i, i) for i in range(n))
        zoo.add("OrderedDict %d" % n, ordered)
        zoo.add("deque %d" % n, collections.deque(range(n)))
    ordered = collections.OrderedDict((str(i), i) for i in range(40))
    for i in range(0, 40, 3):
        del ordered[str(i)]
    ordered.note = "attribute"
    zoo.add("OrderedDict thinned", ordered)
    zoo.each("OrderedDict iterator", [iter(ordered), iter(ordered.items())])
    for n in (31, 32, 33, 62, 63, 64, 65, 66, 127, 128, 129, 1000):
        zoo.add("deque %d" % n, collections.deque(range(n)))
    bounded = collections.deque(range(500), maxlen=10)
    zoo.add("deque bounded", bounded)
    lefty = collections.deque()
    for i in range(200):
        lefty.appendleft(i)
    zoo.add("deque left", lefty)
    zoo.each("deque iterator", [iter(lefty), reversed(lefty)])
    zoo.add("defaultdict", collections.defaultdict(list, a=[1]))
    zoo.add("defaultdict empty", collections.defaultdict())
    zoo.add("Counter", collections.Counter("abracadabra"))
    for kind, of in (("dict", {"a": 1}), ("set", {1, 2})):
        zoo.add(kind + " iterator", iter(of))
    if PY3:
        table = {"k": "v"}
        zoo.each("dict views", [table.keys(), table.values(), table.items(),
                                iter(table.items()), iter(table.values())])
        zoo.add("ChainMap", collections.ChainMap({}, {"a": 1}))
        zoo.add("mappingproxy", type.__getattribute__(Plain, "__dict__"))
        zoo.add("UserDict", collections.UserDict(a=1))


def instances(zoo):
    zoo.add("instance empty", Plain())
    for n in list(range(1, 9)) + [10, 16, 21, 22, 29, 30, 31, 40, 100]:
        zoo.add("instance %d" % n, Attributes(n))
    zoo.add("instance of many, few", Attributes(3))
    touched = Attributes(4)
    zoo.add("instance __dict__", touched.__dict__)
    zoo.add("instance with dict out", touched)
    thinned = Attributes(6)
    del thinned.field_2
    zoo.add("instance attribute deleted", thinned)
    odd = Plain()
    odd.z = 1
    odd.a = 2
    zoo.add("instance odd order", odd)
    replaced = Plain()
    replaced.__dict__ = {"given": 1}
    zoo.add("instance dict given", replaced)
    strange = Plain()
    strange.__dict__[(1, 2)] = "not a str"
    zoo.add("instance strange key", strange)
    zoo.each("slots", [Slotted(), SlottedEmpty(), SlottedMore(),
                       SlottedWithDict()])
    half = SlottedMore()
    half.third = 3
    both = SlottedWithDict()
    both.free = 1
    zoo.each("slots filled", [half, both])
    zoo.each("metaclass", [WithMeta(), WithMeta, Meta])
    zoo.each("class", [Plain, Slotted, int, type, object, dict, ErrorChild])
    zoo.add("object", object())
    zoo.each("super", [super(SlottedMore, half)])
    zoo.each("property", [property(), property(len, None, None, "doc")])
    zoo.each("static", [staticmethod(len), classmethod(len)])
    zoo.each("descriptors", [Slotted.__dict__["left"],
                             Plain.__dict__["__dict__"],
                             dict.__dict__["get"], int.__dict__["__add__"],
                             type.__dict__["__mro__"],
                             dict.__dict__["fromkeys"], (1).__add__])


def functions(zoo):
    def plain(a, b=1, *args, **kw):
        """Has a doc."""
        local = a
        return lambda: (local, b, args, kw)
    closure = plain(1)
    zoo.each("function", [plain, closure, lambda: None])
    zoo.each("cell", list(closure.__closure__))
    if PY3:
        zoo.run("def annotated(a: int, *, k: str = 'd') -> list: pass\n"
                "annotated.note = 1\n"
                "add('function annotated', annotated)\n"
                "import types\n"
                "try: add('cell empty', types.CellType())\n"
                "except AttributeError: pass\n")
    zoo.each("code", [plain.__code__, closure.__code__, zoo_of.__code__,
                      compile("1", "<one>", "eval"),
                      compile("x = 1\n" * 3000, "<long>", "exec")])
    zoo.each("method", [zoo.add, [].append, len, "".join,
                        dict.fromkeys, sys.exit])
    import functools
    zoo.each("partial", [functools.partial(len), functools.partial(
        plain, 1, b=2)])
    decorated = functools.partial(len, [])
    decorated.note = "n"
    zoo.add("partial with dict", decorated)
    if PY3:
        for maxsize in (0, 4, 128, None):
            cached = functools.lru_cache(maxsize=maxsize)(lambda n: n)
            for i in range(10):
                cached(i)
            zoo.add("lru_cache %s" % maxsize, cached)
        zoo.add("cmp_to_key", functools.cmp_to_key(len))
        zoo.add("singledispatch", functools.singledispatch(plain))
    zoo.add("module", sys)
    import types
    zoo.add("module own", types.ModuleType("own", "doc"))
    import operator
    zoo.each("operator", [operator.itemgetter(1), operator.itemgetter(1, 2),
                          operator.attrgetter("a"),
                          operator.attrgetter("a.b", "c"),
                          operator.attrgetter("a.b.c"),
                          operator.methodcaller("m", 1, k=2),
                          operator.methodcaller("m", "m", k=[1]),
                          operator.methodcaller("m")])


def suspended(zoo):
    def generator(n):
        total = 0
        for i in range(n):
            total += i
            yield total

    def delegating():
        one, two, three = object(), [2], {"three": 3}
        for _ in generator(5):
            yield one, two, three

    fresh, begun, done = generator(3), generator(3), generator(1)
    next(begun)
    list(done)
    nested = delegating()
    next(nested)
    closed = generator(9)
    next(closed)
    closed.close()
    zoo.each("generator", [fresh, begun, done, nested, closed,
                           (i for i in "abc")])
    zoo.each("generator frame", [f for f in (fresh.gi_frame, begun.gi_frame,
                                             nested.gi_frame)])
    failing = generator("not a number")
    try:
        next(failing)
    except TypeError as error:
        zoo.add("generator failed", failing)
        zoo.add("exception of it", error)
        zoo.add("traceback of it", sys.exc_info()[2])
        zoo.add("frame of it", sys.exc_info()[2].tb_frame)
    if PY3:
        zoo.run(COROUTINES)


COROUTINES = """
import types
@types.coroutine
def pause():
    yield 'paused'
async def work(n):
    x = [n]
    await pause()
    return x
async def outer():
    await work(3)
async def produce():
    for i in range(3):
        yield i
fresh, begun, done = work(1), outer(), work(2)
begun.send(None)
done.send(None)
try: done.send(None)
except StopIteration: pass
each('coroutine', [fresh, begun, done])
add('coroutine frame', begun.cr_frame)
feed = produce()
add('async generator fresh', feed)
try: feed.__anext__().send(None)
except StopIteration: pass
add('async generator begun', feed)
step = feed.__anext__()
each('async generator steps', [step, feed.asend(None), feed.athrow(KeyError)])
wrapper = fresh.__await__()
add('coroutine wrapper', wrapper)
"""


def errors(zoo):
    def deep(n):
        local = "in frame %d" % n
        if n:
            return deep(n - 1)
        raise ErrorChild(local, n)

    kept = []
    try:
        try:
            deep(5)
        except ErrorChild as first:
            kept.append(first)
            raise KeyError("second")
    except KeyError as second:
        kept.append(second)
    zoo.each("exception raised", kept)
    zoo.each("exception", [Exception(), Exception(1, 2), ErrorChild("e"),
                           StopIteration(3), SystemExit(2), OSError(2, "no"),
                           OSError(2, "no", "file"), ImportError("mod"),
                           KeyError("k"), AttributeError("a"), NameError("n"),
                           SyntaxError("bad", ("f", 1, 2, "text")),
                           UnicodeDecodeError("utf-8", b"\xff", 0, 1, "why"),
                           MemoryError(), AssertionError([])])
    if PY3:
        zoo.run("try:\n"
                "    try: {}['x']\n"
                "    except KeyError as e: raise ValueError(1) from e\n"
                "except ValueError as e:\n"
                "    add('exception from', e)\n"
                "    add('its traceback', e.__traceback__)\n"
                "    add('its frame', e.__traceback__.tb_frame)\n")
    if sys.version_info >= (3, 11):
        zoo.run("e = ExceptionGroup('g', [ValueError(1), KeyError(2)])\n"
                "e.add_note('noted')\n"
                "add('exception group', e)\n"
                "add('exception notes', e.__notes__)\n")


def weak(zoo):
    import weakref
    anchor = zoo.add("weakly held", Plain())
    zoo.each("weakref", [weakref.ref(anchor), weakref.ref(anchor, len),
                         weakref.proxy(anchor), weakref.KeyedRef(
                             anchor, len, "key")])
    dead = weakref.ref(Plain())
    zoo.add("weakref dead", dead)
    keys, values = weakref.WeakKeyDictionary(), weakref.WeakValueDictionary()
    keys[anchor] = 1
    values["one"] = anchor
    zoo.each("weak containers", [keys, values, weakref.WeakSet([anchor])])
    if PY3:
        zoo.add("WeakMethod", weakref.WeakMethod(zoo.add))
        zoo.add("finalize", weakref.finalize(anchor, len, []))


def iterators(zoo):
    import itertools
    zoo.each("iterator", [iter([1]), iter((1,)), iter("s"), iter(b"b"),
                          iter(bytearray(2)), iter(range(3)), iter({}),
                          iter({1}), reversed([1, 2]), enumerate("ab"),
                          enumerate("ab", 1 << 80), zip("a", "b"),
                          map(len, "ab"), filter(None, "ab"),
                          iter(len, 3), iter(range(HUGE))])
    spent = iter([1])
    list(spent)
    zoo.add("iterator spent", spent)
    tees = itertools.tee(iter(range(100)), 2)
    for _ in range(70):
        next(tees[0])
    zoo.each("itertools", [itertools.count(), itertools.count(1 << 70, 2),
                           itertools.repeat([1], 5), itertools.cycle("ab"),
                           itertools.chain("a", "b"), tees[0], tees[1],
                           itertools.islice("abc", 1, 2),
                           itertools.product("ab", repeat=2),
                           itertools.permutations("abc", 2),
                           itertools.combinations("abc", 2),
                           itertools.combinations_with_replacement("ab", 2),
                           itertools.starmap(len, []), itertools.groupby("aab"),
                           itertools.takewhile(len, "ab"),
                           itertools.dropwhile(len, "ab"),
                           itertools.compress("ab", [1, 0])])
    if PY3:
        zoo.run("import itertools\n"
                "z = itertools.zip_longest('ab', 'c')\n"
                "a = itertools.accumulate([1, 2, 3])\n"
                "next(z); next(a)\n"
                "each('itertools new', [z, a, "
                "itertools.filterfalse(None, 'a')])\n"
                "if hasattr(itertools, 'pairwise'):\n"
                "    add('pairwise', itertools.pairwise('abc'))\n"
                "if hasattr(itertools, 'batched'):\n"
                "    add('batched', itertools.batched('abc', 2))\n")
    produced = itertools.product("abc", "def")
    next(produced)
    chosen = itertools.permutations("abcd", 3)
    next(chosen)
    zoo.each("itertools begun", [produced, chosen])


def times(zoo):
    import datetime
    zoo.each("datetime", [datetime.date(2020, 1, 2), datetime.time(1, 2),
                          datetime.datetime(2020, 1, 2, 3, 4),
                          datetime.timedelta(3), datetime.timedelta.max])
    if PY3:
        utc = datetime.timezone.utc
        zone = datetime.timezone(datetime.timedelta(hours=2), "Zone")
        zoo.each("datetime zoned", [
            utc, zone, datetime.time(1, tzinfo=zone),
            datetime.datetime(2020, 1, 2, tzinfo=utc)])
    import decimal
    zoo.each("decimal", [decimal.Decimal(0), decimal.Decimal("1.5"),
                         decimal.Decimal("1" * 19), decimal.Decimal("1" * 20),
                         decimal.Decimal("9" * 100),
                         decimal.Decimal("7" * 3000),
                         decimal.Decimal("NaN"), decimal.Context(),
                         decimal.getcontext(), decimal.getcontext().traps,
                         decimal.Context(5, decimal.ROUND_05UP, -3, 9, 0,
                                         flags=[decimal.Inexact,
                                                decimal.InvalidOperation],
                                         traps=[decimal.Clamped,
                                                decimal.Subnormal])])
    import fractions
    zoo.add("Fraction", fractions.Fraction(1, 3))


def library(zoo):
    import array
    import io
    import mmap
    codes = "bBhHiIlLfd" + ("uqQ" if PY3 else "c")
    for code in codes:
        fill = [unicode("x")] if code == "u" else [b"c" if code == "c" else 1]
        grown = array.array(code)
        for _ in range(20):
            grown.extend(fill)
        zoo.each("array " + code, [array.array(code),
                                   array.array(code, fill * 7), grown])
    big = array.array("d", [0.5] * 5000)
    popped = array.array("d", [0.5] * 50)
    popped.pop()
    zoo.each("array more", [big, popped, iter(popped)])
    zoo.add("mmap", mmap.mmap(-1, 8192))
    buffers = [io.BytesIO(), io.BytesIO(b"initial"), io.BytesIO(b"x" * 5000),
               io.StringIO(), io.StringIO(unicode("text")),
               io.StringIO(unicode("y") * 3000)]
    for _ in range(100):
        buffers[0].write(b"ten bytes.")
        buffers[3].write(unicode("ten chars."))
    buffers[5].write(unichr(0x20ac))
    shared = io.BytesIO(b"shared" * 100)
    shared.getvalue()
    closed = io.BytesIO(b"closed")
    closed.close()
    zoo.each("memory file", buffers + [shared, closed])
    handle = open("/dev/null", "rb")
    zoo.each("file", [handle, handle.raw if hasattr(handle, "raw") else handle,
                      io.open("/dev/null"), io.open("/dev/null", "wb"),
                      io.BufferedRandom(io.FileIO("/dev/zero", "r+"))])
    import re
    pattern = re.compile(r"(?P<name>a+)(b|c)*\s*$")
    zoo.each("re", [pattern, pattern.match("aab"), pattern.finditer("aab"),
                    re.compile(b"bytes"), re.compile("x" * 300),
                    pattern.scanner("aab")])
    import struct
    packer = struct.Struct("<iqd10s")
    zoo.each("struct", [packer, struct.Struct("")])
    if PY3:
        zoo.add("struct iterator", struct.iter_unpack("i", b"\0" * 8))
    import random
    zoo.add("random", random.Random(1))
    import hashlib
    zoo.each("hash", [hashlib.md5(b"x"), hashlib.sha256(), hashlib.sha512()])
    if PY3:
        zoo.each("hash new", [hashlib.blake2b(), hashlib.sha3_256()])
    import zlib
    zoo.each("zlib", [zlib.compressobj(), zlib.decompressobj()])
    import threading
    zoo.each("lock", [threading.Lock(), threading.RLock(),
                      threading.Condition(), threading.Event(),
                      threading.local()])
    import socket
    zoo.add("socket", socket.socket())
    import select
    zoo.each("select", [select.epoll(), select.poll()])
    import unicodedata
    zoo.add("ucd", unicodedata.ucd_3_2_0)
    import json
    zoo.each("json", [json.JSONEncoder(), json.JSONDecoder(),
                      json.JSONDecoder().scan_once])
    import csv
    zoo.each("csv", [csv.reader([]), csv.excel,
                     csv.writer(io.StringIO()), csv.reader([]).dialect])
    import pickle
    if PY3:
        pickler = pickle.Pickler(io.BytesIO())
        pickler.dump([1, "two", {3: 4}])
        zoo.each("pickle", [pickler, pickle.Unpickler(io.BytesIO(b"N."))])
        import types
        zoo.each("namespace", [types.SimpleNamespace(),
                               types.SimpleNamespace(a=1, b=[2])])
        import queue
        if hasattr(queue, "SimpleQueue"):
            zoo.add("SimpleQueue", queue.SimpleQueue())
        import enum
        Colour = enum.Enum("Colour", "red green")
        zoo.each("enum", [Colour, Colour.red, re.I])
        import pathlib
        import uuid
        zoo.each("path", [pathlib.Path("/a/b"), uuid.UUID(int=5)])
    import xml.etree.ElementTree as etree
    tree = etree.fromstring("<a x='1'><b/><c>t</c><d/><e/><f/>tail</a>")
    zoo.each("element", [tree, tree[0], tree[1], etree.Element("alone"),
                         etree.TreeBuilder(), etree.XMLParser()])
    wide = etree.Element("wide")
    for i in range(50):
        etree.SubElement(wide, "child", {"n": str(i)})
    zoo.add("element wide", wide)
    import xml.parsers.expat
    zoo.add("expat", xml.parsers.expat.ParserCreate())


def optional(zoo):
    for name, source in (
            ("contextvars", CONTEXTVARS), ("typing", TYPING),
            ("asyncio", ASYNCIO), ("bz2", "import bz2\n"
             "each('bz2', [bz2.BZ2Compressor(), bz2.BZ2Decompressor()])"),
            ("lzma", "import lzma\n"
             "each('lzma', [lzma.LZMACompressor(), lzma.LZMADecompressor()])"),
            ("dataclasses", "import dataclasses\n"
             "Data = dataclasses.make_dataclass('Data', ['x', 'y'])\n"
             "each('dataclass', [Data, Data(1, [2])])"),
            ("abc", "import abc, collections.abc\n"
             "each('abc', [collections.abc.Mapping])")):
        try:
            zoo.run(source)
        except Exception as error:
            zoo.absent.append("%s: %s" % (name, error))


CONTEXTVARS = """
import contextvars
variables = [contextvars.ContextVar('v%d' % i, default=i) for i in range(40)]
few, many = contextvars.Context(), contextvars.Context()
token = few.run(variables[0].set, 'x')
for v in variables:
    many.run(v.set, [v])
each('contextvars', [variables[0], few, many, token,
                     contextvars.copy_context(), iter(many), many.items()])
many.run(variables[1].get)
"""

TYPING = """
import typing
T = typing.TypeVar('T')
class Box(typing.Generic[T]): pass
each('typing', [T, Box, Box[int], typing.List[int], typing.Union[int, str],
                typing.Optional[Box[str]], Box[int]()])
if sys.version_info >= (3, 9):
    each('generic alias', [list[int], dict[str, list[int]]])
if sys.version_info >= (3, 11):
    add('generic alias iterator', iter(list[int]))
if sys.version_info >= (3, 10):
    each('union', [int | str, int | None, typing.ParamSpec('P')])
if sys.version_info >= (3, 12):
    exec("type Alias[X] = list[X]\\nadd('type alias', Alias)\\n"
         "def generic[X](x: X) -> X: return x\\nadd('generic', generic)\\n"
         "class G[X]: pass\\nadd('generic class', G)\\n", globals())
"""

ASYNCIO = """
import asyncio
loop = asyncio.new_event_loop()
future, done = loop.create_future(), loop.create_future()
done.set_result(7)
async def waits():
    await future
task = loop.create_task(waits())
loop.call_soon(loop.stop)
loop.run_forever()
each('asyncio', [loop, future, task, asyncio.Queue() if
                 sys.version_info >= (3, 10) else None, done])
"""


def foreign(zoo):
    import ctypes

    class Pair(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]

    class Either(ctypes.Union):
        _fields_ = [("a", ctypes.c_char * 200), ("b", ctypes.c_long)]

    pair = Pair(1, 2.5)
    zoo.each("ctypes", [ctypes.c_int(5), ctypes.c_char_p(b"text"),
                        ctypes.c_void_p(16), ctypes.py_object([]), pair,
                        Either(), (ctypes.c_int * 3)(), (Pair * 100)(),
                        ctypes.pointer(pair), ctypes.byref(pair), Pair, Pair.x,
                        ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1),
                        ctypes.CDLL(None), ctypes.CDLL(None).getpid,
                        ctypes.create_string_buffer(1000)])


KEEPERS = (numbers, strings, sequences, mappings, instances, functions,
           suspended, errors, weak, iterators, times, library, optional,
           foreign)


def zoo_of():
    """Every animal this interpreter can keep."""
    zoo = Zoo()
    for keeper in KEEPERS:
        try:
            keeper(zoo)
        except Exception as error:
            zoo.absent.append("%s: %s: %s" % (
                keeper.__name__, type(error).__name__, error))
    return zoo
