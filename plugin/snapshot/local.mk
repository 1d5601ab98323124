# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/container-internal.h \
	%D%/container-read.c \
	%D%/container-write.c \
	%D%/container.h
