# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/ledger.c %D%/ledger.h \
	%D%/ledger-pools.c %D%/ledger-internal.h \
	%D%/ledger-zones.c \
	%D%/pages.c %D%/pages.h \
	%D%/unshared.c %D%/unshared.h \
	%D%/verdict.c %D%/verdict.h
