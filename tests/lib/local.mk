# SPDX-License-Identifier: GPL-3.0-or-later
# What tests share, together with the library under test; every test program
# is linked with it, and with each allocation going through alloc.c.
if HAVE_CHECK
check_LTLIBRARIES += tests/lib/libtest.la
check_PROGRAMS += tests/lib/layout-dump tests/lib/command-loop \
	tests/lib/malloc-dump
endif
tests_lib_libtest_la_SOURCES = \
	%D%/alloc.c \
	%D%/alloc.h \
	%D%/fake-core.c \
	%D%/fake-core.h \
	%D%/mini-frames.c \
	%D%/mini-frames.h \
	%D%/mini-heap.c \
	%D%/mini-heap.h \
	%D%/mini-python.c \
	%D%/mini-python.h \
	%D%/mini-segments.c \
	%D%/mini-segments.h \
	%D%/mini-traces.c \
	%D%/mini-traces.h \
	%D%/opened-heap.h
tests_lib_libtest_la_LIBADD = libpymortem.la

AM_LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,-u,__wrap_malloc
LDADD = tests/lib/libtest.la $(PM_LIBS) $(CHECK_LIBS)
