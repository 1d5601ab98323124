# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/build.h \
	%D%/calibrate.c \
	%D%/calibrate-freelists.c \
	%D%/create.c \
	%D%/fields.h \
	%D%/find.c \
	%D%/held.c \
	%D%/held.h \
	%D%/identify.c \
	%D%/kin.c \
	%D%/kin-calibrate.c \
	%D%/layout.c \
	%D%/layout.h \
	%D%/locate.c \
	%D%/names.c \
	%D%/peek.c \
	%D%/printable.c %D%/printable.h \
	%D%/printable-table.c \
	%D%/prove.c \
	%D%/questions.h \
	%D%/rows.h \
	%D%/segments.c \
	%D%/segments.h \
	%D%/tell.c \
	%D%/trace-refs.c \
	%D%/wording.c \
	%D%/wording.h

# The rows; the list in rows.h names them too.
libpymortem_la_SOURCES += \
	%D%/rows/2.7.c \
	%D%/rows/2.7d.c \
	%D%/rows/2.7.15.c \
	%D%/rows/2.7.15d.c \
	%D%/rows/2.7.17.c \
	%D%/rows/2.7.17d.c \
	%D%/rows/3.6.c \
	%D%/rows/3.6d.c \
	%D%/rows/3.6.15a.c \
	%D%/rows/3.7.0.c \
	%D%/rows/3.7.0d.c \
	%D%/rows/3.7.c \
	%D%/rows/3.7d.c \
	%D%/rows/3.8.c \
	%D%/rows/3.8d.c \
	%D%/rows/3.9.c \
	%D%/rows/3.9d.c \
	%D%/rows/3.10.c \
	%D%/rows/3.10d.c \
	%D%/rows/3.11.c \
	%D%/rows/3.11d.c \
	%D%/rows/3.12.0.c \
	%D%/rows/3.12.0d.c \
	%D%/rows/3.12.c \
	%D%/rows/3.12d.c \
	%D%/rows/3.12.4.c \
	%D%/rows/3.12.4d.c \
	%D%/rows/3.12.7.c \
	%D%/rows/3.12.7d.c \
	%D%/rows/3.13.c \
	%D%/rows/3.13d.c \
	%D%/rows/3.13t.c \
	%D%/rows/3.13.1.c \
	%D%/rows/3.13.1d.c \
	%D%/rows/3.13.1t.c \
	%D%/rows/3.13.12.c \
	%D%/rows/3.13.12d.c \
	%D%/rows/3.13.12t.c \
	%D%/rows/3.13.13.c \
	%D%/rows/3.13.13d.c \
	%D%/rows/3.13.13t.c \
	%D%/rows/3.14.0.c \
	%D%/rows/3.14.0t.c \
	%D%/rows/3.14.1.c \
	%D%/rows/3.14.1t.c \
	%D%/rows/3.14.3.c \
	%D%/rows/3.14.3t.c \
	%D%/rows/3.14.4.c \
	%D%/rows/3.14.c \
	%D%/rows/3.14d.c \
	%D%/rows/3.14t.c \
	%D%/rows/3.14td.c \
	%D%/rows/3.14.10t.c \
	%D%/rows/3.15.c \
	%D%/rows/3.15d.c \
	%D%/rows/3.15t.c \
	%D%/rows/3.15.2t.c

# Their twins of other machines.
libpymortem_la_SOURCES += \
	%D%/rows/3.9-i386.c \
	%D%/rows/3.9-aarch64.c \
	%D%/rows/3.10-i386.c \
	%D%/rows/3.11-i386.c \
	%D%/rows/3.11-aarch64.c \
	%D%/rows/3.11-s390x.c \
	%D%/rows/3.12-i386.c \
	%D%/rows/3.12.7-i386.c \
	%D%/rows/3.12.7-aarch64.c \
	%D%/rows/3.13.13-i386.c \
	%D%/rows/3.13.13-aarch64.c \
	%D%/rows/3.13.13-s390x.c \
	%D%/rows/3.14-i386.c \
	%D%/rows/3.14-aarch64.c

EXTRA_DIST += maint/gen-layout maint/gen-printable maint/gen-rows \
	maint/layout-object
