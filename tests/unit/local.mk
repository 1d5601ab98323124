# SPDX-License-Identifier: GPL-3.0-or-later
# To add one: test-NAME.c here and three lines below:
#   unit_tests += %D%/test-NAME
#   %C%_test_NAME_CFLAGS = $(unit_cflags)
#   %C%_test_NAME_LDADD = $(unit_ldadd)
unit_tests =
unit_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
unit_ldadd = libpymortem.la $(PM_LIBS) $(CHECK_LIBS)

if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
