# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/fields.h \
	%D%/layout.c \
	%D%/layout.h \
	%D%/rows.h \
	%D%/rows/3.8.c \
	%D%/rows/3.9.c \
	%D%/rows/3.10.c \
	%D%/rows/3.11.c \
	%D%/rows/3.12.c \
	%D%/rows/3.13.c
EXTRA_DIST += maint/gen-layout
