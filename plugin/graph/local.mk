# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/biggest.c %D%/biggest.h \
	%D%/build.c %D%/build.h \
	%D%/dominators.c %D%/dominators.h \
	%D%/expression.c %D%/expression.h \
	%D%/graph.c %D%/graph.h \
	%D%/groups.c %D%/groups.h \
	%D%/islands.c %D%/islands.h \
	%D%/large-blocks.c %D%/large-blocks.h \
	%D%/machinery.c %D%/machinery.h \
	%D%/native-memory.c %D%/native-memory.h \
	%D%/path.c %D%/path.h \
	%D%/patterns.c %D%/patterns.h \
	%D%/pins.c %D%/pins.h %D%/pins-internal.h %D%/pins-plan.c \
	%D%/population.c %D%/population.h \
	%D%/refcheck.c %D%/refcheck.h \
	%D%/root-names.c \
	%D%/root-nodes.c %D%/root-nodes.h \
	%D%/roots-native.c %D%/roots-native.h \
	%D%/roots.c %D%/roots.h \
	%D%/suspects.c %D%/suspects.h \
	%D%/without.c %D%/without.h
