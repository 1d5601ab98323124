# SPDX-License-Identifier: GPL-3.0-or-later
libpymortem_la_SOURCES += \
	%D%/attributes.c %D%/attributes.h \
	%D%/awaits.c %D%/awaits.h \
	%D%/class.c %D%/class.h \
	%D%/decoders.c %D%/decoders.h \
	%D%/dict.c %D%/dict.h \
	%D%/frames.c %D%/frames.h \
	%D%/futures.c %D%/futures.h \
	%D%/hashtable.c %D%/hashtable.h \
	%D%/locals.c %D%/locals.h \
	%D%/thread-names.c %D%/thread-names.h \
	%D%/threads.c %D%/threads.h \
	%D%/interior.c %D%/interior.h \
	%D%/measure.c %D%/measure.h \
	%D%/measure-internal.h %D%/measure-modules.c \
	%D%/object.c %D%/object.h \
	%D%/refs.c %D%/refs.h \
	%D%/refs-internal.h %D%/refs-frames.c %D%/refs-text.c \
	%D%/repr.c %D%/repr.h \
	%D%/repr-internal.h \
	%D%/repr-asyncio.c \
	%D%/repr-code.c \
	%D%/repr-containers.c \
	%D%/repr-enum.c \
	%D%/repr-library.c \
	%D%/repr-numbers.c \
	%D%/numpy.c \
	%D%/repr-numpy.c \
	%D%/repr-operator.c \
	%D%/repr-python.c \
	%D%/repr-rows.c %D%/repr-rows.h \
	%D%/repr-text.c \
	%D%/repr-times.c %D%/repr-two.c %D%/repr-typing.c \
	%D%/lines.c %D%/lines.h \
	%D%/details.c %D%/details.h \
	%D%/numpy.h \
	%D%/shape.c %D%/shape.h \
	%D%/structs.c %D%/structs.h \
	%D%/static-types.c %D%/static-types.h \
	%D%/text.c %D%/text.h \
	%D%/type-slots.c %D%/type-slots.h \
	%D%/types.c %D%/types.h
