# SPDX-License-Identifier: GPL-3.0-or-later
"""What the debuggee knows about its own heap, computed in a forked copy.

The copy has the same addresses and the same contents as the process that
blocks, so it may allocate as it likes: it first takes the figures that any
allocation would change, and everything else follows from the list of objects
the collector knew at the moment of the fork.
"""
try:
    import builtins
except ImportError:
    import __builtin__ as builtins
import ctypes
import gc
import json
import os
import random
import sys
import traceback
import types

import memory

try:
    import faulthandler
except ImportError:
    faulthandler = None

HAVE_INLINE_VALUES = sys.version_info >= (3, 11)
MANAGED_DICT = 1 << 4
INLINE_VALUES = 1 << 2

#: Fields of code objects that Python can show without making a new object.
CODE_FIELDS = ("co_consts", "co_names", "co_filename", "co_name",
               "co_qualname", "co_linetable", "co_exceptiontable")
if sys.version_info < (3, 11):
    CODE_FIELDS += ("co_code", "co_varnames", "co_freevars", "co_cellvars")
if sys.version_info < (3, 10):
    CODE_FIELDS += ("co_lnotab",)

#: Types whose traversal shows every reference, or which hold none: no scan.
COMPLETE = frozenset([
    int, float, complex, bool, bytes, bytearray, str, list, tuple, dict, set,
    frozenset, type(lambda: 0), type(len), type((lambda x: lambda: x)(1)
                                            .__closure__[0])])
if sys.version_info >= (3, 15):
    COMPLETE -= {bytearray}     # whose memory is a bytes object
FROZEN_DICT = getattr(builtins, "frozendict", ())   # 3.15

#: Types with stale words in their body: only their traversal counts.
STALE = frozenset([type(sys._getframe()), type(x for x in ())] + [
    getattr(types, name) for name in ("CoroutineType", "AsyncGeneratorType")
    if hasattr(types, name)])


def address_of(pointer):
    return ctypes.cast(pointer, ctypes.py_object).value


def word_now(address):
    """As it is in this copy by now."""
    return ctypes.c_size_t.from_address(address).value


def type_name(kind):
    try:
        module = kind.__dict__.get("__module__")
        if not isinstance(module, str):
            module = kind.__module__
        if module == "__builtin__":
            module = "builtins"     # the commands have one name for it
        return "%s.%s" % (module, getattr(kind, "__qualname__", None)
                          or kind.__name__)
    except Exception as error:
        return "? %s" % error


#: Types of the objects that the interpreter keeps in its own data.
FROZEN = frozenset(map(id, [str, bytes, int, tuple, type(address_of.__code__)]
                       if sys.version_info >= (3, 11) else []))

FROZEN_COUNT = 900000000
HEAPTYPE = 1 << 9
OLD_STATIC_TYPE = 49 * memory.WORD  # which 2.7 itself takes for larger
HAVE_GC = 1 << 14

UNSOUND = frozenset(map(id, STALE))
IMMORTAL = (1 << 62 if sys.version_info < (3, 12) else 1 << 31
            if memory.WIDE else (1 << 30) - 1)


class Closure(object):
    """Everything that can be reached from the collector's objects."""

    def __init__(self, tracked, sizes, targets):
        self.memory = memory.Memory(os.getppid())
        self.objects = {}
        # Py_TRACE_REFS: all there are but static ones.
        self.listed = set(map(id, sys.getobjects(0))) if hasattr(
            sys, "getobjects") else None
        self.sizes = sizes
        self.how, self.gone = {}, {}
        self.instances = {}     # dicts that may show an instance's values
        self.queue = []
        self.targets = targets
        self.holders = dict((t, {}) for t in targets)
        self.learn_types(tracked)
        for thing in tracked:
            self.add(thing, "gc")

    def learn_types(self, tracked):
        """Every type object, so that the scan can tell an object."""
        pending = [object] + [o for o in tracked if issubclass(type(o), type)]
        pending += [type(o) for o in tracked]
        known = self.memory.types
        while pending:
            kind = pending.pop()
            if id(kind) in known:
                continue
            known.add(id(kind))
            pending.append(type(kind))
            pending.extend(type.__subclasses__(kind))
            pending.extend(b for b in kind.__mro__)

    def add(self, thing, how):
        """Note a new one, if it was there at the fork."""
        if id(thing) not in self.objects and (
                how == "gc" or self.memory.is_object(id(thing))):
            if id(thing) not in self.sizes:
                self.sizes[id(thing)] = size_of(thing)
            self.objects[id(thing)] = thing
            self.how[id(thing)] = how
            self.queue.append(thing)

    def fields(self, thing, kind):
        """References that traversal does not show but Python does."""
        if issubclass(kind, dict):
            return list(dict.keys(thing))
        if issubclass(kind, FROZEN_DICT):
            return list(FROZEN_DICT.keys(thing))
        if kind is CODE:
            found = [getattr(thing, name) for name in CODE_FIELDS
                     if hasattr(thing, name)]
            return found
        if issubclass(kind, type):
            found = gc.get_referents(thing.__dict__)
            found += [thing.__mro__, thing.__bases__]
            # A type that nobody readied has no base: asking readies it.
            if id(thing.__base__) in self.body(thing, kind):
                found.append(thing.__base__)
            return found
        return []

    def names(self, thing, kind):
        """Strings of a tuple that is shown only as a copy."""
        if kind is CODE and sys.version_info >= (3, 11):
            return thing.co_varnames + thing.co_cellvars + thing.co_freevars
        return ()

    def body(self, thing, kind):
        """Addresses of objects in the body of a C object."""
        if issubclass(kind, tuple) and "n_sequence_fields" in kind.__dict__:
            # Items beyond its length, which traversal left out before 3.8.
            return self.memory.pointers(
                id(thing) + tuple.__basicsize__ + memory.WORD * len(thing),
                memory.WORD * (kind.n_fields - len(thing)))
        if kind in COMPLETE or kind in STALE or type.__getattribute__(
                kind, "__basicsize__") <= memory.HEADER:
            return []
        if sys.version_info < (3,) and issubclass(kind, type(u"")):
            # Length, text, hash, encoded form: text may look like anything.
            return self.memory.pointers(
                id(thing) + memory.HEADER + 3 * memory.WORD, memory.WORD)
        size, start = kind.__basicsize__, memory.HEADER
        if issubclass(kind, dict) and sys.version_info < (3,):
            start = dict.__basicsize__  # with a table that may be stale
        if issubclass(kind, type):      # a static one is shorter
            size = min(size, type.__sizeof__(thing) if
                       sys.version_info >= (3,) or thing.__flags__ & HEAPTYPE
                       else OLD_STATIC_TYPE)
        return self.memory.pointers(id(thing) + start, size - start)

    def is_sound(self, word):
        """May the scan call this an object?  A C table of {number, type} in
        a file's data looks like one, so there only a few kinds are; and what
        the collector tracks it has listed, or set aside as immortal."""
        if word in self.objects:
            return True
        count = self.memory.count(word)
        kind = self.memory.word(word + memory.TYPE)
        if kind in UNSOUND:
            return False
        now = self.memory.count(word, word_now)
        # In the copy, meanwhile.  Or no more than a count and a type, which
        # may as well be what is left of one in somebody's block.
        if not self.memory.is_count(now, word) or \
                word_now(word + memory.TYPE) != kind or kind == id(object):
            self.gone[word] = kind
            return False
        if not self.memory.is_static(word):
            if self.listed is not None and word not in self.listed:
                return False
            return count >= IMMORTAL or not (
                address_of(kind).__flags__ & HAVE_GC and
                self.memory.is_tracked(word))
        return (word in self.memory.types or
                FROZEN_COUNT < count & 0xffffffff and kind in FROZEN)

    def edges(self, thing):
        kind = type(thing)
        found = [(r, "referent") for r in gc.get_referents(thing)]
        if kind.__flags__ & INLINE_VALUES and sys.version_info >= (3, 13):
            for other, _ in found:
                if type(other) is dict:
                    self.instances[id(other)] = id(thing)
        if kind.__flags__ & HEAPTYPE:   # others are not counted
            found.append((kind, "type"))
        else:
            self.add(kind, "type")
        found += [(r, "field") for r in self.fields(thing, kind)]
        for word in self.body(thing, kind):
            if self.is_sound(word):
                found.append((address_of(word), "scan"))
        return found

    def run(self):
        for word in self.memory.static_pointers() + self.interpreter():
            if self.is_sound(word) and not self.memory.is_static(word):
                self.add(address_of(word), "static")
        for word in self.memory.immortals():
            if self.is_sound(word):
                self.add(address_of(word), "immortal")
        while self.queue:
            thing = self.queue.pop()
            for other, how in self.edges(thing):
                if id(other) in self.targets:
                    self.holders[id(other)].setdefault(id(thing), how)
                if id(other) not in self.objects:
                    self.add(other, how)
            for name in self.names(thing, type(thing)):
                self.add(name, "name")

    def interpreter(self):
        """What the state of the interpreter points to (on the C heap until
        3.10); the debug hooks of the allocator precede it by two words."""
        head = ctypes.pythonapi.PyInterpreterState_Head
        head.restype = ctypes.c_void_p
        usable = ctypes.CDLL(None).malloc_usable_size
        usable.argtypes, usable.restype = [ctypes.c_void_p], ctypes.c_size_t
        state = head()
        if self.memory.is_static(state):
            return []
        if has_hooks():
            state -= 2 * memory.WORD
        return self.memory.pointers(state, usable(state) & -memory.WORD)

    def attribute_names(self):
        """Names held by the shared keys of classes.  Makes dicts: do last."""
        if not HAVE_INLINE_VALUES:
            return
        for thing in list(self.objects.values()):
            kind = type(thing)
            if kind.__flags__ & MANAGED_DICT:
                try:
                    names = object.__getattribute__(thing, "__dict__")
                except AttributeError:
                    continue
                # There before, if traversal goes past it to inline values.
                self.add(names, "dict")
                for name in dict.keys(names):
                    self.add(name, "shared key")


def has_hooks():
    """Does the allocator have its debug hooks?  Unasked in development mode
    and in debug builds."""
    asked = os.environ.get("PYTHONMALLOC")
    if asked:
        return "debug" in asked
    return getattr(sys.flags, "dev_mode", False) or \
        hasattr(sys, "gettotalrefcount")


def layers_of_hooks():
    """How often the debug hooks are around what is too large for a pool:
    pymalloc asks the raw allocator for it, which has its own."""
    asked = os.environ.get("PYTHONMALLOC", "")
    if not has_hooks():
        return 0
    plain = asked == "malloc_debug" or asked.startswith("mimalloc") or \
        (asked == "debug" and sys.version_info < (3, 7))
    return 1 if plain or sys.version_info < (3,) else 2


CODE = type(type_name.__code__)


#: Sizes of code before the oracle makes some run hot and get caches (3.8).
COOL = {}


def cool(code):
    COOL[id(code)] = sys.getsizeof(code)
    for inner in code.co_consts:
        if type(inner) is type(code):
            cool(inner)


def prepare():
    """To be called before the fork."""
    for thing in gc.get_objects():
        if type(thing) is type(prepare):
            cool(thing.__code__)
    for kind in (Closure, memory.Memory):
        COOL[id(kind)] = sys.getsizeof(kind)    # its instances' keys


def size_of(thing):
    if id(thing) in COOL:
        return COOL[id(thing)]
    try:
        return sys.getsizeof(thing)
    except Exception:       # its own __sizeof__ needs what it has not
        return 0


def unreached(closure):
    """What looks like an object and is not in the closure, by type."""
    found = {}
    for address in closure.memory.look_alikes():
        if address not in closure.objects:
            kind = closure.memory.word(address + memory.TYPE)
            found.setdefault(hex(kind).rstrip("L"), []).append(hex(address).rstrip("L"))
    return found


def new_row(kind):
    return {"name": type_name(kind), "tracked": 0, "count": 0, "size": 0,
            "static_count": 0, "static_seen": 0, "static_scan": 0,
            "how": {}}


def by_type(closure, tracked, first):
    rows = {}
    for thing in list(closure.objects.values()):
        kind = type(thing)
        row = rows.get(id(kind))
        if row is None:
            row = rows[id(kind)] = new_row(kind)
        size = closure.sizes[id(thing)]
        row["count"] += 1
        row["size"] += size
        if closure.memory.is_static(id(thing)):
            row["static_count"] += 1
            row["static_scan"] += closure.how[id(thing)] == "scan"
        how = closure.how[id(thing)]
        row["how"][how] = row["how"].get(how, 0) + 1
    for thing in tracked:
        rows[id(type(thing))]["tracked"] += 1
    for address in closure.memory.look_alikes(static=True):
        kind = closure.memory.word(address + memory.TYPE)
        if kind not in rows and kind in closure.objects:
            # Only C holds objects of this type.
            rows[kind] = new_row(closure.objects[kind])
        if kind in rows:
            rows[kind]["static_seen"] += 1
    if sys.version_info < (3,):     # of the call in which the parent waits
        row = rows[id(tuple)]
        row["tracked"] += 1
        if id(first) not in closure.objects:
            row["count"] += 1
            row["size"] += sys.getsizeof(first)
    for word, kind in closure.gone.items():
        if kind in rows and word not in closure.objects:
            rows[kind]["gone"] = rows[kind].get("gone", 0) + 1
    return dict((hex(k).rstrip("L"), v) for k, v in rows.items())


def counting_cost():
    """References that `sys.getrefcount(things[i][1])` itself adds."""
    things = [("", object())]
    return sys.getrefcount(things[0][1]) - 1


def type_repr_of(kind):
    """Who wrote the __repr__ of the class: a function of Python, or none.
    namedtuple makes one, in a module of its own until 3.6."""
    for base in type.__getattribute__(kind, "__mro__"):
        if "__repr__" in base.__dict__:
            own = base.__dict__["__repr__"]
            if "__dataclass_fields__" in base.__dict__ and \
                    own.__code__.co_name == "wrapper":
                return None     # made by rule, and known
            if str(getattr(own, "__module__", "")).startswith(
                    "namedtuple_"):
                return None
            return ("%s.%s" % (own.__module__, getattr(
                own, "__qualname__", own.__name__))
                    if type(own) is types.FunctionType else None)
    return None


def place(code, line):
    return "%s (%s:%d)" % (getattr(code, "co_qualname", code.co_name),
                           code.co_filename, line)


def details(animal):
    """[key, text] that the commands must say, as Python knows them."""
    kind = type(animal)
    if kind is type(details):
        code = animal.__code__
        return [["defined", place(code, code.co_firstlineno)]]
    if kind is CODE:
        return [["defined", place(animal, animal.co_firstlineno)]]
    for prefix, of in (("gi", types.GeneratorType),
                       ("cr", getattr(types, "CoroutineType", None)),
                       ("ag", getattr(types, "AsyncGeneratorType", None))):
        if kind is of:
            frame = getattr(animal, prefix + "_frame")
            state = ("running" if getattr(animal, prefix + "_running") else
                     "closed" if frame is None else
                     "created" if frame.f_lasti < 0 or sys.version_info >= (
                         3, 11) and not_begun(animal, prefix) else
                     "suspended")
            if prefix == "ag":      # running is of its whole iteration
                state = ("closed" if frame is None else "created"
                         if not_begun(animal, prefix) else "running"
                         if is_running(frame) else "suspended")
            found = [["state", state]]
            if frame is not None:
                found.append(["stands_at", place(frame.f_code,
                                                 frame.f_lineno)])
            return found
    if issubclass(kind, BaseException):
        found, step = [], getattr(animal, "__traceback__", None)
        while step is not None:
            found.append(["traceback", place(step.tb_frame.f_code,
                                             step.tb_lineno)])
            step = step.tb_next
        return found
    if kind is str and hasattr(sys, "_is_interned"):
        return [["interned", sys._is_interned(animal)]]
    return []


def class_truth(animal):
    """What a class says of itself; None of others."""
    if not issubclass(type(animal), type):  # list[int] says it is one
        return None
    get = type.__getattribute__
    return {"mro": [hex(id(c)) for c in get(animal, "__mro__")],
            "flags": get(animal, "__flags__"),
            "basicsize": get(animal, "__basicsize__"),
            "itemsize": get(animal, "__itemsize__"),
            "dictoffset": get(animal, "__dictoffset__"),
            "weaklistoffset": get(animal, "__weakrefoffset__"),
            "subclasses": sorted(hex(id(c)) for c in
                                 type.__subclasses__(animal))}


def is_running(frame):
    """Is some thread in it?"""
    for other in sys._current_frames().values():
        while other is not None:
            if other is frame:
                return True
            other = other.f_back
    return False


def not_begun(animal, prefix):
    import inspect
    name = {"gi": "getgeneratorstate", "cr": "getcoroutinestate",
            "ag": "getasyncgenstate"}[prefix]
    if not hasattr(inspect, name):      # async generators, before 3.12
        frame = getattr(animal, prefix + "_frame")
        return frame.f_lasti < 0 or prefix == "ag" and \
            frame.f_lineno == frame.f_code.co_firstlineno
    return getattr(inspect, name)(animal).endswith("_CREATED")


def generations(tracked):
    """{id: generation} of the collector's objects."""
    if sys.version_info < (3, 8):
        return {}
    return dict((id(thing), number) for number in range(3)
                for thing in gc.get_objects(generation=number))


def classic(animal):
    """An instance of a classic class, which may have a __repr__ (2.7)."""
    kind = animal.__class__
    return (None if not hasattr(kind, "__repr__") else "classic",
            "<%s.%s instance at %#x>" % (kind.__module__, kind.__name__,
                                         id(animal)))


def reprs(zoo, rows):
    """repr() runs code: to be called when all else is known."""
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    for (_, animal), row in zip(zoo, rows):
        row["details"] = details(animal)
        row["python_repr"] = type_repr_of(type(animal))
        row["plain_repr"] = object.__repr__(animal)
        if sys.version_info < (3,) and type(animal) is types.InstanceType:
            row["python_repr"], row["plain_repr"] = classic(animal)
        elif sys.version_info < (3,) and row["python_repr"] and \
                row["python_repr"].startswith("collections."):
            row["python_repr"] = "Python's"     # of C since then
        try:
            row["repr"] = repr(animal)
        except Exception as error:
            row["repr"] = None
            row["repr_error"] = str(error)


def animals(zoo, known):
    cost, is_immortal = counting_cost(), getattr(sys, "_is_immortal", None)
    found = []
    for i in range(len(zoo)):
        count = sys.getrefcount(zoo[i][1]) - cost
        label, animal = zoo[i]
        found.append({
            "label": label, "addr": hex(id(animal)).rstrip("L"),
            "type": type_name(type(animal)),
            "type_addr": hex(id(type(animal))).rstrip("L"),
            "size": sys.getsizeof(animal), "refcount": count - (id(animal) in known),
            "immortal": is_immortal and is_immortal(animal),
            "tracked": id(animal) in known,
            "bases": [type_name(base) for base in
                      type.__getattribute__(type(animal), "__mro__")]})
        animal = None
    return found


def own_slots(animal):
    """[name, address or None] of every member of __slots__."""
    found = []
    for kind in type.__getattribute__(type(animal), "__mro__"):
        if not kind.__flags__ & HEAPTYPE or "__slots__" not in kind.__dict__:
            continue
        for name, member in kind.__dict__.items():
            if type(member) is not types.MemberDescriptorType:
                continue
            try:
                found.append([name, hex(id(member.__get__(
                    animal, kind))).rstrip("L")])
            except AttributeError:
                found.append([name, None])
    return found


def own_dict(animal):
    """[name, address] of what is in its __dict__, in its order."""
    try:
        if isinstance(animal, type):
            names = type.__getattribute__(animal, "__dict__")
        elif type(animal).__dictoffset__:
            names = object.__getattribute__(animal, "__dict__")
        else:
            return None
        return [[name if isinstance(name, str) else None,
                 hex(id(value)).rstrip("L")] for name, value in names.items()]
    except Exception:       # nothing under that name
        return None


def attributes(zoo, rows):
    """Makes dicts: to be called last."""
    for (_, animal), row in zip(zoo, rows):
        row["slots"] = own_slots(animal)
        row["dict"] = own_dict(animal)


#: Bytes a member of a C struct takes, by its number (Include/descrobject.h).
MEMBERS = dict(enumerate((
    ctypes.sizeof(ctypes.c_short), ctypes.sizeof(ctypes.c_int), memory.WORD,
    4, 8, memory.WORD, memory.WORD, 1, 1, 1, 2, 4, memory.WORD, None, 1, None,
    memory.WORD, 8, 8, memory.WORD)))
OBJECTS = (6, 16)       # Py_T_OBJECT_EX and its older brother
RELATIVE = 8            # Py_RELATIVE_OFFSET
AFTER_ITEMS = 16        # _Py_AFTER_ITEMS of 3.15: subclasses of tuple
DRAWN_FROM, DRAWN_TO = -128, 448


def members(animal):
    """[name, offset, bytes, is it an object?] of every member of its C
    structs that a descriptor shows, __slots__ included."""
    found = []
    common = 3 if sys.version_info >= (3,) else 2   # words of PyDescr_COMMON
    for kind in type.__getattribute__(type(animal), "__mro__"):
        for name, member in kind.__dict__.items():
            if type(member) is not types.MemberDescriptorType:
                continue
            row = word_now(id(member) + memory.HEADER + common * memory.WORD)
            # char *name; int type; Py_ssize_t offset; int flags
            number = ctypes.c_int.from_address(row + memory.WORD).value
            offset = ctypes.c_ssize_t.from_address(
                row + 2 * memory.WORD).value
            flags = ctypes.c_int.from_address(row + 3 * memory.WORD).value
            if flags & AFTER_ITEMS and sys.version_info >= (3, 15):
                offset += memory.WORD * tuple.__len__(animal)
            if MEMBERS.get(number) and not flags & RELATIVE and \
                    member.__objclass__ is kind:
                found.append([name if isinstance(name, str) else None, offset,
                              MEMBERS[number], number in OBJECTS])
    return found


def drawn(zoo, rows):
    """Bytes of each as they are in the process that blocks, and what its C
    structs have where."""
    file = os.open("/proc/%d/mem" % os.getppid(), os.O_RDONLY)
    for (_, animal), row in zip(zoo, rows):
        # An arena may begin less than that before it.
        least = max(id(animal) + DRAWN_FROM, (id(animal) - 64) & -4096)
        os.lseek(file, least, 0)
        data = b"\0" * (least - id(animal) - DRAWN_FROM) + os.read(
            file, id(animal) + DRAWN_TO - least)
        row["bytes"] = "".join("%02x" % x for x in bytearray(data))
        # Were it in a pool of pymalloc: struct pool_header's szidx.
        pool = id(animal) & -(1 << (14 if sys.version_info >= (3, 10) and
                                    memory.WIDE else 12))
        os.lseek(file, pool + 4 * memory.WORD + 4, 0)
        row["pool_class"] = ctypes.c_uint.from_buffer_copy(
            os.read(file, 4)).value
        row["members"] = members(animal)
        row["struct_sequence"] = hasattr(type(animal), "n_sequence_fields")
        row["inline_values"] = sys.version_info >= (3, 13) and bool(
            type(animal).__flags__ & INLINE_VALUES)
    os.close(file)


def zoo_truth(tracked, zoo, first):
    """Only what is to say of the animals, and quickly."""
    known = set(map(id, tracked))
    rows = animals(zoo.animals, known)
    in_generation = generations(tracked)
    drawn(zoo.animals, rows)
    for (_, animal), row in zip(zoo.animals, rows):
        row["generation"] = in_generation.get(id(animal))
        row["class"] = class_truth(animal)
    attributes(zoo.animals, rows)
    reprs(zoo.animals, rows)
    return {"version": sys.version, "hexversion": sys.hexversion,
            "implementation": sys.version_info[:3], "word": memory.WORD,
            "big_endian": sys.byteorder == "big",
            "free_threaded": memory.FREE_THREADED,
            "hooks": layers_of_hooks(),
            "zoo": rows, "absent": zoo.absent}


def choose(tracked, seed, number):
    """NUMBER objects at random: holders and what they hold."""
    dice = random.Random(seed)
    chosen = []
    while len(chosen) < number:
        thing = tracked[dice.randrange(len(tracked))]
        if len(chosen) % 3 == 2:
            inner = gc.get_referents(thing)
            if not inner:
                continue
            thing = inner[dice.randrange(len(inner))]
        if all(thing is not other for other in chosen):
            chosen.append(thing)
    return chosen


def referrers(chosen, known, closure):
    found = []
    for thing in chosen:
        tracked = [hex(id(r)).rstrip("L") for r in gc.get_referrers(thing)
                   if id(r) in known]
        held = closure.holders[id(thing)]
        found.append({
            "addr": hex(id(thing)).rstrip("L"), "type": type_name(type(thing)),
            "static": closure.memory.is_static(id(thing)),
            "tracked_holders": sorted(set(tracked)),
            "instances": dict(
                (hex(h).rstrip("L"),
                 hex(closure.instances[h]).rstrip("L"))
                for h in list(held) + [int(t, 16) for t in tracked]
                if h in closure.instances),
            "holders": dict(
                (hex(h).rstrip("L"),
                 [type_name(type(closure.objects[h])), how])
                for h, how in held.items())})
    return found


def locals_of(frame):
    """FRAME, its callers, and the values of their locals."""
    found = []
    while frame is not None:
        found.append(frame)
        found += frame.f_locals.values()
        frame = frame.f_back
    return found


def running(frame):
    """Locals of all threads, of this one from FRAME on.  The collector does
    not see them where frames are no objects (3.11)."""
    found = locals_of(frame)
    mine = sys._getframe()
    for other in sys._current_frames().values():
        if other is not mine:
            found += locals_of(other)
    if sys.version_info >= (3, 14):
        # "with" keeps the two methods on the value stack, not bound.
        for kind in set(map(type, found)):
            found += [getattr(kind, name) for name in (
                "__enter__", "__exit__") if hasattr(kind, name)]
    return found


def truth(tracked, zoo, blocks, options, first):
    """Everything the driver compares with, as one JSON-able dict."""
    known = set(map(id, tracked))
    # First: a BytesIO whose buffer somebody else holds is a smaller one.
    sizes = dict((id(thing), size_of(thing)) for thing in tracked)
    animal_rows = animals(zoo.animals, known)
    in_generation = generations(tracked)
    for (_, animal), row in zip(zoo.animals, animal_rows):
        row["generation"] = in_generation.get(id(animal))
        row["class"] = class_truth(animal)
    chosen = choose(tracked, options["seed"], options["targets"])
    closure = Closure(tracked, sizes, set(map(id, chosen)))
    in_frames = running(sys._getframe(2))
    for thing in in_frames:
        closure.add(thing, "local")
    closure.run()
    back = referrers(chosen, known, closure)
    closure.attribute_names()
    attributes(zoo.animals, animal_rows)
    reprs(zoo.animals, animal_rows)
    return {
        "version": sys.version, "hexversion": sys.hexversion,
        "implementation": sys.version_info[:3],
        "debug_build": hasattr(sys, "gettotalrefcount"),
        "free_threaded": "t" in getattr(sys, "abiflags", ""),
        "allocated_blocks": blocks, "tracked": len(tracked),
        "objects": len(closure.objects),
        "types": by_type(closure, tracked, first),
        "in_frames": [hex(id(o)).rstrip("L") for o in in_frames],
        "lru_entries": sum(
            o.cache_info()[3] for o in list(closure.objects.values())
            if type(o).__name__ == "_lru_cache_wrapper"),
        "zoo": animal_rows, "absent": zoo.absent, "referrers": back,
        "reached": dict((hex(a).rstrip("L"), closure.how[a])
                        for a, o in closure.objects.items()
                        if type_name(type(o)) in options["explain"])
        if options.get("explain") else {},
        "unreached": unreached(closure) if options.get("explain") else {},
        "interned": (sys.getunicodeinternedsize()
                     if hasattr(sys, "getunicodeinternedsize") else None),
    }


def tell(_, __, blocks, tracked, zoo, options):
    """In the forked copy: write the truth and vanish."""
    first = (zoo,)      # where the parent has the arguments of its read (2.7)
    status = 1
    trouble = options["truth"] + ".error"
    trace = os.open(trouble, os.O_WRONLY | os.O_CREAT, 0o600)
    if faulthandler:
        faulthandler.enable(trace)
    try:
        answer = zoo_truth(tracked, zoo, first) if "menagerie" in options \
            else truth(tracked, zoo, blocks, options, first)
        with open(options["truth"] + ".part", "w") as out:
            json.dump(answer, out)
        os.rename(options["truth"] + ".part", options["truth"])
        status = 0
    except BaseException:
        with open(trouble, "w") as out:
            traceback.print_exc(file=out)
    finally:
        os.write(options["ready"], b"T" if status == 0 else b"E")
        os._exit(status)
