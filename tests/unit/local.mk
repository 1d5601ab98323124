# SPDX-License-Identifier: GPL-3.0-or-later
# To add one: test-NAME.c here, and a line below.
unit_tests = \
	%D%/test-arenas \
	%D%/test-attributes \
	%D%/test-bridge \
	%D%/test-container \
	%D%/test-core \
	%D%/test-dominators \
	%D%/test-emit \
	%D%/test-residency \
	%D%/test-error \
	%D%/test-export \
	%D%/test-heap \
	%D%/test-layout \
	%D%/test-layout-create \
	%D%/test-malloc \
	%D%/test-map \
	%D%/test-mimalloc \
	%D%/test-module \
	%D%/test-names \
	%D%/test-native \
	%D%/test-options \
	%D%/test-query \
	%D%/test-roots \
	%D%/test-search \
	%D%/test-session \
	%D%/test-slots \
	%D%/test-snapshot \
	%D%/test-spot \
	%D%/test-strbuf \
	%D%/test-suspects \
	%D%/test-target \
	%D%/test-tasks \
	%D%/test-threads \
	%D%/test-traces \
	%D%/test-values \
	%D%/test-vec \
	%D%/test-waste

# The parts of plugin/gdb that need no GDB; flags of its own so that the
# objects are not those of the module.
tests_unit_test_bridge_SOURCES = %D%/test-bridge.c plugin/gdb/channel.c \
	plugin/gdb/facts.c plugin/gdb/host.c plugin/gdb/operand.c \
	plugin/gdb/request.c plugin/gdb/response.c
tests_unit_test_bridge_CFLAGS = $(AM_CFLAGS)

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
