# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/image.h \
	%D%/memory.h \
	%D%/module.h \
	%D%/native.h \
	%D%/target.h
