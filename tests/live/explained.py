# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands may show beyond the debuggee's own truth, and why.

Each line has a reason and a bound that was measured; nothing else passes.
"""

import re

#: type -> (objects the closure cannot see, reason)
EXTRA = {
    "builtins.range_iterator":
        (1, "the loop of the debuggee, on the value stack of its frame"),
    "builtins.str": (6, "the program's path, held by main() in C, and names "
                     "in the state of C modules"),
    "builtins.tuple": (15, "co_varnames and co_freevars that a code object "
                       "keeps for whom asked before, in memory of its own "
                       "(3.12; dataclasses and annotationlib of 3.14 ask)"),
    "builtins.object": (1, "a buffer of one word, the count of a dead object; "
                        "the type in the next word is still that one's"),
    "builtins.bytes": (1, "the script's path, held by main() in C"),
    "builtins.dict": (2, "of a thread state, for threading.local, and an "
                      "empty one in C"),
    "builtins.stderrprinter": (1, "where faulthandler writes to in development "
                               "mode; nothing names its type (3.12)"),
    # 3.13: constants in the state of _datetime, on the C heap.
    "datetime.timedelta": (1, "a constant of the module"),
    "datetime.datetime": (1, "the epoch of the module"),
    "builtins.int": (7, "units of time, constants of the datetime module"),
}


#: Static objects that do not look like one in the debuggee's writable data.
CONSTANT = {
    "builtins.code": 1,     # _Py_InitCleanup, read-only (3.13)
    "builtins.bytes": 1,    # its table of lines
    "builtins.type": 2,     # types that were never readied have none (3.9)
}


def extra(want, release, truth):
    """How many objects of a type may be more than the closure, and why."""
    bound, why = EXTRA.get(want["name"], (0, "nothing is explained"))
    if release < (3, 10) and want["name"] == "functools._lru_list_elem":
        return truth["lru_entries"], "entries of lru_cache"
    gone = want.get("gone", 0)
    if gone:
        bound += gone
        why += "; %d that the type cache held and the copy dropped" % gone
    return bound, why


#: Types whose sys.getsizeof() leaves out a buffer that they own, or counts an
#: object that they hold.
OTHER_BUFFERS = frozenset(["_io.StringIO", "_io.BytesIO", "builtins.module",
                           "_struct.Struct", "builtins.bytearray"])


#: Types with a __sizeof__ that only their own code knows; the commands must
#: say that their sizes are not exact.
OWN_SIZEOF = frozenset([
    "xml.etree.ElementTree.Element",    # its C part with the children
    "_pickle.Pickler", "_pickle.Unpickler",     # their memo tables
    "_queue.SimpleQueue",               # its ring buffer (3.15)
    "builtins.StgDict",                 # ctypes' description of a type
    # 3.13 keeps that description in the types themselves:
    "_ctypes.PyCStructType", "_ctypes.UnionType", "_ctypes.PyCPointerType",
    "_ctypes.PyCArrayType", "_ctypes.PyCSimpleType", "_ctypes.PyCFuncPtrType",
    "ctypes._endian._swapped_struct_meta",
    "ctypes._endian._swapped_union_meta",
])


def own_sizeof(name):
    return name in OWN_SIZEOF


def inherits_sizeof(animal):
    return own_sizeof(animal["type"]) or \
        "_queue.SimpleQueue" in animal["bases"]


def other_size(animal, used):
    """Does sys.getsizeof() count something else than what is drawn?"""
    bases = animal["bases"]
    if OTHER_BUFFERS.intersection(bases) or animal["struct_sequence"] or \
            animal["inline_values"] or any(
                base.startswith("_ctypes.") for base in bases):
        return True
    if "builtins.unicode" in bases[1:] or "builtins.str" in bases[1:] or \
            "builtins.int" in bases[1:]:
        return True     # what a subclass adds is not counted until 3.8
    if any(base.startswith("itertools.") for base in bases):
        return True     # without their pools in 2.7
    if "builtins.type" in bases:
        return True     # with its cached keys
    if animal["label"] == "recursive: __dict__ of itself":
        return True     # with values that are inside of the instance
    if "builtins.frame" in bases:
        return True     # nor one of its places
    # A naive one is allocated without its last word.
    return animal["type"] in ("datetime.datetime", "datetime.time") and \
        used < animal["size"]


#: Free-threaded: blocks that the copy has more or less than the process when
#: it counts them, for its own call and the number that fork() returned.
COPY_BLOCKS = 1


#: Figures of the allocator that are in static variables of their own.
STATIC_COUNTERS = frozenset(["arenas_allocated", "arenas_reclaimed",
                             "arenas_highwater"])


#: Types that no module has: without files they are known by address only.
NEVER_SHOWN = frozenset(["builtins.hamt", "builtins.hamt_bitmap_node",
                         "builtins.hamt_array_node",
                         "builtins.hamt_collision_node"])


#: Keys, of all that are asked for, whose table instances still share while
#: their class has another one by now: py-backrefs names no holder.
ORPHANS = 12


def orphan_key(holder_of):
    return holder_of[1] == "field" and holder_of[0].endswith(".dict")


def not_owned(holder_of, target, ours):
    """Is a pointer that only the scan of bodies found no reference?"""
    name, how = holder_of
    last = name.split(".")[-1]
    if how == "field" and last == "type" and target["type"] == "builtins.dict":
        return True     # the interpreter's: tp_dict of a static type (3.12)
    if how == "field" and last == "dict":   # a key of the shared table
        return any(row["via"] == "attribute name" for row in ours.values())
    if last == "module":
        return True     # its traversal knows what its C code keeps elsewhere
    if how != "scan":
        return False
    if last == "memoryview":
        return True     # view.obj, which its managed buffer owns
    if last == "code":
        return True     # _co_unique_id, which only some builds set (3.14)
    if "weak" in target["type"] or "Ref" in target["type"]:
        return True     # the head of a list of weak references
    if name == "decimal.Decimal":
        return True     # digits that were never written to
    if last.startswith("_lru_"):
        return True     # the ring of the entries
    if "weak" in last or "Weak" in last or "Ref" in last:
        return True     # wr_object, and neighbours in the list
    return last.endswith(("type", "Type", "Meta", "meta"))  # tp_base of static


def held_within(kind, ours, target):
    """Does the collector see through an object that we show as the holder?"""
    if kind == "functools._lru_cache_wrapper" and \
            target == "functools._lru_list_elem":
        return True     # 3.6 visits the links of the ring, which it borrows
    inner = {"functools._lru_cache_wrapper": "functools._lru_list_elem"}
    if kind == "builtins.module":
        return True     # its traversal knows the statics of its C file
    if kind == "builtins.PyCapsule":
        return True     # 3.13: by a function of the module that made it
    if kind.startswith("_ctypes."):
        inner[kind] = "builtins.StgDict"    # its `proto`, until 3.12
    return any(row["type"] == inner.get(kind) for row in ours.values())


def holder(row, target, truth):
    """Is a holder that the closure did not reach explained?"""
    if row["type"] == "(Python frame)":
        # No object from 3.11 on; its locals were noted one by one.
        return target["addr"] in truth["in_frames"] or (
            # Its own, that of a module's code has no other holder.
            target["type"] == "builtins.function" and
            row["via"].startswith("function in "))
    if row["type"] == "builtins.module" and not row["exact"]:
        return True     # the state of a C module, which Python cannot see
    if row["via"] == "tp_subclasses":
        return True     # by weak references, and not shown to the collector
    if row["type"] == "builtins.code" and target["static"]:
        return True     # a constant of the read-only code of 3.13
    if row["via"] == "attribute name":
        return True     # of the key table that instances of the class share
    if row["via"] == "__dict__" and target["type"] == "builtins.dict" and \
            tuple(truth["implementation"]) >= (3, 13):
        return True     # one that shows values inside of the instance, whose
        # traversal goes to these instead (gh-130327)
    if row["type"] == "functools._lru_list_elem":
        return True     # a type never readied until 3.9
    if row["via"] == "co_localsplusnames":
        return True     # which Python shows as copies only (3.11)
    return False


def readied(truth):
    """Static types that become subclasses of object when their first
    attribute is looked at, as the oracle does in its copy (until 3.9)."""
    release = tuple(truth["implementation"])
    return 16 if release < (3,) else 6 if release < (3, 10) else 0


#: Functions of Python whose text the commands know by themselves.
PRINTED = frozenset([
    "enum.Enum.__repr__", "enum.Flag.__repr__", "enum.global_enum_repr",
    "enum.global_flag_repr", "re.RegexFlag.__repr__",
    "enum.EnumMeta.__repr__", "enum.EnumType.__repr__",
    "typing.TypeVar.__repr__", "typing._TypeVarLike.__repr__",
    "typing._BoundVarianceMixin.__repr__",
    "_weakrefset.WeakSet.__repr__", "weakref.WeakKeyDictionary.__repr__",
    "weakref.WeakValueDictionary.__repr__", "uuid.UUID.__repr__",
    "fractions.Fraction.__repr__", "threading.Condition.__repr__",
    "threading.Event.__repr__", "ctypes.c_char_p.__repr__",
    "ctypes.c_wchar_p.__repr__", "ctypes.py_object.__repr__"])

#: Types whose __repr__ in C the commands do not know.
UNKNOWN = frozenset([
    "_hashlib.HASH", "_ctypes.CArgObject", "_ctypes.CField",
    "builtins.buffer", "collections.abc._CallableGenericAlias",
    "builtins.CArgObject", "ctypes.CField", "_blake2.blake2b"])


def plain_repr(animal):
    """Does only code of Python, or C code we do not know, tell its repr?"""
    if animal["type"] in UNKNOWN:
        return True
    return bool(animal["python_repr"]) and \
        animal["python_repr"] not in PRINTED and \
        not animal["python_repr"].startswith("collections.")


def known_repr(animal):
    """Callbacks of futures are left out: asyncio unwraps and names them."""
    text = animal["repr"]
    if animal["type"] == "ctypes.c_longdouble" or \
            animal["type"].startswith("ctypes.c_") and \
            animal["type"].endswith("_complex"):
        return None     # of 80 bits, or of 128; "?"
    if text and text.startswith(("array('e'", "array('Z")):
        return None     # of halves and of complex numbers (3.15)
    if text in ("count(<NULL>)", "c_bool_be(1)", "c_bool_be(0)"):
        return None     # a slip of some patch releases
    if animal["type"] == "ctypes.c_wchar_p" and text and "u'" in text:
        return None     # what it points to, in 2.7
    if text and animal["type"] == "builtins.list" and re.search(
            r"OrderedDict\(\[\('me', \.\.\.\)|<WeakValueDictionary at \d", text):
        return None     # code of Python, in 2.7
    if animal["repr"] is None and "RecursionError" in str(
            animal.get("repr_error")):
        return None
    if text and animal["type"] == "typing.Union" and "Box" in text:
        return None     # of what only code of Python names
    if text and animal["type"].startswith("_asyncio."):
        text = re.sub(r" cb=\[[^\]]*\]", "", text)
    return text
