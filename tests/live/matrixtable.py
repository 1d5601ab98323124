# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the matrix, as text and for the manual."""
import re

HOWS = {
    "live": "a process, attached to",
    "remote": "a process, through gdbserver",
    "gcore": "a core by GDB's generate-core-file",
    "kernel": "a core by the kernel",
    "stripped": "a stripped copy: as a process and as a core",
    "bare": "a core alone: its files are gone",
}
#: Rows that the project promises: there, or why not.
PROMISED = ["2.7"] + ["3.%d" % n for n in range(6, 16)] + [
    "3.13t", "3.14t", "3.15t", "3.13d", "3.14d", "3.15d"]


def order(name):
    match = re.match(r"(\d+)\.(\d+)\.?(\d*)(.*)", name)
    return tuple(int(n or 0) for n in match.groups()[:3]) + (match.group(4),)


def kind(name):
    """3.14.10t-debian -> 3.14t"""
    match = re.match(r"(\d+\.\d+)(?:\.\d+)?([a-z]*)", name)
    return match.group(1) + match.group(2)


def labels(known):
    return sorted(known["gdb"], key=lambda l: (not l.isdigit(),
                                               int(l) if l.isdigit() else 0))


def rows(known, reasons):
    """(python, how, [text of a cell]); reasons are numbered in the dict."""
    for python in sorted(known["cells"], key=order):
        for how in HOWS:
            cells = known["cells"][python].get(how, {})
            yield python, how, [
                cell_text(cells.get(label), reasons)
                for label in labels(known)]


def cell_text(cell, reasons):
    if not cell:
        return "?"
    if "why" in cell:
        return "- (%d)" % reasons.setdefault(cell["why"], len(reasons) + 1)
    if cell["failed"]:
        what = "%d of %d fail: %s" % (len(cell["failed"]), cell["tests"],
                                      "; ".join(cell["failed"]))
        return "%d/%d (%d)" % (cell["tests"] - len(cell["failed"]),
                               cell["tests"],
                               reasons.setdefault(what, len(reasons) + 1))
    return "%d" % cell["tests"]


def missing(known):
    here = set(kind(name) for name in known["cells"])
    return [p for p in PROMISED if p not in here]


def failures(known):
    return sum(bool(cell.get("failed")) for hows in known["cells"].values()
               for cells in hows.values() for cell in cells.values())


def heads(known):
    return ["GDB " + (known["gdb"][l] if l.isdigit() else
                      "%s %s" % (known["gdb"][l], l)) for l in labels(known)]


def text(known):
    reasons, lines = {}, [["Python", "how"] + heads(known)]
    lines += [[p, h] + c for p, h, c in rows(known, reasons)]
    widths = [max(len(line[i]) for line in lines)
              for i in range(len(lines[0]))]
    out = ["  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip()
           for line in lines]
    out += ["(%d) %s" % (n, why) for why, n in reasons.items()]
    if missing(known):
        out.append("no row for: " + ", ".join(missing(known)))
    out += ["left out: " + why for why in known["left_out"]]
    return "\n".join(out) + "\n"


def escaped(words):
    return re.sub(r"([@{}])", r"@\1", words)


def texinfo(known):
    """A fragment: the numbers are tests that passed."""
    reasons = {}
    out = ["@c Made by tests/live/matrix --texinfo.",
           "@multitable @columnfractions .22 .14" +
           " %.2f" % (.64 / (len(labels(known)) or 1)) * len(labels(known)),
           "@headitem Python @tab how @tab " + " @tab ".join(heads(known))]
    before = None
    for python, how, cells in rows(known, reasons):
        out.append("@item %s @tab %s @tab %s" % (
            python if python != before else "", how, " @tab ".join(cells)))
        before = python
    out.append("@end multitable")
    if reasons or missing(known):
        out += ["", "@itemize @w{}"]
        out += ["@item (%d) %s" % (n, escaped(why))
                for why, n in reasons.items()]
        if missing(known):
            out.append("@item No interpreter of these was at hand: %s." %
                       ", ".join(missing(known)))
        out.append("@end itemize")
    return "\n".join(out) + "\n"
