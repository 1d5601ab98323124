# SPDX-License-Identifier: GPL-3.0-or-later
# What users see of GDB: make check-live.  To add one: NAME.tap, and a line.
gdb_tests = \
	%D%/errors.tap \
	%D%/inferiors.tap \
	%D%/instances.tap \
	%D%/interrupt.tap \
	%D%/namespace.tap \
	%D%/output.tap \
	%D%/places.tap \
	%D%/position.tap \
	%D%/readonly.tap \
	%D%/remote.tap \
	%D%/session.tap
if HAVE_GDB
if HAVE_PYTHON3
live_tests += $(gdb_tests)
endif
endif
EXTRA_DIST += %D%/drive.py $(gdb_tests)

# The same with each GDB that is here: the system's, the testbed's, GDBS=...
check-gdbs: all
	$(PYTHON3) $(srcdir)/tests/live/debuggers.py | { status=0; \
	while read -r label gdb; do \
		echo "GDB $$label: $$gdb"; \
		$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(gdb_tests)' GDB=$$gdb \
			TEST_SUITE_LOG=gdb-$$label.log </dev/null || status=1; \
	done; exit $$status; }
.PHONY: check-gdbs
MOSTLYCLEANFILES += gdb-*.log
