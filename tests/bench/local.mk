# SPDX-License-Identifier: GPL-3.0-or-later
# Built when a benchmark asks for it: make tests/bench/read-floor.
EXTRA_PROGRAMS += %D%/read-floor
%C%_read_floor_CPPFLAGS = -D_GNU_SOURCE= -D_FILE_OFFSET_BITS=64
%C%_read_floor_LDFLAGS =
%C%_read_floor_LDADD =
CLEANFILES += $(EXTRA_PROGRAMS)
EXTRA_DIST += %D%/bench %D%/heap.py

bench: all %D%/read-floor$(EXEEXT)
	$(srcdir)/%D%/bench $(BENCHFLAGS) $(abs_builddir)
bench-linear: all %D%/read-floor$(EXEEXT)
	$(srcdir)/%D%/bench --linear -r 3 $(BENCHFLAGS) $(abs_builddir)
bench-graph: all
	$(srcdir)/%D%/bench --graph -n 30000000 $(BENCHFLAGS) $(abs_builddir)
.PHONY: bench bench-graph bench-linear
