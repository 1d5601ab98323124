# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what the commands say to what the debuggee knows.

Each check takes the truth and the documents of one stop and returns a list of
lines, one per difference; none is good.
"""
import json
import re

import explained

NAMELESS_OBJECTS = 40   # those of a context variable's map
CUT, CUT_STEP = 17, 5   # characters; every so many animals
WHOLE = 700000          # characters that hold every value of the zoo
COUNTED = 60       # what more hold, the oracle itself holds too


def info(truth, docs):
    said = docs["info"]["version"]
    want = truth["version"].split()[0]
    return [] if said == want else ["version: %s, truth %s" % (said, want)]


def rows_by_type(docs):
    rows, wrong = {}, []
    for row in docs["types"]["rows"]:
        if row["type_addr"] in rows:
            wrong.append("two rows for type %(type_addr)s %(type)s" % row)
        rows[row["type_addr"]] = row
    return rows, wrong


def tracked(truth, docs):
    """GC-tracked objects per type: gc.get_objects(), exactly."""
    rows, wrong = rows_by_type(docs)
    for addr, want in truth["types"].items():
        ours = rows.get(addr, {}).get("tracked", 0)
        if ours != want["tracked"]:
            wrong.append("%s: tracked %d, gc.get_objects() %d" % (
                want["name"], ours, want["tracked"]))
    for addr, row in rows.items():
        if addr not in truth["types"] and row["tracked"]:
            wrong.append("%s at %s: tracked %d, gc.get_objects() none" % (
                row["type"], addr, row["tracked"]))
    return wrong


def nameless(addr):
    """A static type whose name is a constant in a file that is gone."""
    return "?.type_at_" + addr


def named(truth, docs):
    """Documents without files, with the name of the one type that only its
    name explains: until 3.9 entries of lru_cache have a type that Python
    cannot see."""
    name = "functools._lru_list_elem"   # 3.6 sees it by way of the ring
    for row in docs["types"]["rows"]:
        want = truth["types"].get(row["type_addr"], {"name": name})
        if want["name"] == name and \
                row["type"] == nameless(row["type_addr"]) and \
                row["count"] <= want.get("count", truth["lru_entries"]):
            text = json.dumps(docs).replace(row["type"], name)
            return json.loads(text)
    return docs


def names(truth, docs, files_gone=False):
    """Types are named as Python names them.  Where the files are gone a few,
    of which there are few objects, are known by their address only."""
    rows, wrong = rows_by_type(docs)
    for addr, want in truth["types"].items():
        if addr not in rows or rows[addr]["type"] == want["name"] or (
                files_gone and want["count"] <= NAMELESS_OBJECTS and
                rows[addr]["type"] == nameless(addr)):
            continue
        wrong.append("type at %s is called %s, truth %s (%d)" % (
            addr, rows[addr]["type"], want["name"], want["count"]))
    return wrong


def counts(truth, docs, files_gone=False):
    """All objects: none missing, and no more than the table explains.

    A static object counts if anything holds it, C memory too; the closure sees
    Python's holders.  So of those there may be as many more as there are.
    """
    rows, wrong = rows_by_type(docs)
    release = tuple(truth["implementation"])
    unreadable = docs["types"]["skipped"]["unreadable"]
    for addr in sorted(set(rows) | set(truth["types"])):
        want = truth["types"].get(addr) or {"name": rows[addr]["type"],
                                            "count": 0, "size": 0}
        row = rows.get(addr) or {"count": 0, "size": 0}
        fixed = row.get("static", 0) - want.get("static_count", 0)
        # Whom only a word in somebody's body leads to that may be a stale
        # one: b"!" and the like are static, and always there.
        stale = min(max(-fixed, 0), want.get("static_scan", 0))
        extra = row["count"] - want["count"] - max(fixed, 0) + stale
        if row.get("static", 0) > want.get("static_seen", 0) + \
                explained.CONSTANT.get(want["name"], 0):
            wrong.append("%s: %d static ones of %d that there are" % (
                want["name"], row["static"], want.get("static_seen", 0)))
        allowed, why = explained.extra(want, release, truth)
        if extra < 0:
            wrong.append("%s: %d, closure %d: %d missing (closure by %s)" % (
                want["name"], row["count"], want["count"], -extra,
                want.get("how")))
        elif extra > allowed:
            wrong.append("%s: %d, closure %d: %d extra, %d explained (%s)" % (
                want["name"], row["count"], want["count"], extra, allowed,
                why))
        elif not extra and not allowed and not fixed and \
                row["size"] != want["size"] and \
                not (files_gone and unreadable >= want["count"]) and \
                (row["exact"] or not explained.own_sizeof(want["name"])):
            wrong.append("%s: %d objects of %d bytes, sys.getsizeof %d" % (
                want["name"], row["count"], row["size"], want["size"]))
    return wrong


LINE = re.compile(r"^(.*?) += +([0-9,]+)$")
CLASS = re.compile(r"^ +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$")


def parse_stats(text):
    """sys._debugmallocstats(): {class: (size, pools, used, free)}, {line: n}"""
    text = text[text.rindex("Small block threshold"):]
    classes, lines = {}, {}
    for line in text.splitlines():
        match = CLASS.match(line)
        if match:
            number, *figures = map(int, match.groups())
            classes[number] = tuple(figures)
        match = LINE.match(line)
        if match:
            key = match.group(1).strip()
            count = re.match(r"(\d+) (arenas|unused pools) \* (\d+)", key)
            if count:
                lines[count.group(2)] = int(count.group(1))
                lines[count.group(2) + " size"] = int(count.group(3))
            lines.setdefault(key, int(match.group(2).replace(",", "")))
    return classes, lines


TOTALS = (
    ("arenas", "arenas"),
    ("arenas_allocated", "# arenas allocated total"),
    ("arenas_reclaimed", "# arenas reclaimed"),
    ("arenas_highwater", "# arenas highwater mark"),
    ("arenas", "# arenas allocated current"),
    ("bytes_mapped", "Total"),
    ("bytes_used", "# bytes in allocated blocks"),
    ("bytes_free_blocks", "# bytes in available blocks"),
    ("pools_free", "unused pools"),
    ("bytes_pool_headers", "# bytes lost to pool headers"),
    ("bytes_quantization", "# bytes lost to quantization"),
    ("bytes_arena_alignment", "# bytes lost to arena alignment"),
)


def segments(truth, docs):
    """Blocks of mimalloc, of which the interpreter counts all but the raw
    ones; and what the tables say adds up."""
    doc, wrong = docs["arenas"], []
    total = doc["total"]
    raw = sum(u["blocks_used"] for u in doc["uses"]
              if u["use"] == "raw memory")
    for key, left_out in (("blocks_used", "large_blocks"),
                          ("bytes_used", "bytes_large")):
        for table in ("classes", "uses", "threads"):
            here = sum(row[key] for row in doc[table])
            here += total[left_out] if table == "classes" else 0
            if here != total[key]:
                wrong.append("%s: %d %s, in all %d" % (
                    table, here, key, total[key]))
    if sum(a["bytes_used"] for a in doc["arenas"]) != total["bytes_used"]:
        wrong.append("arenas: bytes_used do not add up")
    # Counted by the copy, which took in what other threads had freed.
    used = docs["types"]["blocks"]["used"] + total["large_blocks"] - raw
    if not truth["free_threaded"]:
        # It counts what its own thread has, the main one.
        used -= sum(sorted(t["blocks_used"] for t in doc["threads"])[:-1])
    if abs(used - truth["allocated_blocks"]) > explained.COPY_BLOCKS:
        wrong.append("blocks %d, without %d raw; sys.getallocatedblocks() %d" % (
            used, raw, truth["allocated_blocks"]))
    if used + raw > total["blocks_used"]:
        wrong.append("more blocks than the allocator counts: %d, %d" % (
            used + raw, total["blocks_used"]))
    return wrong


def together(doc):
    """Arenas of pymalloc that the same blocks would need, from its tables."""
    room = doc["pool_size"] - doc["total"]["bytes_pool_headers"] // \
        doc["total"]["pools_used"]
    pools = sum(-(-c["blocks_used"] // (room // c["size"]))
                for c in doc["classes"])
    needed = 0
    for arena in sorted(doc["arenas"], reverse=True,
                        key=lambda a: a["pools_used"] + a["pools_free"]):
        if pools > 0:
            pools -= arena["pools_used"] + arena["pools_free"]
            needed += 1
    return needed


def parts(doc):
    """What py-arena-stats says of arenas in sum, from its arenas one by one."""
    wrong, total, arenas = [], doc["total"], doc["arenas"]
    for row in doc["occupancy"]:
        here = [a for a in arenas if row["above"] * a["bytes"] <
                100 * a["bytes_used"] <= row["to"] * a["bytes"] or
                row["to"] == a["bytes_used"] == 0]
        want = (len(here), sum(a["bytes"] for a in here),
                sum(a["bytes_used"] for a in here))
        if want != (row["arenas"], row["bytes_mapped"], row["bytes_used"]):
            wrong.append("occupancy %s, one by one %s" % (row, want))
    for table in "occupancy", "interpreters":
        for key, whole in (("arenas", total["arenas"]),
                           ("bytes_used", total["bytes_used"]),
                           ("bytes_mapped", total["bytes_mapped"])):
            if sum(row[key] for row in doc[table]) != whole:
                wrong.append("%s: %s do not add up" % (table, key))
    least = total["bytes_returnable_compacted"]
    if not total["bytes_returnable"] <= least <= \
            total["bytes_mapped"] - total["bytes_used"]:
        wrong.append("compacted: %d could go back of %d" % (
            least, total["bytes_mapped"]))
    if doc["allocator"] == "mimalloc":
        return wrong
    if total["bytes_returnable"] != sum(
            a["bytes"] for a in arenas if not a["pools_used"]):
        wrong.append("bytes_returnable %d" % total["bytes_returnable"])
    if len(doc["interpreters"]) == 1:
        want = together(doc)
        if want != total["arenas_compacted"] or \
                least != (len(arenas) - want) * doc["arena_size"]:
            wrong.append("compacted to %s arenas, by its tables %d" % (
                total["arenas_compacted"], want))
    return wrong


def agree(doc):
    """Where the interpreter has no figures of its own (2.7): do ours add up?"""
    wrong = []
    total = doc["total"]
    for what, one, other in (
            ("blocks in use", total["blocks_used"],
             sum(c["blocks_used"] for c in doc["classes"])),
            ("bytes in use", total["bytes_used"],
             sum(c["blocks_used"] * c["size"] for c in doc["classes"])),
            ("bytes in use", total["bytes_used"],
             sum(a["bytes_used"] for a in doc["arenas"])),
            ("free bytes", total["bytes_free_blocks"],
             sum(c["blocks_free"] * c["size"] for c in doc["classes"])),
            ("arenas", total["arenas"], len(doc["arenas"])),
            ("bytes", total["bytes_mapped"],
             total["bytes_used"] + total["bytes_free_blocks"] +
             total["bytes_free_pools"] + total["bytes_pool_headers"] +
             total["bytes_quantization"] + total["bytes_arena_alignment"])):
        if one != other:
            wrong.append("%s: %d, its parts %d" % (what, one, other))
    return wrong


def arenas(truth, docs):
    """Every figure of sys._debugmallocstats() and the count of blocks.

    A stripped interpreter keeps some counters where nothing tells them
    (static variables, before 3.12): those may be null, not wrong.
    """
    if docs["info"]["allocator"] == "malloc":
        # What it holds nobody counts: both must say so.
        return ["arenas of an interpreter without: %r" % docs["arenas"]] \
            if docs["arenas"]["allocator"] or docs["arenas"]["arenas"] or \
            truth["allocated_blocks"] else []
    if "Small block threshold" not in truth["stats"]:
        return agree(docs["arenas"]) + parts(docs["arenas"])
    exact = truth["hexversion"] >= 0x030c0000 or \
        "debug info" in docs["info"]["layout_source"]
    if docs["arenas"]["allocator"] == "mimalloc":
        return segments(truth, docs) + parts(docs["arenas"])
    classes, lines = parse_stats(truth["stats"])
    doc, wrong = docs["arenas"], parts(docs["arenas"])
    ours = dict((c["class"], (c["size"], c["pools"], c["blocks_used"],
                              c["blocks_free"])) for c in doc["classes"])
    for number in sorted(set(ours) | set(classes)):
        if ours.get(number) != classes.get(number):
            wrong.append("class %d: %s, truth %s" % (
                number, ours.get(number), classes.get(number)))
    for key, line in TOTALS:
        if line not in lines:
            continue
        said = doc["total"].get(key)
        if said is None and not exact and key in explained.STATIC_COUNTERS:
            continue
        if said != lines[line]:
            wrong.append("total.%s: %s, truth %d (%s)" % (
                key, said, lines[line], line))
    if doc["arena_size"] != lines["arenas size"]:
        wrong.append("arena_size %d" % doc["arena_size"])
    if doc["pool_size"] != lines["unused pools size"]:
        wrong.append("pool_size %d" % doc["pool_size"])
    total = sum(a["bytes_used"] for a in doc["arenas"])
    if total != lines["# bytes in allocated blocks"]:
        wrong.append("arenas' bytes_used sum to %d" % total)
    if len(doc["arenas"]) != lines["arenas"]:
        wrong.append("%d arenas listed" % len(doc["arenas"]))
    blocks = doc["total"]["blocks_used"]
    raw = doc["total"]["raw_blocks"]
    if raw is not None and blocks + raw != truth["allocated_blocks"]:
        wrong.append("blocks %d + raw %d = %d, sys.getallocatedblocks() %d" % (
            blocks, raw, blocks + raw, truth["allocated_blocks"]))
    if raw is None and exact and truth["hexversion"] >= 0x03090000:
        wrong.append("raw_blocks is not known")
    return wrong


#: Lists as sys._debugmallocstats() calls what is in them.
FREE_LISTS = {
    "PyDictObject": "dicts", "PyDictKeysObject": "dict keys",
    "PyFloatObject": "floats", "PyListObject": "lists",
    "PyFrameObject": "frames", "PyMethodObject": "methods",
    "PyCFunctionObject": "functions of C"}


def freelists(truth, docs):
    """What sys._debugmallocstats() prints of free lists, each line."""
    wrong, lines = [], re.findall(
        r"^ *(\d+) free (?:(\d+)-sized )?(\w+?)s \* \d+ bytes each",
        truth["stats"], re.M)
    ours = dict((r["list"], r["count"]) for r in docs["freelists"]["rows"])
    for count, length, kind in lines:
        name = "tuples of " + length if length else FREE_LISTS[kind]
        if ours.get(name) is None and truth["hexversion"] < 0x030a0000 and \
                docs["info"]["allocator"] == "malloc":
            continue        # what malloc got back looks the same
        if ours.get(name) != int(count):
            wrong.append("%s: %s, truth %s" % (name, ours.get(name), count))
    if len(lines) < 22 and truth["hexversion"] >= 0x03000000:
        wrong.append("the truth has %d lists only" % len(lines))
    for row in docs["freelists"]["rows"]:
        if row["count"] is not None and bool(row["size"]) != bool(
                row["count"]):
            wrong.append("%(list)s: %(count)d in %(size)d bytes" % row)
    return wrong


def zoo(truth, docs, files_gone=False):
    """Each animal: size, type, collector, count and plain values."""
    wrong = []
    for animal, answer in zip(truth["zoo"], docs["zoo"]):
        name = "%s (%s)" % (animal["label"], animal["type"])
        if isinstance(answer, str):
            wrong.append("%s: %s" % (name, answer))
            continue
        for key in ("addr", "type", "type_addr", "size", "tracked"):
            if key == "size" and not answer["size_exact"] and \
                    explained.inherits_sizeof(animal):
                continue
            if key == "type" and files_gone and \
                    answer[key] == nameless(animal["type_addr"]):
                continue
            if key == "size" and files_gone and not answer["size_exact"]:
                continue        # it depends on a constant in a file
            if answer[key] != animal[key]:
                wrong.append("%s: %s %s, truth %s" % (
                    name, key, answer[key], animal[key]))
        if animal["immortal"] not in (None, answer["immortal"]):
            wrong.append("%s: sys._is_immortal() is %s" % (
                name, animal["immortal"]))
        if not answer["immortal"] and animal["refcount"] < COUNTED and not (
                small_of_old(truth, animal)) and \
                answer["refcount"] != animal["refcount"]:
            wrong.append("%s: refcount %s, truth %s" % (
                name, answer["refcount"], animal["refcount"]))
        wrong += value(name, animal, answer, files_gone)
        wrong += attributes(name, animal, answer)
        wrong += fields(name, animal, answer)
        wrong += details(name, animal, answer, truth)
        if "builtins.int" in animal["bases"]:   # digits are no references
            wrong += ["%s: %s" % (name, row) for row in answer["rows"]
                      if row["via"].startswith("(native")]
    return wrong


def fields(name, animal, answer):
    """Every byte of the object has one name; header and slots hold what they
    must."""
    wrong, end, by_name = [], None, {}
    words = [f for f in answer["fields"] if not f["name"].count("state.")]
    for word in words:
        if end is not None and word["offset"] != end and \
                (word["offset"] < end or word["offset"] > 0):
            wrong.append("%s: %s at %d, the word before ends at %d" % (
                name, word["name"], word["offset"], end))
        end = word["offset"] + word["width"]
        by_name.setdefault(word["name"], word)
    if not words or int(by_name["ob_type"]["raw"], 16) != \
            int(animal["type_addr"], 16):
        wrong.append("%s: ob_type is not its type" % name)
    for slot, held in animal["slots"]:
        raw = by_name.get("." + slot, {"raw": "-1"})["raw"]
        if int(raw, 16) != int(held or "0", 16):
            wrong.append("%s: word of slot %s holds %s, truth %s" % (
                name, slot, raw, held))
    return wrong


FROM = -128     # of the bytes that the truth has


def drawn(truth, docs):
    """The words of each object: as in its memory, and as its members lie."""
    wrong, order = [], "big" if truth["big_endian"] else "little"
    for animal, answer in zip(truth["zoo"], docs["zoo"]):
        if isinstance(answer, str):
            continue
        name = "%s (%s)" % (animal["label"], animal["type"])
        data = bytes.fromhex(animal["bytes"])
        words = [f for f in answer["fields"] if f["width"] in (1, 2, 4, 8) and
                 f["raw"] and not f["name"].count("state.")]
        for word in words:
            at = word["offset"] - FROM
            if at < 0 or at + word["width"] > len(data):
                continue
            want = int.from_bytes(data[at:at + word["width"]], order)
            if int(word["raw"], 16) != want and not word["name"].startswith(
                    ("ob_", "gc ")):
                wrong.append("%s: %s at %d is %s, in memory %#x" % (
                    name, word["name"], word["offset"], word["raw"], want))
        for called, offset, width, is_object in animal["members"]:
            holds = [f for f in answer["fields"] if f["offset"] <= offset and
                     offset + width <= f["offset"] + f["width"]]
            exact = [f for f in holds if f["offset"] == offset and
                     f["width"] == width]
            if not holds or is_object and not exact and \
                    holds[0]["name"] != "ob_item[]":
                wrong.append("%s: no word for %s at %d of %d bytes: %s" % (
                    name, called, offset, width, holds))
        slots = dict((m[0], m[1]) for m in animal["members"])
        for attribute in answer["attributes"]:
            if attribute["where"] == "slot" and attribute["offset"] != \
                    slots.get(attribute["name"]):
                wrong.append("%s: slot %s at %s, its descriptor says %s" % (
                    name, attribute["name"], attribute["offset"],
                    slots.get(attribute["name"])))
    return wrong


def blocks(truth, docs):
    """What the allocator set aside, and what of it is lost."""
    wrong, word = [], truth["word"]
    order = "big" if truth["big_endian"] else "little"
    for animal, answer in zip(truth["zoo"], docs["zoo"]):
        if isinstance(answer, str) or not answer["fields"]:
            continue
        name = "%s (%s)" % (animal["label"], animal["type"])
        start = min(f["offset"] for f in answer["fields"])
        end = max(f["offset"] + f["width"] for f in answer["fields"])
        used, block = end - start, answer["block"]
        owned = sum(b["bytes"] or 0 for b in answer["buffers"]
                    if not b["shared"])
        if answer["place"] == "malloc" and not (
                truth["hexversion"] < 0x03000000 and
                animal["type"] in ("builtins.int", "builtins.float")):
            # (those of 2.7 come from blocks of many)
            # The word before a block of glibc: its size, and three flags;
            # before that what debug hooks add, two words each.
            at = 2 * (start - word - 2 * word * truth["hooks"] - FROM)
            head = int.from_bytes(bytes.fromhex(
                animal["bytes"][at:at + 2 * word]), order)
            if block != head & ~7:
                wrong.append("%s: block of %d from %d on, malloc says %d" % (
                    name, block, start, head & ~7))
        if answer["place"] == "pymalloc":
            classes = [(animal["pool_class"] + 1) * n for n in (8, 16)]
            if block not in classes or block < used:
                wrong.append("%s: block of %d for %d bytes in class %d" % (
                    name, block, used, animal["pool_class"]))
        if answer["place"] != "static" and abs(
                answer["lost"] - block + used) >= word:
            wrong.append("%s: %d lost of a block of %d, %d used" % (
                name, answer["lost"], block, used))
        # (Less than a word: char data[] at its end, and the like.)
        if answer["size_exact"] and answer["place"] != "static" and not \
                explained.other_size(animal, used) and \
                -(-(used + owned) // word) * word != \
                -(-animal["size"] // word) * word:
            wrong.append("%s: %d bytes from %d on and %d of its buffers, "
                         "sys.getsizeof() %d" % (
                             name, used, start, owned, animal["size"]))
    return wrong


def details(name, animal, answer, truth):
    """Where code stands, who raised, what is interned, which generation."""
    wrong = []
    keys = set(key for key, _ in animal["details"])
    want = animal["details"]
    said = [[d["key"], d["text"]] for d in answer["details"]
            if d["key"] in keys]
    if ["interned", True] in want:
        if said and said[0][1] == "no":
            wrong.append("%s: not said to be interned" % name)
    elif ["interned", False] in want:
        if said != [["interned", "no"]]:
            wrong.append("%s: said to be interned: %s" % (name, said))
    elif sorted(said) != sorted(want):
        wrong.append("%s: %s, truth %s" % (name, said, want))
    if animal["generation"] is not None and \
            answer["generation"] not in (animal["generation"], None):
        wrong.append("%s: generation %s, truth %s" % (
            name, answer["generation"], animal["generation"]))
    return wrong


def attributes(name, animal, answer):
    """Slots, and what is in __dict__ in its order, of as many as are shown."""
    shown = answer["attributes"]
    ours = dict((a["name"], a["addr"]) for a in shown if a["where"] == "slot")
    wrong = ["%s: slot %s holds %s, truth %s" % (
        name, slot, ours.get(slot, "nothing"), held)
        for slot, held in animal["slots"]
        if ours.get(slot, "missing") != held]
    ours = [[a["name"], a["addr"]] for a in shown if a["where"] != "slot"]
    if animal["dict"] is None:
        return wrong
    want = animal["dict"][:25 - len(shown) + len(ours)]
    if len(ours) != len(want):
        wrong.append("%s: %d attributes, truth %d" % (
            name, len(ours), len(want)))
    for (said, held), (called, truth) in zip(ours, want):
        if held != truth or (called is not None and said != called):
            wrong.append("%s: attribute %s holds %s, truth %s %s" % (
                name, said, held, called, truth))
    return wrong


def small_of_old(truth, animal):
    """A small integer of 2.7, which the forked copy itself may hold."""
    return truth["hexversion"] < 0x03000000 and \
        animal["type"] == "builtins.int" and -6 < int(animal["repr"]) < 257


def value(name, animal, answer, files_gone=False, limit=None):
    """The value is Python's own repr(), or its first LIMIT characters; where
    only code could tell, what object.__repr__ says.  Names of C code are in
    files: when these are gone, values that name something may say "?", and
    what depends on a constant in them is shown as an object."""
    want = [explained.known_repr(animal)]
    if explained.plain_repr(animal):
        want = [animal["plain_repr"]]
    if limit is not None:
        want = [w if w is None or len(w) <= limit else w[:limit] + "..."
                for w in want]
    said = answer["repr"] or ""
    if said in want or want == [None] or files_gone and (
            "?" in said or not answer["size_exact"]):
        return []
    want = want[0] or animal.get("repr_error")
    at = next((i for i, (a, b) in enumerate(zip(said, want)) if a != b),
              min(len(said), len(want)))
    start = max(0, at - 30)
    return ["%s: shown as %s, truth %s (from character %d)" % (
        name, said[start:start + 80], want[start:start + 80], start)]


VALID_VERSION = 1 << 19    # comes with the first look at an attribute


def classes(truth, docs):
    """Bases, flags, sizes, subclasses and instances of each class."""
    wrong, rows = [], rows_by_type(docs)[0]
    asked = [a for a in truth["zoo"] if a["class"]]
    for animal, answer in zip(asked, docs["classes"]):
        name, want = animal["label"], animal["class"]
        if isinstance(answer, str):
            wrong.append("%s: %s" % (name, answer))
            continue
        said = dict((key, answer[key]) for key in (
            "basicsize", "itemsize", "dictoffset", "weaklistoffset"))
        said["flags"] = answer["flags"] & ~VALID_VERSION
        said["mro"] = [c["addr"] for c in answer["mro"]]
        said["subclasses"] = sorted(c["addr"] for c in answer["subclasses"])
        want = dict(want, flags=want["flags"] & ~VALID_VERSION)
        late = set(want["subclasses"]) - set(said["subclasses"])
        if len(late) <= explained.readied(truth):
            want["subclasses"] = sorted(set(want["subclasses"]) - late)
        for addr in set(said["subclasses"]) ^ set(want["subclasses"]):
            wrong.append("%s: subclass %s only %s" % (
                name, addr, "said" if addr in said["subclasses"] else
                "true"))
        if said != want:
            wrong.append("%s: %s" % (name, difference(said, want)))
        if answer["metatype_addr"] != animal["type_addr"]:
            wrong.append("%s: metatype %s" % (name, answer["metatype"]))
        count = rows.get(animal["addr"], {"count": 0})["count"]
        if answer["instances"] != count:
            wrong.append("%s: %d instances, py-heap-types %d" % (
                name, answer["instances"], count))
    if not asked:
        wrong.append("no class in the zoo")
    return wrong


def cut(truth, docs, files_gone=False):
    """The same with a small limit."""
    wrong = []
    for animal, answer in zip(truth["zoo"][::CUT_STEP], docs["cut"]):
        name = "%s (%s)" % (animal["label"], animal["type"])
        if isinstance(answer, str):
            wrong.append("%s: %s" % (name, answer))
        else:
            wrong += value(name, animal, answer, files_gone, CUT)
    return wrong


def backrefs(truth, docs, files_gone=False):
    """Referrers: those of gc.get_referrers(), and others only explained.
    What a type holds of which no module shows the name is not known where the
    files are gone."""
    wrong, orphans = [], 0
    # What an object holds is not known where its type has no name.
    nobody = set(truth["types"][row["type_addr"]]["name"]
                 for row in docs.get("types", {"rows": ()})["rows"]
                 if row["type"] == nameless(row["type_addr"]) and
                 row["type_addr"] in truth["types"])
    for want, answer in zip(truth["referrers"], docs["backrefs"]):
        name = "%s %s" % (want["type"], want["addr"])
        if isinstance(answer, str):
            wrong.append("%s: %s" % (name, answer))
            continue
        ours = dict((row["addr"], row) for row in answer["rows"])
        holders = want["holders"]
        # Values inside an instance, which its dict shows too: the collector
        # may come to them through the dict (gh-130327), we say "attribute".
        inside = dict((d, i) for d, i in want["instances"].items() if
                      ours.get(i, {"via": ""})["via"].startswith("attribute "))
        for addr in set(want["tracked_holders"]) - set(ours):
            if files_gone and holders.get(addr, ["?"])[0] in \
                    explained.NEVER_SHOWN:
                continue
            if addr in inside or explained.held_within(
                    holders.get(addr, ["?"])[0], ours, want["type"]) or \
                    holders.get(addr, ["?"])[0] in nobody:
                continue
            wrong.append("%s: %s %s of gc.get_referrers() is missing" % (
                name, holders.get(addr, ["?"])[0], addr))
        for addr in set(holders) - set(want["tracked_holders"]) - set(ours):
            if explained.orphan_key(holders[addr]) and \
                    orphans < explained.ORPHANS:
                orphans += 1
            elif addr not in inside and holders[addr][0] not in nobody and \
                    not explained.not_owned(holders[addr], want, ours):
                wrong.append("%s: %s %s (known by %s) is missing" % (
                    name, holders[addr][0], addr, holders[addr][1]))
        for addr in set(ours) - set(want["tracked_holders"]) - set(
                holders) - set(inside.values()):
            if not explained.holder(ours[addr], want, truth):
                wrong.append("%s: %s %s via %s is no holder" % (
                    name, ours[addr]["type"], addr, ours[addr]["via"]))
    return wrong


def equal(first, second, what):
    """Two stops' documents, or two ways to get them, say the same."""
    wrong = []
    pairs = zip(first.get("backrefs", ()), second.get("backrefs", ()))
    for one, other in pairs:
        if isinstance(one, str) or isinstance(other, str):
            continue
        # GDB 13 leaves stacks behind guard pages (glibc 2.42) out of cores,
        # which is said.
        if one["total"]["frames_complete"] > other["total"]["frames_complete"]:
            one["rows"] = [row for row in one["rows"]
                           if row["type"] != "(Python frame)" or
                           row in other["rows"]]
            one["total"] = other["total"]
    for key in sorted(set(first) & set(second)):
        if key not in ("info", "cut", "classes") and first[key] != second[key]:
            wrong.append("%s differs %s: %s" % (
                key, what, difference(first[key], second[key])))
    return wrong


def difference(a, b, path=""):
    if type(a) is not type(b):
        return "%s: %r / %r" % (path, a, b)
    if isinstance(a, dict):
        for key in sorted(set(a) | set(b)):
            if a.get(key) != b.get(key):
                return difference(a.get(key), b.get(key), path + "." + key)
    if isinstance(a, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                return difference(x, y, "%s[%d]" % (path, i))
    elif isinstance(a, list):
        return "%s: only the first has %.300r, only the second %.300r" % (
            path, [x for x in a if x not in b], [y for y in b if y not in a])
    return "%s: %.80r / %.80r" % (path, a, b)
