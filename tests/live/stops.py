# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of GDB at one stop of a debuggee, and what it must say."""
import contextlib
import re
import subprocess

import compare


def document(answer):
    try:
        return answer.json()
    except ValueError as error:
        return str(error)


class Thin:
    """Every zoo-th animal and every back-th object with referrers."""

    def __init__(self, zoo=1, back=1):
        self.zoo, self.back = zoo, back

    def truth(self, truth):
        return dict(truth, zoo=truth["zoo"][::self.zoo],
                    referrers=truth["referrers"][::self.back])

    def docs(self, docs):
        return dict(docs, zoo=docs["zoo"][::self.zoo],
                    backrefs=docs["backrefs"][::self.back])


ALL = Thin()


def ask(gdb, truth, thin=ALL):
    """The documents of one stop.  A command that fails raises ValueError."""
    docs = {"info": gdb.run("py-info -json").json(),
            "types": gdb.run("py-heap-types -json -all").json(),
            "arenas": gdb.run("py-arena-stats -json").json(),
            "freelists": gdb.run("py-freelists -json -all").json()}
    truth = thin.truth(truth)
    docs["zoo"] = [document(a) for a in gdb.run_all(
        ["py-object -json -repr-limit %d %s" % (compare.WHOLE, a["addr"])
         for a in truth["zoo"]])]
    docs["classes"] = [document(a) for a in gdb.run_all(
        ["py-type -json -all " + a["addr"] for a in truth["zoo"]
         if a["class"]])]
    docs["cut"] = [document(a) for a in gdb.run_all(
        ["py-object -json -top 1 -repr-limit %d %s" % (compare.CUT, a["addr"])
         for a in truth["zoo"][::compare.CUT_STEP]])]
    docs["backrefs"] = [document(a) for a in gdb.run_all(
        ["py-backrefs -json -all " + r["addr"] for r in truth["referrers"]])]
    return docs


def ask_animals(gdb, truth):
    """Of the objects only."""
    return {"info": gdb.run("py-info -json").json(),
            "types": gdb.run("py-heap-types -json -all").json(),
            "zoo": [document(a) for a in gdb.run_all(
                ["py-object -json -repr-limit %d %s" % (
                    compare.WHOLE, a["addr"]) for a in truth["zoo"]])],
            "classes": [document(a) for a in gdb.run_all(
                ["py-type -json -all " + a["addr"] for a in truth["zoo"]
                 if a["class"]])]}


def check_animals(report, where, truth, docs):
    report.test("%s: %d objects as sys.getsizeof(), vars() and repr()" % (
        where, len(truth["zoo"])), compare.zoo(truth, docs))
    report.test(where + ": every field where its descriptor has it, every "
                "byte as in memory", compare.drawn(truth, docs))
    report.test(where + ": blocks as the allocator has them",
                compare.blocks(truth, docs))
    if any(a["class"] for a in truth["zoo"]):
        report.test(where + ": classes as they say themselves",
                    compare.classes(truth, docs))


def check(report, where, truth, docs, thin=ALL, files_gone=False):
    truth = thin.truth(truth)
    if files_gone:
        docs = compare.named(truth, docs)
    report.test(where + ": py-info knows the version",
                compare.info(truth, docs))
    report.test(where + ": tracked objects per type as gc.get_objects()",
                compare.tracked(truth, docs))
    report.test(where + ": types are named as in Python",
                compare.names(truth, docs, files_gone))
    report.test(where + ": all objects per type, and their bytes",
                compare.counts(truth, docs, files_gone))
    report.test(where + ": arenas as sys._debugmallocstats()",
                compare.arenas(truth, docs))
    report.test(where + ": free lists as sys._debugmallocstats()",
                compare.freelists(truth, docs))
    report.test(where + ": %d animals of the zoo as sys.getsizeof(), vars() "
                "and repr()" % len(truth["zoo"]),
                compare.zoo(truth, docs, files_gone))
    # A part of the zoo may have none.
    if thin is ALL or any(a["class"] for a in truth["zoo"]):
        report.test(where + ": classes as they say themselves",
                    compare.classes(truth, docs))
    report.test(where + ": values are cut to the limit",
                compare.cut(truth, docs, files_gone))
    report.test(where + ": referrers of %d objects as gc.get_referrers()" %
                len(truth["referrers"]),
                compare.backrefs(truth, docs, files_gone))


def same(report, name, docs, again, thin, what):
    """Are the documents AGAIN, asked for THIN, those of DOCS?"""
    report.test(name, compare.equal(thin.docs(docs), again, what))


def unchanged(report, where, before, after):
    report.test(where + ": not a byte of the process was changed",
                ["changed: " + m for m in sorted(set(before) | set(after))
                 if before.get(m) != after.get(m)])


def lives(report, where, subject):
    said, status = subject.finish()
    report.test(where + ": the process goes on and lives",
                [] if said.startswith("L") and status == 0 else
                ["it said %r and ended with %d" % (said, status)])


@contextlib.contextmanager
def over_gdbserver(gdb, server, pid):
    """Connects GDB with the process through a server.  Not by a pipe: of that
    GDB reads each character by a call of its own.  Files are this machine's:
    not all of them need to go through the connection, too."""
    process = subprocess.Popen(
        [server, "--once", "--attach", "127.0.0.1:0", str(pid)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            port = re.search(r"Listening on port (\d+)", line)
            if port:
                break
        else:
            raise ValueError("gdbserver: " + "".join(lines))
        gdb.run("set sysroot")
        said = gdb.run("target remote 127.0.0.1:" + port.group(1))
        if "(remote" not in gdb.run("info inferiors").text:
            raise ValueError("target remote: " + said.text[-300:])
        yield
        gdb.run("detach")
        process.wait(60)
    finally:
        if process.poll() is None:
            process.terminate()  # it lets the process go
            process.wait()
        process.stderr.close()
