# SPDX-License-Identifier: GPL-3.0-or-later
live_tests += %D%/layout.tap
EXTRA_DIST += %D%/layout.tap

# Newer GDBs and Pythons of Debian, unpacked in ./.testbed: to try things with
# PYTHONS or GDB=.testbed/bin/...; no test fetches them by itself.
testbed:
	$(srcdir)/%D%/testbed
EXTRA_DIST += %D%/testbed
.PHONY: testbed
