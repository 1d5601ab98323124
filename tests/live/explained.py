# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands may show beyond the debuggee's own truth, and why.

Each line has a reason and a bound that was measured; nothing else passes.
"""

#: type -> (objects the closure cannot see, reason)
EXTRA = {
    "builtins.range_iterator":
        (1, "the loop of the debuggee, on the value stack of its frame"),
    "builtins.hamt_bitmap_node": (1, "the static node of the empty Context"),
    "builtins.str": (1, "the program's path, held by main() in C"),
    "builtins.bytes": (1, "the script's path, held by main() in C"),
}


def extra(want, release):
    """How many objects of a type may be more than the closure, and why."""
    bound, why = EXTRA.get(want["name"], (0, "nothing is explained"))
    gone = want.get("gone", 0)
    if gone:
        bound += gone
        why += "; %d that the type cache held and the copy dropped" % gone
    return bound, why


#: Types with a __sizeof__ that only their own code knows; the commands must
#: say that their sizes are not exact.
OWN_SIZEOF = frozenset([
    "xml.etree.ElementTree.Element",    # its C part with the children
    "_pickle.Pickler", "_pickle.Unpickler",     # their memo tables
    "builtins.StgDict",                 # ctypes' description of a type
    # 3.13 keeps that description in the types themselves:
    "_ctypes.PyCStructType", "_ctypes.UnionType", "_ctypes.PyCPointerType",
    "_ctypes.PyCArrayType", "_ctypes.PyCSimpleType", "_ctypes.PyCFuncPtrType",
    "ctypes._endian._swapped_struct_meta",
    "ctypes._endian._swapped_union_meta",
])


def own_sizeof(name):
    return name in OWN_SIZEOF


#: Figures of the allocator that are in static variables of their own.
STATIC_COUNTERS = frozenset(["arenas_allocated", "arenas_reclaimed",
                             "arenas_highwater"])


#: Pointers in the bodies of these are no references: the scan of bodies by
#: the oracle cannot tell, the commands must not show them.
BORROWING = {
    "weakref": "wr_object, and its neighbours in the list of weak references",
    "type": "tp_weaklist and tp_subclasses' index; tp_base of a static type",
}


def not_owned(holder_of):
    """Is a pointer that only the scan of bodies found no reference?"""
    name, how = holder_of
    if how != "scan":
        return False
    return any(word in name for word in ("weakref", "Weak", "KeyedRef")) or \
        name.split(".")[-1].endswith(("type", "Type", "Meta", "meta"))


def held_within(kind, ours):
    """Does the collector see through an object that we show as the holder?"""
    inner = {"functools._lru_cache_wrapper": "functools._lru_list_elem"}
    return any(row["type"] == inner.get(kind) for row in ours.values())


def holder(row, target, truth):
    """Is a holder that the closure did not reach explained?"""
    if row["type"] == "(Python frame)":
        # No object from 3.11 on; its locals were noted one by one.
        return target["addr"] in truth["in_frames"]
    return False
