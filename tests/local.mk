# SPDX-License-Identifier: GPL-3.0-or-later
# Programs (libcheck) and *.tap scripts speak TAP: every case is counted.
# *.sh and *.py are one test each: exit status 0 pass, 77 skip, else fail.
TEST_EXTENSIONS = .sh .py .tap
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TAP_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = $(EMULATOR)
AM_TESTS_ENVIRONMENT = \
	CK_TAP_LOG_FILE_NAME=-; export CK_TAP_LOG_FILE_NAME; \
	CK_VERBOSITY=silent; export CK_VERBOSITY; \
	CC='$(CC)'; export CC; \
	GDB='$(GDB)'; export GDB; \
	EMULATOR='$(EMULATOR)'; export EMULATOR; \
	PYTHON3='$(PYTHON3)'; export PYTHON3; \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir;

# Tests through a real GDB, on real interpreters: make check-live.
live_tests =

include tests/lib/local.mk
include tests/unit/local.mk
include tests/source/local.mk
include tests/bench/local.mk
include tests/docs/local.mk
include tests/install/local.mk
include tests/fuzz/local.mk
include tests/gdb/local.mk
include tests/live/local.mk
include tests/viewers/local.mk

EXTRA_DIST += %D%/newcomer %D%/demo/service.py

check-unit: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(unit_tests)'
.PHONY: check-unit

# All of it built for aarch64, its unit tests under qemu; and cores of Pythons
# of other machines, opened here.  tests/live/testbed fetches what they need.
check-machines: all
	$(srcdir)/%D%/cross cross-arm64 || test $$? = 77
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(machine_tests)'
.PHONY: check-machines
EXTRA_DIST += %D%/cross

check-live: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(live_tests)'
.PHONY: check-live
