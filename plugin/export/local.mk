# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/csv.c \
	%D%/dot.c \
	%D%/export.c %D%/export.h %D%/export-internal.h \
	%D%/groups.c %D%/groups.h \
	%D%/heapsnapshot.c \
	%D%/ids.c %D%/ids.h \
	%D%/json.c \
	%D%/names.c %D%/names.h \
	%D%/out.c %D%/out.h \
	%D%/strings.c %D%/strings.h
