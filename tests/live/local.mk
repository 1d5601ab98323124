# SPDX-License-Identifier: GPL-3.0-or-later
live_tests += %D%/arenas.tap
EXTRA_DIST += %D%/arenas.tap
live_tests += %D%/pins.tap
EXTRA_DIST += %D%/pins.tap
live_tests += %D%/core-files.tap
EXTRA_DIST += %D%/core-files.tap
live_tests += %D%/interpreters.tap
EXTRA_DIST += %D%/interpreters.tap %D%/subinterpreters.py
live_tests += %D%/layout.tap
EXTRA_DIST += %D%/layout.tap

# What the commands say against what the debuggee knows: oracles.tap --help.
live_tests += %D%/oracles.tap
EXTRA_DIST += %D%/oracles.tap %D%/compare.py %D%/debuggers.py \
	%D%/explained.py %D%/gdbpipe.py %D%/pythons.py %D%/stops.py \
	%D%/tap.py %D%/target.py \
	%D%/debuggee.py %D%/oracle.py %D%/memory.py %D%/zoo.py

# Not in check-live: it takes minutes, and qemu.
machine_tests = %D%/machines.tap
EXTRA_DIST += %D%/machines.tap %D%/emulated.py

# A release without rows; those that are as new are in the testbed.
live_tests += %D%/unknown.tap
EXTRA_DIST += %D%/unknown.tap

live_tests += %D%/tracemalloc.tap
EXTRA_DIST += %D%/tracemalloc.tap
live_tests += %D%/export.tap
EXTRA_DIST += %D%/export.tap %D%/heapfile.py
live_tests += %D%/find.tap
EXTRA_DIST += %D%/find.tap

# Objects that cannot be; FUZZ=N: N rounds of random words, too.
live_tests += %D%/hostile.tap
EXTRA_DIST += %D%/hostile.tap

live_tests += %D%/gil.tap %D%/graph.tap %D%/relations.tap
EXTRA_DIST += %D%/gil.tap %D%/graph.tap %D%/relations.tap
live_tests += %D%/deep.tap %D%/paths.tap
EXTRA_DIST += %D%/deep.tap %D%/paths.tap

# Thousands of generated objects, each against what Python says of it.
live_tests += %D%/menagerie.tap
EXTRA_DIST += %D%/menagerie.tap %D%/animals.py

# Leaks, over three stops; DAMAGE=N: N damaged files.
live_tests += %D%/growth.tap
EXTRA_DIST += %D%/growth.tap %D%/extension.py

# The C library's malloc against mallinfo2() and malloc_info().
live_tests += %D%/malloc.tap
EXTRA_DIST += %D%/malloc.tap

# An extension that holds and leaks objects: needs a compiler and headers.
live_tests += %D%/native.tap
EXTRA_DIST += %D%/native.tap %D%/leaky.c

live_tests += %D%/numpy.tap
EXTRA_DIST += %D%/numpy.tap

live_tests += %D%/slots.tap %D%/stacks.tap %D%/suspects.tap
live_tests += %D%/report.tap %D%/tasks.tap
EXTRA_DIST += %D%/report.tap %D%/tasks.tap
live_tests += %D%/threads.tap %D%/verdict.tap %D%/waste.tap
EXTRA_DIST += %D%/slots.tap %D%/stacks.tap %D%/suspects.tap \
	%D%/threads.tap %D%/verdict.tap %D%/waste.tap \
	%D%/waiting.py

# The same with every object on the core too, and on a larger heap: minutes
# for each interpreter.
check-live-full: all
	LIVE_FULL=1 $(MAKE) $(AM_MAKEFLAGS) check TESTS='$(live_tests)'
.PHONY: check-live-full

# Newer GDBs and Pythons of Debian, unpacked in ./.testbed: to try things with
# PYTHONS or GDB=.testbed/bin/...; no test fetches them by itself.
testbed:
	$(srcdir)/%D%/testbed
EXTRA_DIST += %D%/testbed
.PHONY: testbed

# Every Python x way x GDB that is here: hours.  It goes on where it stopped;
# matrix-table takes what is known into the manual.
matrix: all
	abs_top_builddir=$(abs_top_builddir) $(srcdir)/%D%/matrix
matrix-table:
	abs_top_builddir=$(abs_top_builddir) $(srcdir)/%D%/matrix --texinfo \
		>$(srcdir)/doc/matrix.texi.new
	mv $(srcdir)/doc/matrix.texi.new $(srcdir)/doc/matrix.texi
EXTRA_DIST += %D%/matrix %D%/matrixtable.py %D%/copies.py
CLEANFILES += matrix.json
.PHONY: matrix matrix-table
