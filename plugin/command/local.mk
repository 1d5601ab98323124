# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/arena-map.c \
	%D%/arena-groups.c %D%/arena-groups.h \
	%D%/arena-pins.c \
	%D%/arena-picture.c %D%/arena-picture.h \
	%D%/arena-pools.c %D%/arena-pools.h \
	%D%/arena-stats.c \
	%D%/arena-tables.c %D%/arena-tables.h \
	%D%/backrefs.c \
	%D%/breakdown.c \
	%D%/breakdown.h \
	%D%/collections.c \
	%D%/command.h \
	%D%/commands.c \
	%D%/commands.h \
	%D%/diff-show.c %D%/diff-show.h \
	%D%/diffing.c %D%/diffing.h \
	%D%/find.c \
	%D%/fingerprint.c \
	%D%/fingerprint.h \
	%D%/heap-diff.c \
	%D%/heap-growth.c \
	%D%/heap-report.c \
	%D%/heap-save.c \
	%D%/heap-export.c \
	%D%/heap-types.c \
	%D%/freelists.c \
	%D%/graphing.c \
	%D%/graphing.h \
	%D%/graphviz.c %D%/graphviz.h \
	%D%/groups.c \
	%D%/groups.h \
	%D%/holder-refs.c %D%/holder-refs.h \
	%D%/help.c \
	%D%/info.c \
	%D%/interned.c \
	%D%/condition.h \
	%D%/instance-sites.c %D%/instance-sites.h \
	%D%/instances.c \
	%D%/mallocing.c %D%/mallocing.h \
	%D%/memory.c \
	%D%/memory-large.c %D%/memory-large.h \
	%D%/memory-words.c %D%/memory-words.h \
	%D%/neighbours.c %D%/neighbours.h \
	%D%/object.c \
	%D%/object-tables.c %D%/object-tables.h \
	%D%/options.c \
	%D%/options.h \
	%D%/output.c \
	%D%/path.c \
	%D%/path-show.c %D%/path-show.h \
	%D%/path-type.c %D%/path-type.h \
	%D%/output.h \
	%D%/picture.c %D%/picture.h \
	%D%/refcheck.c \
	%D%/ref-tree.c %D%/ref-tree.h \
	%D%/refs.c \
	%D%/retained.c \
	%D%/row-paths.c %D%/row-paths.h \
	%D%/await-chain.c %D%/await-chain.h \
	%D%/task-holders.c %D%/task-holders.h \
	%D%/tasks.c \
	%D%/retained-groups.c %D%/retained-groups.h \
	%D%/run.c \
	%D%/run.h \
	%D%/runtime-state.c \
	%D%/runtime-state.h \
	%D%/suspects.c %D%/suspects.h \
	%D%/saving.c %D%/saving.h \
	%D%/session.c \
	%D%/session.h \
	%D%/set.c \
	%D%/slots.c \
	%D%/strings.c \
	%D%/spots.c \
	%D%/spots.h \
	%D%/threads.c \
	%D%/trace-rows.c %D%/trace-rows.h \
	%D%/tracemalloc.c \
	%D%/type.c \
	%D%/unreachable.c \
	%D%/walking.c \
	%D%/walking.h \
	%D%/whatis.c
