# SPDX-License-Identifier: GPL-3.0-or-later
"""Says results as TAP."""
import sys

SHOWN = 12


class Report:
    def __init__(self, full=False, quiet=False):
        self.number = 0
        self.failures = []
        self.full, self.quiet = full, quiet

    @property
    def failed(self):
        return len(self.failures)

    def test(self, name, wrong):
        self.number += 1
        if wrong:
            self.failures.append(name)
        if not self.quiet or wrong:
            print("%sok %d - %s" % ("not " if wrong else "", self.number,
                                    name))
        for line in wrong[:None if self.full else SHOWN]:
            print("#   " + line.replace("\n", "\n#   "))
        if not self.full and len(wrong) > SHOWN:
            print("#   ... and %d more" % (len(wrong) - SHOWN))
        sys.stdout.flush()

    def skip(self, why):
        self.number += 1
        print("ok %d # SKIP %s" % (self.number, why))

    def note(self, text):
        print("# " + text)
        sys.stdout.flush()

    def plan(self):
        print("1..%d" % self.number)
        return 1 if self.failures else 0
