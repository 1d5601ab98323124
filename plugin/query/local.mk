# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/evaluate.c \
	%D%/lookup.c \
	%D%/parse.c \
	%D%/query.h \
	%D%/query-internal.h \
	%D%/token.c \
	%D%/value.c %D%/value.h
