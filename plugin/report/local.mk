# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/dot.c %D%/dot.h \
	%D%/emit.c \
	%D%/emit-private.h \
	%D%/emit.h \
	%D%/html.c \
	%D%/page.c %D%/page.h \
	%D%/json.c %D%/json-string.h \
	%D%/text.c
