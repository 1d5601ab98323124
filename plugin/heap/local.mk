# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/outside.c \
	%D%/awaitables.c %D%/awaitables.h \
	%D%/interpreter.c %D%/interpreter.h \
	%D%/mimalloc.c \
	%D%/segment-owners.c %D%/segment-owners.h \
	%D%/pools-free.c %D%/pools.c %D%/pools.h %D%/pools-internal.h \
	%D%/pools-evidence.c %D%/pools-hooks.c \
	%D%/freelists.c %D%/freelists.h %D%/freelists-internal.h \
	%D%/freelists-static.c \
	%D%/footprint.c %D%/footprint.h \
	%D%/fullness.c \
	%D%/fullness.h \
	%D%/holders.c %D%/holders.h \
	%D%/search.c %D%/search.h \
	%D%/spot.c %D%/spot.h %D%/spot-text.c \
	%D%/interned.c %D%/interned.h \
	%D%/claims.c %D%/claims.h \
	%D%/collections.c %D%/collections.h \
	%D%/roles.c %D%/roles.h \
	%D%/duplicates.c %D%/duplicates.h \
	%D%/occupancy.c %D%/occupancy.h \
	%D%/owner.c %D%/owner.h \
	%D%/scan.c %D%/scan.h \
	%D%/slots.c %D%/slots.h %D%/slots-model.c \
	%D%/stream.c \
	%D%/team.c %D%/team.h \
	%D%/tenants.c %D%/tenants.h \
	%D%/walk.c %D%/walk.h %D%/walk-internal.h \
	%D%/worker.c
