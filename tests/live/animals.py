# SPDX-License-Identifier: GPL-3.0-or-later
"""A generated zoo: thousands of objects, made by rule and not by hand.

Each keeper below yields (label, animal) for one family: lengths around every
resize point, containers in containers, things that hold themselves, each
subclassable type as a base, every state of what has states.  The file must
parse under Python 2.7 to 3.15: newer syntax lives in strings.  What an
interpreter cannot build is left out; a keeper that fails is named in `absent`.
"""
import collections
import functools
import itertools
import random
import sys

import zoo

PY3 = sys.version_info[0] >= 3
if PY3:
    unicode, unichr, long = str, chr, int
else:
    range = xrange  # noqa: F821
VERSION = sys.version_info[:2]
SEED = 20261123


def grown(make, add, n):
    """What N times ADD made of an empty one: lists keep room to spare."""
    thing = make()
    for i in range(n):
        add(thing, i)
    return thing


def around(points, reach=1):
    """POINTS and their neighbours."""
    return sorted(set(p + d for p in points for d in range(-reach, reach + 1)
                      if p + d >= 0))


def resize_points(make, add, limit):
    """Lengths up to LIMIT at which a growing thing takes other memory."""
    thing, found, size = make(), [], None
    for i in range(limit):
        now = sys.getsizeof(thing)
        if size is not None and now != size:
            found.append(i)
        size = now
        add(thing, i)
    return found


def key_of(i):
    return "key%d" % i


class Holder(object):
    """Has attributes as they come."""


# ---- numbers ----

def integers():
    for bits in (15, 30):
        for digits in list(range(1, 9)) + [20, 33, 34, 35, 66, 67, 68, 100]:
            for d in (-1, 0, 1):
                yield "int 2**%d%+d" % (bits * digits, d), \
                    (1 << bits * digits) + d
                yield "int -(2**%d%+d)" % (bits * digits, d), \
                    -((1 << bits * digits) + d)
    for power in list(range(0, 42)) + [100, 640, 641, 4299, 4300, 4301]:
        for d in (-1, 0, 1):
            yield "int 10**%d%+d" % (power, d), 10 ** power + d
    dice = random.Random(SEED)
    for bits in (3, 40, 62, 63, 64, 65, 200, 3000, 14300, 60000):
        yield "int random %d" % bits, dice.getrandbits(bits)
        yield "int random long %d" % bits, long(dice.getrandbits(bits))
    for n in range(-7, 259, 19):
        yield "int small %d" % n, n


def reals():
    dice = random.Random(SEED)
    import struct
    edges = [0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
             1e15, 1e16, 1e17, 123456789012345680.0, 9007199254740993.0, 1e-4,
             1e-5, 0.1, 0.1 + 0.2, 1e22, 1e23, 5e-5, float("inf"),
             float("-inf"), float("nan"), 100.0, 1e100]
    for _ in range(60):
        edges.append(struct.unpack("<d", struct.pack(
            "<Q", dice.getrandbits(64)))[0])
        edges.append(dice.uniform(-1000, 1000))
        edges.append(round(dice.uniform(-10, 10), 3))
    for i, x in enumerate(edges):
        yield "float %d" % i, x
    parts = [0.0, -0.0, 1.5, -2.0, float("inf"), float("nan"), 1e300, 1e-7]
    for a in parts:
        for b in parts:
            yield "complex %r %r" % (a, b), complex(a, b)


# ---- text ----

LENGTHS = around([0, 7, 15, 31, 63, 127, 255, 407, 439, 455, 463, 471, 479,
                  511, 512])


def texts():
    chars = [("ascii", "a"), ("control", "\x07"), ("latin", unichr(0xe9)),
             ("c1", unichr(0x85)), ("soft", unichr(0xad)),
             ("bmp", unichr(0x20ac)), ("zero width", unichr(0x200b)),
             ("surrogate", unichr(0xd812)), ("private", unichr(0xe000)),
             ("noncharacter", unichr(0xffff))]
    if sys.maxunicode > 0xffff:
        chars += [("astral", unichr(0x1f600)), ("tag", unichr(0xe0001)),
                  ("last", unichr(0x10ffff)), ("plane 2", unichr(0x20000))]
    else:
        chars.append(("pair", b"\\U0001f600".decode("unicode-escape")))
    for name, char in chars:
        for n in LENGTHS:
            yield "str %s %d" % (name, n), unicode(char) * n
        yield "str %s last" % name, unicode("x") * 20 + char
        yield "str %s first" % name, char + unicode("x") * 20
    quotes = ["'", '"', "'\"", "\\", "\n", "\t", "\r", "\x00", "\x1f", "\x7f",
              "\\'", "it's", 'say "x"', "'\"\n\\", "%s", "{}"]
    for text in quotes:
        yield "str quoted", unicode(text)
        yield "str quoted wide", unicode(text) + unichr(0x20ac)
        yield "bytes quoted", text.encode("latin-1")
        yield "bytearray quoted", bytearray(text.encode("latin-1"))
    everything = bytes(bytearray(range(256)))
    for n in LENGTHS:
        yield "bytes %d" % n, (everything * 3)[:n]
        yield "bytearray %d" % n, bytearray((everything * 3)[:n])
    step = 1021
    for start in range(0, min(sys.maxunicode, 0x10ffff), step):
        yield "str from U+%x" % start, unicode("").join(
            unichr(c) for c in range(start, min(start + step,
                                                sys.maxunicode)))
    if PY3:
        for text in ("a", "\xe9", "\u20ac", "\U0001f600"):
            cached = text * 9 + "z"
            try:
                __import__(cached)          # asks for its UTF-8 form
            except (ImportError, UnicodeError):
                pass
            yield "str with utf8", cached


def byte_arrays():
    def add(thing, i):
        thing.append(i % 256)
    for n in around(resize_points(bytearray, add, 600)):
        thing = grown(bytearray, add, n)
        yield "bytearray grown %d" % n, thing
        cut = bytearray(thing)
        del cut[:n // 3]
        yield "bytearray cut in front %d" % n, cut
        cut = grown(bytearray, add, n)
        while len(cut) > n // 2:
            cut.pop()
        yield "bytearray popped %d" % n, cut


# ---- containers ----

def lists():
    points = around(resize_points(list, list.append, 400))
    for n in points:
        yield "list grown %d" % n, grown(list, list.append, n)
        yield "list exact %d" % n, [None] * n
        shrunk = list(range(n))
        while len(shrunk) > n // 2:
            shrunk.pop()
        yield "list shrunk from %d" % n, shrunk
        yield "list sliced %d" % n, list(range(2 * n))[n:]
        yield "list inserted %d" % n, grown(
            list, lambda x, i: x.insert(0, i), n)
        yield "tuple %d" % n, tuple(range(n))


def dicts():
    def add(thing, i):
        thing[i] = None

    def add_text(thing, i):
        thing[key_of(i)] = i
    for kind, fill in (("int", add), ("str", add_text)):
        for make in (dict, collections.OrderedDict,
                     lambda: collections.defaultdict(list)):
            name = type(make()).__name__
            points = around(resize_points(make, fill, 400)) + [
                682, 683, 684, 1365, 1366]
            for n in points:
                yield "%s %s %d" % (name, kind, n), grown(make, fill, n)
            for n in (5, 6, 10, 11, 100):
                thin = grown(make, fill, n)
                for key in list(thin)[:n - 2]:
                    del thin[key]
                yield "%s %s thinned %d" % (name, kind, n), thin
                yield "%s %s thinned copy %d" % (name, kind, n), thin.copy()
    mixed = grown(dict, add_text, 4)
    mixed[5] = "number"
    yield "dict turned general", mixed
    popped = grown(dict, add_text, 10)
    popped.popitem()
    yield "dict popped", popped
    if hasattr(collections.OrderedDict, "move_to_end"):
        moved = grown(collections.OrderedDict, add_text, 9)
        moved.move_to_end("key2")
        moved.move_to_end("key5", last=False)
        yield "OrderedDict moved", moved
    for words in ("", "a", "mississippi", "abracadabra" * 20):
        yield "Counter %s" % words[:12], collections.Counter(words)
    for name in ("keys", "values", "items"):
        for n in (0, 1, 9):
            of = grown(dict, add_text, n)
            yield "dict %s %d" % (name, n), getattr(of, name)()
            ordered = grown(collections.OrderedDict, add_text, n)
            yield "OrderedDict %s %d" % (name, n), getattr(ordered, name)()
            yield "dict %s iterator" % name, iter(getattr(of, name)())


def sets():
    points = around(resize_points(set, set.add, 400))
    for n in points:
        made = grown(set, set.add, n)
        yield "set %d" % n, made
        yield "set copied %d" % n, set(made)
        yield "frozenset %d" % n, frozenset(made)
        yield "set of str %d" % n, set(map(key_of, range(n)))
        thin = set(made)
        for i in range(0, n, 2):
            thin.discard(i)
        yield "set thinned %d" % n, thin


def deques():
    make = collections.deque
    for n in around([0, 1, 31, 32, 63, 64, 65, 96, 127, 128, 191, 192, 640],
                    2):
        yield "deque %d" % n, make(range(n))
        yield "deque left %d" % n, grown(make, make.appendleft, n)
        turned = make(range(n))
        turned.rotate(n // 3)
        yield "deque turned %d" % n, turned
        eaten = make(range(2 * n))
        for _ in range(n):
            eaten.popleft()
        yield "deque eaten %d" % n, eaten
        yield "deque of at most %d" % n, make(range(1000), maxlen=n)


# ---- each in each ----

class Pair(collections.namedtuple("Pair", "left right")):
    __slots__ = ()


Triple = collections.namedtuple("Triple", "one two three")


class ListOf(list):
    pass


class DictOf(dict):
    __slots__ = ("note",)


class TupleOf(tuple):
    pass


class SetOf(set):
    pass


class FailureOf(Exception):
    pass


def containers():
    """{name: function that makes one of one item}; whether it can be a key
    is found by trying."""
    found = [
        ("list", lambda x: [x]), ("tuple", lambda x: (x,)),
        ("two", lambda x: (x, x)), ("set", lambda x: set([x])),
        ("frozenset", lambda x: frozenset([x])),
        ("dict value", lambda x: {"k": x}), ("dict key", lambda x: {x: 1}),
        ("OrderedDict", lambda x: collections.OrderedDict([("k", x)])),
        ("defaultdict", lambda x: collections.defaultdict(list, k=x)),
        ("Counter", lambda x: collections.Counter({"k": x})),
        ("deque", lambda x: collections.deque([x])),
        ("bounded deque", lambda x: collections.deque([x], 3)),
        ("namedtuple", lambda x: Triple(x, 1, "three")),
        ("namedtuple subclass", lambda x: Pair(x, None)),
        ("list subclass", lambda x: ListOf([x])),
        ("dict subclass", lambda x: DictOf(k=x)),
        ("tuple subclass", lambda x: TupleOf([x])),
        ("set subclass", lambda x: SetOf([x])),
        ("exception", lambda x: FailureOf(x)),
        ("slice", lambda x: slice(x, None, 2)),
        ("partial", lambda x: functools.partial(len, x, key=x)),
        ("keys", lambda x: {x: 1}.keys()), ("values", lambda x: {
            1: x}.values()), ("items", lambda x: {"k": x}.items())]
    if PY3:
        import types
        found += [("namespace", lambda x: types.SimpleNamespace(a=x)),
                  ("mappingproxy", lambda x: types.MappingProxyType({"k": x})),
                  ("ChainMap", lambda x: collections.ChainMap({"k": x})),
                  ("UserDict", lambda x: collections.UserDict(k=x)),
                  ("UserList", lambda x: collections.UserList([x]))]
    names = {}
    if VERSION >= (3, 7):
        exec("import dataclasses\n"
             "@dataclasses.dataclass(unsafe_hash=True)\n"
             "class Record:\n    held: object\n    other: int = 5\n", names)
        found.append(("dataclass", names["Record"]))
    if VERSION >= (3, 9):
        found.append(("generic alias", lambda x: list[x]))
    if VERSION >= (3, 15):
        found.append(("frozendict", lambda x: eval("frozendict")({"k": x})))
    if not PY3:     # Python code prints these there
        found = [row for row in found if row[0] not in (
            "Counter", "OrderedDict")]
    return found


def nested():
    makers = containers()
    for outer, make in makers:
        for inner, fill in makers:
            try:
                yield "%s in %s" % (inner, outer), make(fill("x"))
            except TypeError:
                pass        # not one that can be a key
        for depth in (2, 5, 12):
            thing = "core"
            try:
                for _ in range(depth):
                    thing = make(thing)
                yield "%s %d deep" % (outer, depth), thing
            except TypeError:
                pass
    dice = random.Random(SEED)
    for number in range(60):
        thing = number
        for _ in range(dice.randrange(2, 7)):
            outer, make = makers[dice.randrange(len(makers))]
            try:
                thing = make(thing)
            except TypeError:
                thing = [thing]
        yield "mixed %d" % number, thing


def recursive():
    """A list that a container holds, which holds the container."""
    for name, make in containers():
        inner = []
        try:
            thing = make(inner)
        except TypeError:
            continue
        inner.append(thing)
        yield "%s of itself" % name, thing
        yield "list of that %s" % name, inner
        inner.append(make([thing, inner]))
    for make, put in ((dict, lambda x: x.update(me=x)),
                      (collections.OrderedDict, lambda x: x.update(me=x)),
                      (lambda: collections.defaultdict(None),
                       lambda x: x.update(me=x)),
                      (list, lambda x: x.append(x)),
                      (collections.deque, lambda x: x.append(x))):
        thing = make()
        put(thing)
        yield "%s of itself, direct" % type(thing).__name__, thing
        put(thing)
        yield "%s of itself, twice" % type(thing).__name__, [thing, thing]
    held = Holder()
    held.me = held
    held.names = held.__dict__
    yield "__dict__ of itself", held.__dict__
    if PY3:
        failure = ValueError()
        failure.args = ([failure],)
        yield "exception of itself", failure
        import types
        space = types.SimpleNamespace()
        space.me = space
        space.more = [space]
        yield "namespace of itself", space
        mine = {}
        mine["proxy"] = types.MappingProxyType(mine)
        yield "mappingproxy of itself", mine["proxy"]
        again = functools.partial(len)
        again.__setstate__((again, (again,), {"k": again}, {}))
        yield "partial of itself", again


# ---- subclasses ----

ARGUMENTS = ((), (5,), ([1, 2],), ("abc",), (b"abc",), (len,), ([], {}),
             (len, [1]), ("name", (), {}), (2020, 1, 2), ("utf-8", b"x", 0, 1,
                                                           "why"),
             (lambda: (yield),), ("i", [1, 2]), ("g", [ValueError(1)]))
FAMILIES = ("builtins" if PY3 else "__builtin__", "collections", "datetime",
            "decimal", "array", "functools", "io", "_io", "itertools",
            "types", "threading", "_thread", "operator", "weakref",
            "contextvars", "_queue", "random", "_struct", "fractions", "uuid",
            "string.templatelib", "_asyncio", "ctypes", "zlib", "re", "enum",
            "typing", "_pickle", "_json", "_csv", "select", "socket",
            "_elementtree")
#: Whose instances open, end or replace something.
APART = frozenset(["ForkServer", "open", "FileIO", "SemLock", "Thread",
                   "_DummyThread", "_MainThread", "Timer", "help", "socket",
                   "_Printer", "Quitter", "PyDLL", "CDLL", "PyObject",
                   "LibraryLoader", "_NamedFuncPointer"])


def bases():
    """Every class of these modules, once, by its name."""
    seen = set()
    for name in FAMILIES:
        try:
            module = __import__(name, fromlist=["x"])
        except ImportError:
            continue
        for word in sorted(vars(module)):
            kind = getattr(module, word)
            if isinstance(kind, type) and id(kind) not in seen and \
                    word not in APART and kind.__name__ not in APART:
                seen.add(id(kind))
                yield "%s.%s" % (name, word), kind


def instance_of(kind):
    for arguments in ARGUMENTS:
        try:
            made = kind(*arguments)
        except BaseException:
            continue
        if type(made) is kind:
            return made
    return None


def subclasses():
    for name, base in bases():
        for what, body in (("plain", {}), ("slim", {"__slots__": ()}),
                           ("slotted", {"__slots__": ("extra", "more")}),
                           ("weak", {"__slots__": ("__weakref__",)})):
            try:
                kind = type(base)("Sub", (base,), dict(
                    body, __module__="animals"))
                made = instance_of(kind)
            except BaseException:
                continue        # not a base, or not with these
            if made is None:
                continue
            yield "%s subclass of %s" % (what, name), made
            if what == "plain":
                yield "class of that", kind
            if what == "slotted":
                full = instance_of(kind)
                try:
                    full.extra = "extra"
                    full.more = [1]
                except Exception:
                    continue
                yield "filled subclass of %s" % name, full
            elif what == "plain":
                full = instance_of(kind)
                try:
                    full.note = ["noted"]
                    full.other = 1
                except Exception:
                    continue
                yield "noted subclass of %s" % name, full
        try:
            own = instance_of(base)
        except BaseException:
            continue
        if own is not None:
            yield "instance of %s" % name, own


def layouts():
    """Classes of any number of slots and attributes, with bases of such."""
    for n in range(0, 12):
        kind = type("Slots%d" % n, (object,), {
            "__slots__": tuple("s%d" % i for i in range(n))})
        made = kind()
        for i in range(0, n, 2):
            setattr(made, "s%d" % i, [i])
        yield "%d slots" % n, made
        child = type("Child%d" % n, (kind,), {})
        made = child()
        for i in range(n):
            setattr(made, "s%d" % i, i)
            setattr(made, "free%d" % i, i)
        yield "%d slots and a dict" % n, made
        weak = type("Weak%d" % n, (kind,), {"__slots__": ("__weakref__",)})
        yield "%d slots, weak" % n, weak()
        both = type("Both%d" % n, (kind,), {
            "__slots__": ("__dict__", "late", "__weakref__")})
        made = both()
        made.late = made.other = "x"
        yield "%d slots, both" % n, made
        private = type("Private", (kind,), {
            "__slots__": ("__hidden", "_x", "a")})
        yield "%d slots and private ones" % n, private()
    for n in around([1, 5, 8, 16, 29, 30, 31, 64]):
        for many in (1, 3):
            kind = type("Has%d" % n, (object,), {})
            for _ in range(many):
                made = kind()
                for i in range(n):
                    setattr(made, "a%d" % i, i)
            yield "%d attributes" % n, made
            made = kind()
            made.odd = 1
            for i in reversed(range(n)):
                setattr(made, "a%d" % i, i)
            yield "%d attributes, odd" % n, made
            vars(made)
            yield "%d attributes, dict out" % n, made
            for i in range(0, n, 2):
                delattr(made, "a%d" % i)
            yield "%d attributes, some gone" % n, made


# ---- enums, dataclasses, tuples with names ----

ENUMS = """
import enum, re
class Colour(enum.Enum):
    RED = 1
    GREEN = "green"
    BLUE = (1, 2)
    CRIMSON = 1
class Number(enum.IntEnum):
    ONE = 1
    BIG = 1 << 70
    NEGATIVE = -3
class Bits(enum.Flag):
    R = 4
    W = 2
    X = 1
    RW = 6
class IntBits(enum.IntFlag):
    A = 1
    B = 2
    C = 4
    HIGH = 1 << 40
class Mixed(str, enum.Enum):
    S = "s"
class Floating(float, enum.Enum):
    F = 1.5
class Own(enum.Enum):
    A = 1
    def __repr__(self): return "own"
class WithNew(enum.Enum):
    EARTH = (5, "e")
    def __init__(self, mass, letter): self.mass = mass
found = [("enum " + repr(c), c) for e in (Colour, Number, Mixed, Floating, Own,
                                          WithNew) for c in e]
found += [("flag %d" % n, Bits(n)) for n in range(8)]
found += [("inverted flag", ~Bits.R), ("no flag", Bits(0))]
found += [("int flag %d" % n, IntBits(n)) for n in
          list(range(8)) + [1 << 40, (1 << 40) + 3, 8, 9, 1 << 50]]
found += [("int flag inverted", ~IntBits.A), ("int flag -1", IntBits(-1))]
found += [("regex flag %d" % n, re.RegexFlag(n)) for n in
          (0, 1, 2, 3, 10, 64, 128, 256, 511)]
found += [("enum class", e) for e in (Colour, Number, Bits, IntBits)]
import signal, socket, http
found += [("signal", signal.SIGINT), ("family", socket.AF_INET),
          ("status", http.HTTPStatus.NOT_FOUND)]
if hasattr(enum, "StrEnum"):
    class Words(enum.StrEnum):
        A = enum.auto()
        B = "b's"
    found += [("word", w) for w in Words]
    for bound in enum.FlagBoundary:
        try:
            class Kept(enum.Flag, boundary=bound):
                A = 1
                B = 4
            found += [("boundary %s %d" % (bound, n), Kept(n))
                      for n in range(8)]
        except ValueError:
            pass
    found += [("bound", b) for b in enum.FlagBoundary]
found.append(("nested", [Colour.RED, {Bits.R | Bits.X: Number.ONE}]))
"""

DATACLASSES = """
import dataclasses, typing
found = []
for n in range(5):
    for options in ({}, {"frozen": True}, {"eq": False}, {"order": True},
                    {"repr": False}, {"slots": True}, {"kw_only": True}):
        try:
            kind = dataclasses.make_dataclass("Data%d" % n, [
                ("f%d" % i, object) for i in range(n)], **options)
        except TypeError:
            continue
        made = kind(**{"f%d" % i: [i] for i in range(n)})
        found.append(("dataclass %d %s" % (n, options), made))
        found.append(("dataclass in a list", [made, {1: made}]))
@dataclasses.dataclass
class Node:
    name: str
    next: object = None
    hidden: int = dataclasses.field(default=7, repr=False)
    items: list = dataclasses.field(default_factory=list)
    klass: typing.ClassVar[int] = 3
node = Node("n")
node.next = node
node.items.append(node)
found.append(("dataclass of itself", node))
@dataclasses.dataclass
class Leaf(Node):
    extra: float = 1.5
found.append(("dataclass child", Leaf("leaf", Node("inner"))))
class Outer:
    @dataclasses.dataclass
    class Inner:
        x: int
found.append(("dataclass inside", Outer.Inner(1)))
@dataclasses.dataclass
class Own:
    x: int
    def __repr__(self): return "own"
found.append(("dataclass with own repr", Own(1)))
class Later(Own): pass
found.append(("dataclass child, own repr", Later(1)))
class Plainer(Node): pass
found.append(("plain child of dataclass", Plainer("p")))
found.append(("dataclass field", dataclasses.fields(Node)[0]))
class Nt(typing.NamedTuple):
    a: int
    b: str = "b"
found.append(("typing.NamedTuple", Nt(1)))
class Td(typing.TypedDict):
    a: int
found.append(("TypedDict", Td(a=1)))
"""


def sourced(source, **names):
    names["sys"] = sys
    exec(source, names)
    return names["found"]


def enums():
    return sourced(ENUMS) if PY3 else ()


def dataclasses():
    return sourced(DATACLASSES) if VERSION >= (3, 8) else ()


def named_tuples():
    for n in list(range(0, 8)) + [20, 21]:
        kind = collections.namedtuple("Named%d" % n,
                                      ["field_%d" % i for i in range(n)])
        yield "namedtuple %d" % n, kind(*[[i] for i in range(n)])
        child = type("NamedChild", (kind,), {})
        made = child(*range(n))
        made.note = 1
        yield "namedtuple child %d" % n, made
    odd = collections.namedtuple("Odd", "a def a", rename=True)
    yield "namedtuple renamed", odd(1, 2, 3)
    import grp
    import os
    import pwd
    import resource
    import time
    for made in (os.stat("/"), os.statvfs("/"), os.uname(), os.times(),
                 time.localtime(0), time.gmtime(1e9), sys.flags,
                 sys.version_info, sys.float_info, sys.exc_info(),
                 pwd.getpwuid(0), grp.getgrgid(0),
                 resource.getrusage(resource.RUSAGE_SELF)):
        yield "structseq", made
    for name in ("hash_info", "int_info", "thread_info"):
        if hasattr(sys, name):
            yield "structseq", getattr(sys, name)
    for name in ("terminal_size", "sched_param"):
        if hasattr(os, name):
            yield "structseq", getattr(os, name)(
                (80, 24) if name == "terminal_size" else 5)


# ---- exceptions ----

def raised(error, cause=None, context=None, depth=3):
    def deep(n):
        if n:
            return deep(n - 1)
        if context is not None:
            try:
                raise context
            except BaseException:
                raise error
        raise error
    try:
        deep(depth)
    except BaseException as caught:
        if cause is not None and PY3:
            caught.__cause__ = cause
        return caught


def exceptions():
    builtins = __import__("builtins" if PY3 else "__builtin__")
    for word in sorted(vars(builtins)):
        kind = getattr(builtins, word)
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            continue
        for arguments in ((), (1,), (2, "two"), (5, "five", "file"),
                          ("utf-8", b"\xff\xfe", 0, 1, "why"),
                          (unicode("x"), 0, 1, "why"),
                          ("utf-8", unichr(0xe9), 0, 1, "why"),
                          ("many", [ValueError(1), KeyError("k")]),
                          ("text", ("file", 1, 2, "source")),
                          (2, "n", "file", None, "other")):
            try:
                made = kind(*arguments)
            except Exception:
                continue
            yield "%s of %d" % (word, len(arguments)), made
        try:
            yield "%s raised" % word, raised(kind("x"))
        except TypeError:
            pass
    yield "with cause", raised(ValueError("v"), cause=KeyError("k"))
    yield "with context", raised(ValueError("v"), context=raised(KeyError(1)))
    deep = raised(ValueError("deep"), depth=15)
    yield "deep", deep
    if PY3:
        for n, step in enumerate(chain(deep.__traceback__)):
            if n % 5 == 0:
                yield "traceback", step
                yield "its frame", step.tb_frame
        failure = OSError(2, "no such", "one", None, "two")
        failure.filename = b"bytes"
        yield "two files", failure
        failure = ImportError("im", name="module", path="/a/b")
        yield "import error", failure
        yield "stop", StopIteration([1])
    if VERSION >= (3, 11):
        noted = raised(ValueError("noted"))
        noted.add_note("one")
        noted.add_note("two")
        yield "noted", noted
        group = eval("ExceptionGroup")("outer", [
            noted, eval("ExceptionGroup")("inner", [KeyError(1)])])
        yield "group", raised(group)
        yield "group of one side", group.subgroup(KeyError)


def chain(step):
    while step is not None:
        yield step
        step = step.tb_next


# ---- functions, and what is under way ----

SUSPENDED = """
import types
found = []
@types.coroutine
def pause(x):
    yield x
async def awaits(n):
    local = [n]
    for i in range(n):
        await pause(i)
    return local
async def outer(n):
    return await awaits(n)
async def produces(n):
    for i in range(n):
        await pause(i)
        yield i
async def consumes(n):
    async for x in produces(n):
        await pause(x)
    return [x async for x in produces(n)]
async def fails():
    try:
        await pause(1)
        raise ValueError("it")
    finally:
        await pause(2)
for make in (awaits, outer, consumes):
    for steps in range(6):
        thing = make(3)
        try:
            for _ in range(steps):
                thing.send(None)
        except StopIteration:
            pass
        found.append(("%s after %d" % (make.__name__, steps), thing))
        if thing.cr_frame:
            found.append(("its frame", thing.cr_frame))
        if thing.cr_await is not None:
            found.append(("what it awaits", thing.cr_await))
for steps in range(4):
    thing = fails()
    try:
        for _ in range(steps):
            thing.send(None)
    except (ValueError, StopIteration):
        pass
    found.append(("failing after %d" % steps, thing))
closed = awaits(2)
closed.send(None)
closed.close()
found.append(("coroutine closed", closed))
for steps in range(8):
    thing = produces(3)
    step = thing.__anext__()
    found.append(("async generator step fresh", step))
    for _ in range(steps):
        try:
            step.send(None)
        except StopIteration:
            step = thing.__anext__()
        except StopAsyncIteration:
            break
    found.append(("async generator after %d" % steps, thing))
    found.append(("async generator step", step))
    found.append(("asend", thing.asend(5)))
    found.append(("athrow", thing.athrow(KeyError)))
    found.append(("aclose", thing.aclose()))
for thing in (awaits(1), pause(2)):
    found.append(("awaitable", thing.__await__() if hasattr(
        thing, "__await__") else thing))
if hasattr(__builtins__, "anext") or sys.version_info >= (3, 10):
    found.append(("anext", anext(produces(1))))
    found.append(("anext with default", anext(produces(1), "default")))
"""


def generators():
    def plain(n):
        total = 0
        for i in range(n):
            total += i
            yield total

    def several(n):
        yield 1
        yield 2
        try:
            yield 3
            raise KeyError(n)
        except KeyError:
            yield 4
        finally:
            yield 5
    delegating = zoo.Zoo().run(
        "def delegates(n):\n    yield from inner(n)\n    yield 'last'\n",
        inner=several)["delegates"] if PY3 else several
    for make in (plain, several, delegating):
        for steps in range(8):
            thing = make(4)
            for _ in range(steps):
                next(thing, None)
            yield "generator %s after %d" % (make.__name__, steps), thing
            if thing.gi_frame is not None:
                yield "its frame", thing.gi_frame
    closed = several(1)
    next(closed)
    next(closed)
    closed.close()
    yield "generator closed", closed
    for n in (1, 3, 10):
        yield "expression", (i * j for i in range(n) for j in "ab")
    recursive = [None]

    def holding():
        recursive[0] = mine[0]
        yield mine
    mine = [None]
    mine[0] = holding()
    next(mine[0])
    yield "generator of itself", mine[0]


def suspended():
    return sourced(SUSPENDED) if VERSION >= (3, 6) else ()


RUNNING = """
import threading
held, begun = threading.Lock(), threading.Event()
held.acquire()
def waits():
    begun.set()
    held.acquire()
    yield
def delegates():
    yield from waits()
async def awaits():
    next(inner)
async def produces():
    coroutine.send(None)
    yield
inner, coroutine, outer = delegates(), awaits(), produces()
step = outer.__anext__()
thread = threading.Thread(target=step.send, args=(None,))
thread.daemon = True
thread.start()
begun.wait()
found = [("generator", inner), ("coroutine", coroutine),
         ("async generator", outer), ("its step", step),
         ("its frame", inner.gi_frame), ("lock", held), ("thread", thread)]
"""


def running():
    return sourced(RUNNING) if VERSION >= (3, 6) else ()


def callables():
    import operator
    source = "def made(%s): return lambda: (%s)\n"
    for n in range(0, 9):
        names = ", ".join("a%d" % i for i in range(n))
        of = {}
        exec(source % (names, names or "None"), of)
        made = of["made"]
        made.__defaults__ = tuple(range(n)) or None
        yield "function of %d" % n, made
        yield "code of %d" % n, made.__code__
        closure = made(*range(n))
        yield "closure of %d" % n, closure
        yield "code of closure of %d" % n, closure.__code__
        for cell in closure.__closure__ or ():
            yield "cell", cell
        yield "partial of %d" % n, functools.partial(made, *range(n))
        yield "partial by name", functools.partial(made, **dict(
            ("a%d" % i, [i]) for i in range(n)))
    for lines in (1, 10, 200, 5000):
        yield "code of %d lines" % lines, compile(
            "x = [1, 'y']\n" * lines, "<%d lines>" % lines, "exec")
    if PY3:
        of = {}
        exec("def k(a, *rest, b: int = 5, c=[], **more) -> str:\n"
             "    'doc'\n    return a\n"
             "k.x = k\n", of)
        yield "keywords", of["k"]
    for what in (len, [].append, {}.get, "".join, dict.fromkeys, str.join,
                 int.__add__, (5).__add__, list.__init__, object.__new__,
                 type.__call__, Holder.__init__, Holder().__init__,
                 operator.itemgetter, print_of(), sys.getsizeof, min, type.mro,
                 object.__dict__["__class__"], type.__dict__["__name__"],
                 Triple.one, Holder.__dict__["__dict__"],
                 Holder.__dict__["__weakref__"], (1.5).as_integer_ratio,
                 "%s".__mod__, bytearray(b"x").append, set().add):
        yield "callable", what
    held = Holder()

    class With(object):
        def method(self):
            return super(With, self)

        @classmethod
        def of_class(cls):
            return super(With, cls)

        @staticmethod
        def free():
            pass

        @property
        def shown(self):
            "doc"
    made = With()
    for what in (made.method, With.method, made.of_class, With.of_class,
                 With.free, made.method(), With.of_class(), super(With),
                 With.__dict__["of_class"], With.__dict__["free"],
                 With.__dict__["shown"], property(), property(len, len),
                 staticmethod(held), classmethod(len)):
        yield "method", what
    for items in ((0,), ("a", "b"), (slice(1), None), ([1], (2,))):
        yield "itemgetter", operator.itemgetter(*items)
    if PY3:
        for size in (0, 1, 2, 5, None):
            for typed in (False, True):
                cached = functools.lru_cache(maxsize=size, typed=typed)(
                    lambda *a, **k: a)
                for i in range(7):
                    cached(i), cached(i, k=i), cached("x")
                yield "lru_cache %s %s" % (size, typed), cached
        if VERSION >= (3, 8):
            class Lazy(object):
                @functools.cached_property
                def value(self):
                    return [1]

                @functools.singledispatchmethod
                def act(self, x):
                    pass
            lazy = Lazy()
            lazy.value
            yield "cached_property", Lazy.__dict__["value"]
            yield "with cached_property", lazy
        yield "partialmethod", functools.partialmethod(len, 1)
        nested = functools.partial(functools.partial(len, 1), 2, k=3)
        nested.note = "attribute"
        yield "partial of partial", nested


def print_of():
    return getattr(__import__("builtins" if PY3 else "__builtin__"), "print",
                   len)


# ---- memory of C ----

def views():
    if not PY3:
        yield "memoryview", memoryview(bytearray(5))
        yield "buffer", buffer("abc", 1)    # noqa: F821
        return
    import array
    data = bytearray(range(240))
    view = memoryview(data)
    for start, stop, step in itertools.product((0, 3, 239), (None, 100, 0),
                                               (1, 2, -1, -7)):
        yield "slice %s:%s:%s" % (start, stop, step), view[start:stop:step]
    for code in "bBhHiIlLqQnNfd?cP@B @h".split(" ")[0]:
        try:
            cast = view.cast(code)
        except (ValueError, TypeError):
            continue
        yield "cast %s" % code, cast
        yield "cast %s slice" % code, cast[1::2]
    for shape in ((240,), (1, 240), (240, 1), (2, 120), (4, 6, 10),
                  (2, 3, 4, 10), (1, 1, 1, 240), (2, 2, 2, 2, 15)):
        yield "shape %s" % (shape,), view.cast("B", shape)
        yield "shape %s of slice" % (shape,), view.cast("B", shape)[::1]
    yield "of nothing", memoryview(b"")
    yield "0-d", view[:8].cast("q", ())
    yield "of array", memoryview(array.array("d", [1.5, 2]))
    yield "read only", memoryview(b"bytes").toreadonly() if hasattr(
        view, "toreadonly") else memoryview(b"bytes")
    gone = memoryview(b"gone")
    gone.release()
    yield "released", gone
    yield "of view", memoryview(memoryview(view))
    yield "exported", data


def arrays():
    import array
    codes = getattr(array, "typecodes", "cbBuhHiIlLfd")
    for code in codes:
        text = code in "uwc"
        for n in around(resize_points(
                lambda: array.array(code),
                lambda a, i: a.append("x" if code == "c" else unicode("x")
                                      if text else i % 100), 70)):
            fill = ["x" if code == "c" else unicode("x") if text else i % 100
                    for i in range(n)]
            yield "array %s %d" % (code, n), array.array(code, fill)
            yield "array %s grown %d" % (code, n), grown(
                lambda: array.array(code),
                lambda a, i: a.append(fill[i]), n)
    for code, edges in (("b", (-128, 127)), ("B", (255,)), ("h", (-32768,)),
                        ("H", (65535,)), ("i", (-1 << 31,)),
                        ("I", ((1 << 32) - 1,)), ("l", (-sys.maxsize - 1,)),
                        ("L", (2 * sys.maxsize + 1,)),
                        ("f", (float("inf"), 0.1, float("nan"), 1e30, -0.0)),
                        ("d", (float("nan"), 5e-324, 1e16, 0.1))):
        yield "array %s edges" % code, array.array(code, edges)
    if PY3:
        yield "array q edges", array.array("q", (-1 << 63, (1 << 63) - 1))
        yield "array Q edges", array.array("Q", ((1 << 64) - 1,))
        for text in ("\xe9", "\u20ac'\"", "\U0001f600\n", "\ud800"):
            for code in set(codes) & set("uw"):
                yield "array %s text" % code, array.array(code, text)
    yield "array iterator", iter(array.array("i", [1, 2]))


def foreign():
    import ctypes
    simple = [getattr(ctypes, n) for n in sorted(dir(ctypes)) if
              n.startswith("c_") and isinstance(getattr(ctypes, n), type) and
              n not in ("c_buffer",)]
    seen = set()
    for kind in simple:
        if kind in seen:
            continue
        seen.add(kind)
        for value in (0, 1, -1, 127, 255, 1.5, b"b", unicode("w"), True,
                      b"text", unicode("text"), None, 2 ** 40 + 5):
            if kind.__name__[-5:] in ("har_p",) and isinstance(value, int):
                continue        # repr() would follow it (2.7)
            try:
                yield "%s of %r" % (kind.__name__, value), kind(value)
            except (TypeError, ValueError, OverflowError):
                continue
        yield "%s as it is" % kind.__name__, kind()
        yield "three of %s" % kind.__name__, (kind * 3)()
        yield "2x3 of %s" % kind.__name__, ((kind * 3) * 2)()
        yield "no %s" % kind.__name__, ctypes.POINTER(kind)()
        yield "pointer to %s" % kind.__name__, ctypes.pointer(kind())
        yield "type %s" % kind.__name__, kind
        for how in ("__ctype_be__", "__ctype_le__"):
            other = getattr(kind, how, None)
            if other is not None and other is not kind:
                yield "%s %s" % (kind.__name__, how), other(1)
    for base in (ctypes.Structure, ctypes.Union, ctypes.BigEndianStructure,
                 ctypes.LittleEndianStructure):
        for n in (0, 1, 2, 5, 40):
            kind = type("Fields%d" % n, (base,), {"_fields_": [
                ("f%d" % i, (ctypes.c_int, ctypes.c_double, ctypes.c_byte)[
                    i % 3]) for i in range(n)]})
            made = kind()
            yield "%s of %d" % (base.__name__, n), made
            yield "%s of %d, many" % (base.__name__, n), (kind * 5)()
            made = kind(*range(min(n, 2)))
            made.note = "x"
            yield "%s of %d, noted" % (base.__name__, n), made
    packed = type("Packed", (ctypes.Structure,), {
        "_pack_": 1, "_fields_": [("a", ctypes.c_char), ("b", ctypes.c_long)],
        "_layout_": "ms"})
    yield "packed", packed()
    bits = type("Bits", (ctypes.Structure,), {"_fields_": [
        ("a", ctypes.c_int, 3), ("b", ctypes.c_int, 5)]})
    yield "bits", bits(1, 2)
    yield "bit field", bits.a
    inner = type("Outer", (ctypes.Structure,), {"_fields_": [
        ("in", bits), ("p", ctypes.POINTER(bits))]})
    made = inner()
    made.p = ctypes.pointer(bits(1, 1))
    yield "nested", made
    yield "part of it", getattr(made, "in")
    yield "what its pointer shows", made.p.contents
    for n in (1, 15, 16, 17, 100, 5000):
        yield "string buffer %d" % n, ctypes.create_string_buffer(n)
        yield "wide buffer %d" % n, ctypes.create_unicode_buffer(n)
    yield "callback", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(abs)
    yield "py_object", ctypes.py_object([1])
    yield "no py_object", ctypes.py_object()
    yield "cast", ctypes.cast(ctypes.create_string_buffer(b"x"),
                              ctypes.c_void_p)
    yield "from buffer", (ctypes.c_char * 4).from_buffer(bytearray(8), 2)


def maps_and_files():
    import io
    import mmap
    import os
    import tempfile
    for size in (1, 4096, 4097, 1 << 20):
        yield "mmap %d" % size, mmap.mmap(-1, size)
    moved = mmap.mmap(-1, 100)
    moved.write(b"x" * 10)
    yield "mmap moved", moved
    closed = mmap.mmap(-1, 100)
    closed.close()
    yield "mmap closed", closed
    handle, path = tempfile.mkstemp()
    try:
        os.write(handle, b"line\n" * 5000)
        for access in (mmap.ACCESS_READ, mmap.ACCESS_WRITE, mmap.ACCESS_COPY):
            yield "mmap of a file", mmap.mmap(handle, 0, access=access)
        yield "mmap part", mmap.mmap(handle, 100, offset=4096)
        for mode in ("rb", "r+b", "r", "r+"):
            for size in (-1, 1, 100, 8192):
                if "b" not in mode and size == 1:
                    continue
                for read in (0, 1, 50):
                    made = io.open("/dev/zero" if mode[1:] == "b" else
                                   "/dev/null", mode, size)
                    if read and "b" in mode and "+" not in mode:
                        made.read(read)
                    yield "file %s %d %d" % (mode, size, read), made
        made = io.open("/dev/null", "w", encoding="latin-1", newline="\r\n")
        made.write(unicode("text"))
        yield "text written", made
        shut = io.open("/dev/null", "wb")
        shut.close()
        yield "file closed", shut
        raw = io.FileIO("/dev/null")
        raw.close()
        yield "raw closed", raw
        yield "raw of a number", io.FileIO(os.dup(handle), "r+")
        yield "pair", io.BufferedRWPair(io.FileIO("/dev/zero"),
                                        io.FileIO("/dev/null", "w"))
    finally:
        os.close(handle)
        os.unlink(path)
    for n in around([0, 1, 16, 32, 33, 64, 128, 512, 1000]):
        for at in (0, n // 2, n):
            made = io.BytesIO(b"x" * n)
            made.seek(at)
            yield "BytesIO %d at %d" % (n, at), made
            made = io.BytesIO()
            made.write(b"x" * n)
            made.seek(at)
            yield "BytesIO written %d" % n, made
            made = io.StringIO(unicode("x") * n)
            made.seek(at)
            yield "StringIO %d at %d" % (n, at), made
            made = io.StringIO()
            for _ in range(n):
                made.write(unicode("x"))
            yield "StringIO written %d" % n, made
            made.truncate(at)
            yield "StringIO cut %d" % n, made
    held = io.BytesIO(b"held" * 9)
    yield "BytesIO lent", held
    yield "its view", held.getbuffer() if PY3 else held
    for of in (io.BytesIO(), io.StringIO()):
        of.close()
        yield "closed", of


# ---- numbers of the library, times ----

def decimals():
    import decimal
    import fractions
    texts = ["0", "-0", "1", "-1.50", "Infinity", "-Infinity", "NaN", "sNaN",
             "NaN123", "-sNaN99", "1E+10", "1E-10", "0E+3", "0E-7", "-0E-8",
             "123.456E+50", "1E+999999", "1E-999999", "0.000001", "0.0000001"]
    for exponent in range(-12, 13, 3):
        for digits in ("1", "12", "1234567"):
            texts.append("%sE%+d" % (digits, exponent))
    for n in around([18, 19, 36, 38, 57, 76, 95, 114, 1000]):
        texts.append("9" * n)
        texts.append("1" + "0" * n)
        texts.append("-0." + "3" * n)
    for text in texts:
        yield "Decimal %s" % text[:20], decimal.Decimal(text)
    for precision in (1, 28, 50, 200, 1000):
        context = decimal.Context(prec=precision)
        yield "Context %d" % precision, context
        third = context.divide(decimal.Decimal(1), 3)
        yield "third to %d" % precision, third
        yield "its product", context.multiply(third, third)
    yield "flags", decimal.getcontext().flags
    for a, b in ((0, 1), (1, 3), (-5, 7), (10 ** 40, 3), (2, 4)):
        yield "Fraction", fractions.Fraction(a, b)


def times():
    import datetime as d
    dates = [d.date.min, d.date.max, d.date(2020, 2, 29), d.date(1, 1, 1)]
    plain = [d.time.min, d.time.max, d.time(1), d.time(1, 2), d.time(1, 2, 3),
             d.time(1, 2, 3, 4), d.time(0, 0, 0, 999999)]
    stamps = [d.datetime.min, d.datetime.max, d.datetime(2020, 1, 2),
              d.datetime(2020, 1, 2, 3), d.datetime(2020, 1, 2, 3, 4, 5),
              d.datetime(2020, 1, 2, 3, 4, 5, 6),
              d.datetime(2020, 1, 2, 0, 0, 0, 1)]
    spans = [d.timedelta(), d.timedelta.min, d.timedelta.max,
             d.timedelta.resolution, d.timedelta(1), d.timedelta(-1),
             d.timedelta(0, 1), d.timedelta(0, 0, 1), d.timedelta(1, 1),
             d.timedelta(-1, 86399, 999999), d.timedelta(microseconds=-1),
             d.timedelta(1, 1, 1), d.timedelta(1, 0, 1)]
    for thing in dates + plain + stamps + spans:
        yield type(thing).__name__, thing

    class Zone(d.tzinfo):
        def utcoffset(self, when):
            return d.timedelta(hours=1)

        def dst(self, when):
            return None
    zones = [Zone()]
    if PY3:
        zones += [d.timezone.utc, d.timezone(d.timedelta()),
                  d.timezone.min, d.timezone.max]
        for seconds in (60, -60, 3600, -3600, 5400, -12345):
            try:
                zones.append(d.timezone(d.timedelta(seconds=seconds)))
                zones.append(d.timezone(d.timedelta(seconds=seconds),
                                        "it's %d" % seconds))
            except ValueError:
                pass        # whole minutes until 3.7
    for zone in zones:
        yield "zone", zone
        for thing in plain[:4] + stamps[2:6]:
            yield type(thing).__name__ + " zoned", thing.replace(tzinfo=zone)
            if PY3:
                yield type(thing).__name__ + " folded", thing.replace(
                    tzinfo=zone, fold=1)
    if PY3:
        yield "folded", stamps[3].replace(fold=1)
        yield "folded time", plain[5].replace(fold=1)
    if hasattr(d.date, "isocalendar"):
        yield "isocalendar", d.date(2020, 1, 2).isocalendar()
    for base in (d.date, d.time, d.datetime, d.timedelta):
        kind = type("My" + base.__name__, (base,), {})
        yield "subclass of " + base.__name__, kind(2020, 1, 2) if \
            "date" in base.__name__ else kind(1, 2)
    if VERSION >= (3, 9):
        import zoneinfo
        for key in ("UTC", "Europe/Berlin"):
            try:
                zone = zoneinfo.ZoneInfo(key)
            except Exception:       # no data here
                continue
            yield "ZoneInfo", zone
            yield "in it", d.datetime(2020, 1, 2, tzinfo=zone)


# ---- the rest ----

def weak():
    import weakref
    live, dead = Holder(), Holder()
    named = type("Named", (object,), {"__name__": "an instance's name"})()
    keep = [live, named]
    for of in (live, named, len, Holder, set([1]), collections.deque(),
               functools.partial(len)):
        try:
            yield "weakref", weakref.ref(of)
            yield "weakref with callback", weakref.ref(of, keep.append)
        except TypeError:
            pass
        keep.append(of)
    for target in (live, dead):
        yield "proxy", weakref.proxy(target)
        yield "proxy again", weakref.proxy(target)

    class MyRef(weakref.ref):
        __slots__ = ("note",)
    yield "subclass", MyRef(live)
    yield "keyed", weakref.KeyedRef(dead, None, "key")
    yield "dead", weakref.ref(dead)
    values = weakref.WeakValueDictionary(a=live, b=dead)
    yield "values", values
    yield "keys", weakref.WeakKeyDictionary({live: 1, dead: 2})
    yield "set", weakref.WeakSet([live, dead])
    yield "held weakly", live
    keep.append(values)
    yield "kept", keep
    del dead


def ranges():
    huge = 1 << 70 if PY3 else 1 << 40
    ends = [0, 1, -1, 5, 255, 256, 1 << 30]
    if PY3:
        ends += [(1 << 62) - 1, (1 << 63) - 1, 1 << 63, huge, -huge]
    for start, stop in itertools.product(ends, ends):
        for step in (1, -3):
            try:
                yield "range", range(start, stop, step)
                yield "range iterator", iter(range(start, stop, step))
            except OverflowError:
                pass
    for a, b, c in itertools.product((None, 0, -1, huge, "s"), repeat=3):
        yield "slice", slice(a, b, c)


def iterators():
    things = ([], [1, 2], (), (1,), "", "ab", b"ab", bytearray(b"ab"), {},
              {"a": 1}, set(), set("ab"), frozenset("ab"), range(0), range(3),
              collections.deque(range(70)), collections.OrderedDict(a=1),
              unicode("\u20ac"), unicode("ab"))
    for of in things:
        for steps in (0, 1, 3):
            made = iter(of)
            for _ in range(steps):
                next(made, None)
            yield "%s iterator after %d" % (type(of).__name__, steps), made
        try:
            yield "reversed", reversed(of)
        except TypeError:
            pass
        yield "enumerate", enumerate(of)
        yield "zip", zip(of, of)
        yield "chain", itertools.chain(of, of)
        yield "cycle", itertools.cycle(of)
        yield "islice", itertools.islice(of, 1, None, 2)
        for repeat in (0, 1, 2):
            yield "product", itertools.product(of, repeat=repeat)
        for r in (0, 1, 2):
            for name in ("permutations", "combinations",
                         "combinations_with_replacement"):
                made = getattr(itertools, name)(of, r)
                yield name, made
                next(made, None)
                yield name + " begun", made
    numbers = [0, 1, -1, sys.maxsize, sys.maxsize - 1, -sys.maxsize, 1 << 70]
    if hasattr(sys, "gettotalrefcount"):    # an assertion fails
        numbers.remove(sys.maxsize)
    for start, step in itertools.product(numbers + [1.5], numbers + [0.5]):
        yield "count", itertools.count(start, step)
        made = itertools.count(start, step)
        next(made), next(made)
        yield "count begun", made
    for n in (0, 1, 5):
        yield "repeat %d" % n, itertools.repeat([n], n)
    yield "repeat", itertools.repeat(None)
    for n in around([0, 57, 58, 114]):
        one, two = itertools.tee(iter(range(200)))
        for _ in range(n):
            next(one)
        yield "tee %d" % n, one
        yield "tee behind", two
    for made in (itertools.groupby("aabb"), itertools.starmap(len, []),
                 itertools.takewhile(len, ["a"]),
                 itertools.dropwhile(len, ["a"]),
                 itertools.compress("ab", [1, 0]), map(len, ["a"]),
                 filter(None, "ab"), iter(len, 3)):
        yield "itertools", made
    if PY3:
        for made in (itertools.accumulate([1, 2]),
                     itertools.zip_longest("ab", "c", fillvalue=[]),
                     itertools.filterfalse(None, [0])):
            yield "itertools", made
            next(made)
            yield "itertools begun", made


def patterns():
    import re
    flags = [0, re.I, re.M, re.S, re.X, re.I | re.M, re.U | re.I,
             re.I | re.M | re.S | re.X]
    if PY3:
        flags += [re.A, re.A | re.I]
    for text in ("", "a", "a'b", "(a)(b)?(?P<n>c)", "\\d+\n", "x" * 199,
                 "x" * 200, "x" * 201, "y" * 5000, "[%s]" % unichr(0xe9)):
        for flag in flags:
            yield "pattern", re.compile(unicode(text), flag)
    for flag in (0, re.I, re.L if PY3 else re.M):
        yield "bytes pattern", re.compile(b"a+", flag)
    if PY3:
        yield "debug", re.compile("a{1,3}?")
    found = re.compile("(a+)(?P<last>b)?")
    for text in ("a", "ab", "aaaab", "x" * 80 + "a" * 100):
        yield "match", found.search(text)
        yield "scanner", found.scanner(text)
        yield "finditer", found.finditer(text)


LOCKS = """
import threading
found = []
for n in range(4):
    lock = threading.RLock()
    for _ in range(n):
        lock.acquire()
    found.append(("RLock %d" % n, lock))
    found.append(("Condition of RLock %d" % n, threading.Condition(lock)))
for held in (False, True):
    lock = threading.Lock()
    if held:
        lock.acquire()
    found.append(("Lock", lock))
    found.append(("Condition of Lock", threading.Condition(lock)))
    event = threading.Event()
    if held:
        event.set()
    found.append(("Event", event))
for n in (0, 1, 5):
    found.append(("Semaphore", threading.Semaphore(n)))
    found.append(("BoundedSemaphore", threading.BoundedSemaphore(n)))
local = threading.local()
local.x = [1]
found.append(("local", local))
found.append(("Thread", threading.Thread(name="not begun")))
found.append(("main", threading.current_thread()))
try:
    import queue
    for kind in (queue.Queue, queue.LifoQueue, queue.PriorityQueue):
        made = kind(3)
        made.put(1)
        found.append(("Queue", made))
    for n in (0, 1, 9, 40):
        made = queue.SimpleQueue()
        for i in range(n):
            made.put(i)
        found.append(("SimpleQueue", made))
except (ImportError, AttributeError):
    pass
if hasattr(threading, "Barrier"):
    found.append(("Barrier", threading.Barrier(3)))
"""

ASYNCIO = """
import asyncio
loop = asyncio.new_event_loop()
found = [("loop", loop)]
def future(what):
    made = loop.create_future()
    if what == "result":
        made.set_result([1, "two"])
    elif what == "exception":
        made.set_exception(ValueError("it"))
        made.exception()
    elif what == "cancelled":
        made.cancel()
    return made
for what in ("pending", "result", "exception", "cancelled"):
    found.append(("future " + what, future(what)))
waited = loop.create_future()
async def waits(x):
    return await waited
async def returns(x):
    return x
async def raises(x):
    raise KeyError(x)
async def outer(x):
    return await waits([x])
async def cancels(x):
    raise asyncio.CancelledError()
def task(coro, **names):
    try:
        return loop.create_task(coro, **names)
    except TypeError:
        made = loop.create_task(coro)
        return made
tasks = [task(f("arg"), name="name of " + f.__name__) for f in
         (waits, returns, raises, outer, cancels)]
tasks.append(task(waits(1)))
cancelled = task(waits(2))
condition, queue = asyncio.Lock, asyncio.Queue
loop.call_soon(cancelled.cancel)
gathered = asyncio.gather(*tasks[:2], return_exceptions=True) if \\
    sys.version_info >= (3, 10) and False else None
for _ in range(3):
    loop.call_soon(loop.stop)
    loop.run_forever()
fresh = task(waits(3))
for t in tasks + [cancelled, fresh]:
    found.append(("task of " + t._coro.__name__ if hasattr(t, "_coro")
                  else "task", t))
    if t.done() and not t.cancelled():
        t.exception()
waiting = task(waits(4))
loop.call_soon(loop.stop)
loop.run_forever()
waiting.cancel()
found.append(("task to be cancelled", waiting))
called = loop.create_future()
called.add_done_callback(print)
found.append(("future with callback", called))
found.append(("handle", loop.call_soon(print)))
found.append(("timer", loop.call_later(1e9, print)))
class MyFuture(asyncio.Future): pass
class MyTask(asyncio.Task): pass
found.append(("future subclass", MyFuture(loop=loop)))
found.append(("task subclass", MyTask(waits(5), loop=loop)))
future_iter = iter(future("pending")) if hasattr(
    asyncio.Future, "__iter__") else future("pending").__await__()
found.append(("future iterator", future_iter))
"""

CONTEXTS = """
import contextvars
found = []
variables = [contextvars.ContextVar("v%d" % i) for i in range(70)]
found.append(("variable", variables[0]))
found.append(("with default", contextvars.ContextVar("d", default=[1])))
found.append(("with None", contextvars.ContextVar("it's", default=None)))
for n in (0, 1, 2, 15, 16, 17, 31, 32, 33, 70):
    context = contextvars.Context()
    for v in variables[:n]:
        token = context.run(v.set, [v])
    found.append(("context of %d" % n, context))
    for view in (context.keys(), context.values(), context.items(),
                 iter(context)):
        found.append(("view of %d" % n, view))
    if n:
        found.append(("token", token))
        again = context.run(token.var.set, "again")
        found.append(("token of second", again))
        context.run(token.var.reset, again)
        found.append(("token used", again))
found.append(("missing", contextvars.Token.MISSING))
found.append(("copy", contextvars.copy_context()))
"""

TYPES = """
import types, typing, collections.abc
found = []
for n in range(4):
    space = types.SimpleNamespace(**{"a%d" % i: [i] for i in range(n)})
    found.append(("namespace %d" % n, space))
space = types.SimpleNamespace(x=1)
space.__dict__["not a name"] = 2
space.__dict__["z"] = 3
found.append(("namespace odd", space))
for of in ({}, {"a": 1}, collections.OrderedDict(a=1), collections.UserDict()):
    found.append(("mappingproxy", types.MappingProxyType(of)))
found.append(("dict of class", type.__dict__["__dict__"].__get__(
    types.SimpleNamespace)))
module = types.ModuleType("odd name")
found.append(("module", module))
for path in (None, "/x/y.py", "it's"):
    module = types.ModuleType("with_file")
    module.__file__ = path
    found.append(("module of file", module))
module = types.ModuleType("without")
del module.__name__
found.append(("module without name", module))
import importlib.machinery, os, json
module = types.ModuleType("spec")
module.__spec__ = importlib.machinery.ModuleSpec("by_spec", None,
                                                 origin="there")
found.append(("module with spec", module))
for module in (sys, os, json, types):
    found.append(("module", module))
found.append(("spec", json.__spec__))
found.append(("loader", json.__loader__))
T = typing.TypeVar("T")
found += [("TypeVar", v) for v in (
    T, typing.TypeVar("Co", covariant=True),
    typing.TypeVar("Contra", contravariant=True),
    typing.TypeVar("B", bound=int), typing.TypeVar("C", int, str))]
class Box(typing.Generic[T]): pass
found += [("typing", v) for v in (
    Box[int], typing.Any, typing.List[int], typing.Optional[int],
    typing.Callable[[int], str], typing.Tuple[int, ...], typing.Dict[str, T],
    typing.Union[int, str], typing.Generic, Box)]
"""

TYPES_NEW = [
    ((3, 8), "found += [('Literal', typing.Literal[1, 'a']), "
             "('Final', typing.Final[int])]"),
    ((3, 9), "found += [('alias', v) for v in (list[int], dict[str, list[T]],"
             " tuple[int, ...], tuple[()], type[int], list[T],"
             " collections.abc.Callable[[int], str],"
             " collections.abc.Iterable[int], list['name'], list[None],"
             " list[...], list[[1, 2]], list[list[list[int]]])]"),
    ((3, 10), "found += [('union', v) for v in (int | str, int | None,"
              " int | list[str], int | str | float, list[int] | None,"
              " typing.ParamSpec('P'), T | None)]"),
    ((3, 11), "found += [('unpacked', v) for v in (iter(list[int]),"
              " next(iter(tuple[int, str])), typing.TypeVarTuple('Ts'),"
              " typing.Self, typing.Never)]"),
    ((3, 12), "type Alias[X] = list[X]\n"
              "def generic[X: int, *Y, **Z](x: X) -> X: return x\n"
              "class G[X, *Y]: pass\n"
              "found += [('new', v) for v in (Alias, generic, G, Alias[int],"
              " *generic.__type_params__)]"),
    ((3, 13), "def defaulted[X = int](x: X): return x\n"
              "found += [('default', v) for v in (typing.NoDefault,"
              " *defaulted.__type_params__)]"),
    ((3, 14), "value = [1]\n"
              "found += [('template', v) for v in (t'', t'plain',"
              " t'a {value} b', t'{value!r:>10}{value}', t'{value=}',"
              " t'{t\"{value}\"}', *t'{value!s:x}')]\n"
              "found.append(('annotations', generic.__annotate__))"),
    ((3, 15), "found += [('frozendict', v) for v in (frozendict(),"
              " frozendict(a=1), frozendict({i: i for i in range(100)}),"
              " frozendict({(1, 2): frozendict(x=[1])}))]\n"
              "class FrozenChild(frozendict): pass\n"
              "found.append(('frozendict subclass', FrozenChild(a=1)))\n"
              "found += [('sentinel', v) for v in ("
              "[sentinel('MISSING')] if 'sentinel' in dir(__builtins__) else "
              "[])]"),
]


def locks():
    return sourced(LOCKS)


def asyncio():
    return sourced(ASYNCIO) if VERSION >= (3, 6) else ()


def contexts():
    return sourced(CONTEXTS) if VERSION >= (3, 7) else ()


def types():
    if VERSION < (3, 6):
        return []
    source = TYPES + "\n".join(
        text for since, text in TYPES_NEW if VERSION >= since)
    return sourced(source)


def odds():
    import random as library
    import struct
    import uuid
    for n in (0, 1, (1 << 128) - 1, 0x1234 << 64):
        yield "UUID", uuid.UUID(int=n)
    if hasattr(uuid, "SafeUUID"):
        for safe in uuid.SafeUUID:
            yield "SafeUUID", safe
            yield "UUID with it", uuid.UUID(int=5, is_safe=safe)
    for text in ("", "b", "<iqd10s", ">3h", "@P", "=100x"):
        yield "Struct", struct.Struct(text)
    for n in (0, 1, 1 << 100):
        yield "Random", library.Random(n)
    yield "SystemRandom", library.SystemRandom()
    for what in (None, True, False, Ellipsis, NotImplemented, type, object,
                 object(), Holder, Holder()):
        yield "single", what
    import xml.etree.ElementTree as etree
    for n in around([0, 4, 5]):
        made = etree.Element("tag")
        for i in range(n):
            etree.SubElement(made, "child", {"n": str(i)}).text = "t"
        yield "Element %d" % n, made
    import string
    yield "Template", string.Template("$x")
    import logging
    yield "Logger", logging.getLogger("menagerie")
    yield "Handler", logging.StreamHandler(sys.stderr)
    if PY3:
        import pathlib
        yield "Path", pathlib.Path("/a/b")
        yield "PurePath", pathlib.PurePosixPath("c")


KEEPERS = (integers, reals, texts, byte_arrays, lists, dicts, sets, deques,
           nested, recursive, subclasses, layouts, enums, dataclasses,
           named_tuples, exceptions, generators, suspended, running, callables,
           views, arrays, foreign, maps_and_files, decimals, times, weak, ranges,
           iterators, patterns, locks, asyncio, contexts, types, odds)


def menagerie(step=1, seed=0):
    """Every STEPth of them, from another one each with another SEED."""
    found = zoo.Zoo()
    found.others = []       # others may need them
    for keeper in KEEPERS:
        count, first = 0, seed % step
        try:
            for label, animal in keeper():
                if count % step == first:
                    found.add("%s: %s" % (keeper.__name__, label), animal)
                else:
                    found.others.append(animal)
                count += 1
        except Exception as error:
            found.absent.append("%s: %s: %s" % (
                keeper.__name__, type(error).__name__, error))
    return found
