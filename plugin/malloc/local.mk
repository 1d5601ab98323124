# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/arenas.c \
	%D%/caches.c \
	%D%/chunks.c \
	%D%/lists.c \
	%D%/malloc.h \
	%D%/malloc-internal.h \
	%D%/mapped.c \
	%D%/other.c \
	%D%/regions.c \
	%D%/shapes.c \
	%D%/shapes.h \
	%D%/walk.c
