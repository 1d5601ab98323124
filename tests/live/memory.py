# SPDX-License-Identifier: GPL-3.0-or-later
"""The debuggee's look at its own memory: what no Python accessor shows.

The copy reads its parent, which is blocked and stays as it was at the fork.

Some fields of C objects are invisible from Python: the tuple of a code
object's local names, the name of a method descriptor, the statics of a C
file.  `Memory` copies every writable mapping once, and `pointers` finds in a
piece of it the words that are addresses of objects.  It knows nothing of
where a field lies, so it cannot share a mistake with the code under test.
"""
import array
import bisect
import os
import struct
import sys
import sysconfig

WORD = struct.calcsize("P")
WIDE = WORD == 8
MAPPED = 1 << 24       # of a larger mapping only what is there is read
PAGE = os.sysconf("SC_PAGE_SIZE")
ENTRY = 8              # bytes of /proc/PID/pagemap for a page
PRESENT = 3 << 62      # of a page: in memory, or in the swap
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
#: The header of an object; free-threaded: thread, mutex and bits with the
#: owner's count, count of the others, type (Include/object.h).
HEADER = object.__basicsize__
TYPE = HEADER - WORD
#: Behind the links of Py_TRACE_REFS.
COUNT = 0 if FREE_THREADED else TYPE - WORD
LOCAL_IMMORTAL = 0xffffffff
SMALL = 1 << 20
GC_WORDS = (sys.getsizeof(()) - ().__sizeof__()) // WORD
FROZEN = 999999999     # the count of what the interpreter was built with
ET_EXEC, PT_LOAD, PF_W = 2, 1, 2

# Made once, before the fork: struct keeps what it is asked for in a cache.
ELF_START = b"\x7fELF" + (b"\2" if WIDE else b"\1") + (
    b"\1" if sys.byteorder == "little" else b"\2")
ELF_WORDS = struct.Struct("=H")
ELF_OFFSET = struct.Struct("=Q" if WIDE else "=I")
ELF_TABLE = struct.Struct("=HH")
ELF_SEGMENT = struct.Struct("=IIQQQQQ" if WIDE else "=IIIIIII")


class Memory(object):
    def __init__(self, pid):
        self.starts, self.ends, self.words = [], [], []
        self.loaded, self.data = [], []
        self.types = set()
        self._read(pid)

    def _read(self, pid):
        bases = {}
        memory = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
        lines = read_text("/proc/%d/maps" % pid).splitlines()
        for line in lines:
            fields = line.split(None, 5)
            start, end = [int(x, 16) for x in fields[0].split("-")]
            path = fields[5] if len(fields) > 5 else ""
            if path.startswith("/"):
                bases.setdefault(path, start)
            if not fields[1].startswith("rw"):
                continue
            if path.startswith("[") and path != "[heap]":
                continue
            pieces = [(start, end)]
            if end - start > MAPPED:
                pieces = present(pid, start, end)
            for start, end in pieces:
                self.starts.append(start)
                self.words.append(read_words(memory, start, end - start))
                self.ends.append(start + WORD * len(self.words[-1]))
        os.close(memory)
        for path, base in bases.items():
            self.segments(path, base)
        self.loaded.sort()

    def segments(self, path, base):
        """Note where the ELF file PATH was loaded, its .bss included."""
        try:
            elf = os.open(path, os.O_RDONLY)
        except OSError:
            return
        head = os.read(elf, 4096)
        os.close(elf)
        # Under an emulator there are its own files, too.
        if head[:6] != ELF_START:
            return
        kind, = ELF_WORDS.unpack_from(head, 16)
        offset, = ELF_OFFSET.unpack_from(head, 32 if WIDE else 28)
        size, number = ELF_TABLE.unpack_from(head, 54 if WIDE else 42)
        if kind == ET_EXEC:
            base = 0
        for i in range(number):
            entry = ELF_SEGMENT.unpack_from(head, offset + i * size)
            what, length = entry[0], entry[6 if WIDE else 5]
            flags, start = ((entry[1], entry[3]) if WIDE else
                            (entry[6], entry[2]))
            if what == PT_LOAD:
                self.loaded.append((base + start, base + start + length))
                if flags & PF_W:
                    self.data.append((base + start, length))

    def is_static(self, address):
        """Does ADDRESS belong to a loaded file, not to a heap?"""
        i = bisect.bisect_right(self.loaded, (address + 1,)) - 1
        return i >= 0 and address < self.loaded[i][1]

    def word(self, address):
        if address & (WORD - 1):
            return None
        i = bisect.bisect_right(self.starts, address) - 1
        if i < 0 or address >= self.ends[i]:
            return None
        return self.words[i][(address - self.starts[i]) // WORD]

    def count(self, address, word=None):
        """The reference count at ADDRESS, as WORD reads it."""
        word = word or self.word
        first = word(address + COUNT)
        if not FREE_THREADED or first is None:
            return first
        more, shared = word(address + WORD), word(address + 2 * WORD)
        if more is None or shared is None:
            return None
        if more >> 16 & 0xfc:
            return 0        # no mutex
        local = more >> 32
        if local == LOCAL_IMMORTAL:
            return local
        return local + (shared - (shared >> 63 << 64) >> 2)

    def is_tracked(self, address):
        """Does the collector know the object at ADDRESS, of a type with
        Py_TPFLAGS_HAVE_GC?"""
        if FREE_THREADED:
            return self.word(address + WORD) >> 24 & 1
        head = address - GC_WORDS * WORD
        if GC_WORDS == 2:
            return self.word(head) != 0
        # A counter of its own: -2 in it means no (the lowest bit is a flag
        # since 3.4).
        shift = 1 if sys.version_info >= (3, 4) else 0
        return self.word(head + 2 * WORD) >> shift != (
            1 << 8 * WORD - shift) - 2

    def is_count(self, count, address):
        """Is COUNT a plausible reference count of what is at ADDRESS, and no
        address itself?  Those of a program at a fixed place are small enough
        to be counts, even of what the interpreter was built with."""
        limit = 1 << 31
        if FREE_THREADED:
            # Deferred counting adds an eighth of the largest number.
            return 0 < count < 1 << 32 or \
                -1 << 32 < count - (sys.maxsize >> 3) < 1 << 32
        if sys.version_info >= (3, 14) and WIDE:
            # Flags above, and an overflow that is 0: no free list's link.
            if count >> 32 & 0xffff:
                return False
            count &= 0xffffffff
        if sys.version_info >= (3, 12):
            limit = 1 << 32
        return 0 < count < limit and (
            count < SMALL or self.word(count & -WORD) is None or
            FROZEN <= count < FROZEN + SMALL and self.is_static(address))

    def is_object(self, address):
        """Is there an object, by its count and its type?"""
        kind = self.word(address + TYPE)
        return kind in self.types and self.is_count(self.count(address), address)

    def pointers(self, start, size):
        """Addresses of objects in [START, START + SIZE)."""
        found = []
        for address in range(start, start + size, WORD):
            word = self.word(address)
            if word and word > 4096 and self.is_object(word):
                found.append(word)
        return found

    def look_alikes(self, static=False):
        """Every place in writable memory, or in that of loaded files, that may
        be an object, alive or not, or a buffer that looks like one."""
        for start, words in zip(self.starts, self.words):
            if static and not self.is_static(start):
                continue
            at = TYPE // WORD
            for i in range(0, len(words) - at, 1 if static else 2):
                if words[i + at] in self.types and \
                        self.is_object(start + i * WORD):
                    yield start + i * WORD

    def immortals(self):
        """Objects of a free-threaded build that nothing frees any more, held
        or not: constants, of 3.13 also the functions there were when the first
        thread began."""
        if not FREE_THREADED:
            return []
        return [at for at in self.look_alikes() if not self.is_static(at) and
                self.count(at) == LOCAL_IMMORTAL and
                not self.word(at) and not self.word(at + 2 * WORD)]

    def static_pointers(self):
        """Addresses of objects in the data of the loaded files."""
        found = set()
        for start, length in self.data:
            start = (start + WORD - 1) & -WORD
            found.update(self.pointers(start, length & -WORD))
        return list(found)


def present(pid, start, end):
    """[(start, end)] of the pages of a mapping that have contents."""
    table = os.open("/proc/%d/pagemap" % pid, os.O_RDONLY)
    os.lseek(table, start // PAGE * ENTRY, os.SEEK_SET)
    entries = array.array("Q")
    entries.frombytes(os.read(table, (end - start) // PAGE * ENTRY))
    if "QEMU_OPTIONS" in os.environ and sys.byteorder == "big":
        entries.byteswap()      # the kernel's order is another
    os.close(table)
    found, begun = [], None
    for i, entry in enumerate(entries):
        if entry & PRESENT and begun is None:
            begun = i
        elif not entry & PRESENT and begun is not None:
            found.append((start + begun * PAGE, start + i * PAGE))
            begun = None
    if begun is not None:
        found.append((start + begun * PAGE, end))
    return found


def read_text(path):
    """By bare reads: a text file would leave its codec in a cache."""
    file, pieces = os.open(path, os.O_RDONLY), []
    while True:
        piece = os.read(file, 1 << 16)
        if not piece:
            break
        pieces.append(piece)
    os.close(file)
    return str(b"".join(pieces).decode("ascii", "replace"))


def read_words(memory, start, left):
    content = array.array("L")
    os.lseek(memory, start, os.SEEK_SET)
    while left:
        try:
            piece = os.read(memory, min(left, 1 << 24))
        except OSError:     # past the end of the mapped file
            break
        if not piece:
            break
        left -= len(piece)
        (content.frombytes if hasattr(content, "frombytes")
         else content.fromstring)(piece)
    return content
