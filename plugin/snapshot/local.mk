# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/container-internal.h \
	%D%/container-read.c \
	%D%/container-write.c \
	%D%/container.h \
	%D%/diff.c \
	%D%/diff.h \
	%D%/print.c \
	%D%/print.h \
	%D%/keepers.c \
	%D%/keepers.h \
	%D%/save-graph.c \
	%D%/save-graph.h \
	%D%/save.c \
	%D%/save.h \
	%D%/sections.h \
	%D%/snapshot.c \
	%D%/snapshot.h
