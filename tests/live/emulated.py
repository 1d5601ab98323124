# SPDX-License-Identifier: GPL-3.0-or-later
"""A debuggee of another machine, under qemu's emulation of programs, and its
core.

qemu writes a core of the program on a fatal signal, but without what a kernel
puts there to find the files by: the list of mapped files (NT_FILE) and the page
with the ELF header of each.  Both are in /proc/PID/maps, since the program's
addresses are those of qemu's process (-B 0)."""
import glob
import os
import signal
import struct

PT_LOAD, PT_NOTE, NT_FILE = 1, 4, 0x46494c45
PAGE = 4096


class Elf:
    """Words of an ELF file of 64 bits, in its byte order."""

    def __init__(self, head):
        if head[:5] != b"\x7fELF\x02":
            raise ValueError("no ELF file of 64 bits")
        self.order = ">" if head[5] == 2 else "<"

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def unpack(self, form, data, at=0):
        return struct.unpack_from(self.order + form, data, at)


def mapped_files(maps):
    """[(start, end, offset, path)] of the lines of /proc/PID/maps."""
    found = []
    for line in maps.splitlines():
        fields = line.split(None, 5)
        if len(fields) < 6 or not fields[5].startswith("/"):
            continue
        start, end = (int(x, 16) for x in fields[0].split("-"))
        found.append((start, end, int(fields[2], 16), fields[5]))
    return found


def file_note(elf, files):
    data = elf.pack("QQ", len(files), PAGE)
    for start, end, offset, _ in files:
        data += elf.pack("QQQ", start, end, offset // PAGE)
    for *_, path in files:
        data += os.fsencode(path) + b"\0"
    head = elf.pack("III", 5, len(data), NT_FILE) + b"CORE\0\0\0\0"
    return head + data + b"\0" * (-len(data) % 4)


def as_kernel(source, maps, path):
    """Writes the core SOURCE of qemu to PATH as a kernel would."""
    with open(source, "rb") as file:
        content = file.read()
    elf = Elf(content)
    table, = elf.unpack("Q", content, 32)
    size, number = elf.unpack("HH", content, 54)
    segments = [list(elf.unpack("IIQQQQQQ", content, table + i * size))
                for i in range(number)]
    inside = [s[3] for s in segments if s[0] == PT_LOAD]
    files = [f for f in mapped_files(maps) if f[0] in inside]
    starts = dict((f[0], f[3]) for f in files if not f[2])
    pieces, at = [], (table + number * size + PAGE - 1) // PAGE * PAGE
    for segment in segments:
        kind, _, offset, start, _, length = segment[:6]
        data = content[offset:offset + length]
        if kind == PT_NOTE:
            data += file_note(elf, files)
        elif kind == PT_LOAD and not length and start in starts:
            with open(starts[start], "rb") as file:
                data = file.read(PAGE)
        segment[2], segment[5] = at, len(data)
        pieces.append(data + b"\0" * (-len(data) % PAGE))
        at += len(pieces[-1])
    head = content[:table]
    for segment in segments:
        head += elf.pack("IIQQQQQQ", *segment)
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % PAGE))
        for piece in pieces:
            file.write(piece)


def dump(subject, folder):
    """The core of the debuggee, which ends with that; FOLDER is its working
    directory."""
    with open("/proc/%d/maps" % subject.pid) as file:
        maps = file.read()
    os.kill(subject.pid, signal.SIGABRT)
    subject.process.wait()
    cores = glob.glob(os.path.join(folder, "qemu_*.core"))
    if not cores:
        raise ValueError("qemu wrote no core")
    path = os.path.join(folder, "core.as-kernel")
    as_kernel(cores[0], maps, path)
    os.unlink(cores[0])
    return path
