# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/cleanup.h \
	%D%/clock.h \
	%D%/error.c \
	%D%/error.h \
	%D%/load.h \
	%D%/map.c \
	%D%/map.h \
	%D%/new-file.c \
	%D%/new-file.h \
	%D%/strbuf.c \
	%D%/strbuf.h \
	%D%/vec.c \
	%D%/vec.h
