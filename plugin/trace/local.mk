# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/collect.c %D%/collect.h \
	%D%/file.c %D%/file.h \
	%D%/groups.c %D%/groups.h \
	%D%/profile.c %D%/profile.h \
	%D%/stacks.c \
	%D%/tables.c %D%/tables.h \
	%D%/tables-find.c \
	%D%/traces.c %D%/traces.h
