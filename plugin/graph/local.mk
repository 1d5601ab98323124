# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/root-names.c \
	%D%/roots.c %D%/roots.h
