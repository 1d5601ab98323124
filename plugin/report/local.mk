# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/emit.h
