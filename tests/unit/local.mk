# SPDX-License-Identifier: GPL-3.0-or-later
# To add one: test-NAME.c here, and a line below.
unit_tests = \
	%D%/test-core \
	%D%/test-emit \
	%D%/test-error \
	%D%/test-heap \
	%D%/test-layout \
	%D%/test-layout-create \
	%D%/test-map \
	%D%/test-module \
	%D%/test-names \
	%D%/test-options \
	%D%/test-session \
	%D%/test-strbuf \
	%D%/test-target \
	%D%/test-vec

# A C++ host throws through the C of the commands.
if HAVE_CXX
unit_tests += %D%/test-torture
tests_unit_test_torture_SOURCES = %D%/test-torture.c tests/lib/throw.cc \
	tests/lib/throw.h
endif

if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
EXTRA_DIST += %D%/unit.h
