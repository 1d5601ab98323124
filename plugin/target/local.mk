# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/core-files.c \
	%D%/core-guess.c \
	%D%/core-map.c \
	%D%/core-notes.c \
	%D%/elf-read.c \
	%D%/elf-read.h \
	%D%/image.c \
	%D%/image.h \
	%D%/memory.c \
	%D%/memory.h \
	%D%/module-file.c \
	%D%/module-file.h \
	%D%/module.c \
	%D%/module.h \
	%D%/native-core.c \
	%D%/native-core.h \
	%D%/native-maps.c \
	%D%/native-process.c \
	%D%/native-tasks.c \
	%D%/native.h \
	%D%/residency.c \
	%D%/residency.h \
	%D%/scattered.c \
	%D%/scattered.h \
	%D%/symtab-file.c \
	%D%/symtab-memory.c \
	%D%/symtab.c \
	%D%/symtab.h \
	%D%/target.c \
	%D%/target.h \
	%D%/tasks.c \
	%D%/tasks.h
