/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scope guards.  GDB's Ctrl-C and its errors are C++ exceptions that unwind
   through our frames: only __attribute__((cleanup)) runs then, and only in
   code built with -fexceptions.  "goto out; free ()" does not.  A guard never
   calls the host. */
#ifndef PM_BASE_CLEANUP_H
#define PM_BASE_CLEANUP_H

#ifndef __EXCEPTIONS
#error "build with -fexceptions: without it guards are silently skipped"
#endif

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PM_CLEANUP(f) __attribute__((__cleanup__(f), __unused__))
#define PM_CHECKED __attribute__((__warn_unused_result__))
#define PM_PRINTF(f, a) __attribute__((__format__(__printf__, f, a)))
#define PM_UNUSED __attribute__((__unused__))

static inline void pm_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void pm_cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void pm_cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define pm_auto_free PM_CLEANUP(pm_cleanup_free)
#define pm_auto_fd PM_CLEANUP(pm_cleanup_fd)
#define pm_auto_file PM_CLEANUP(pm_cleanup_file)

/* Hands a guarded pointer out: the guard then frees NULL. */
#define pm_take(p)                                                             \
	({                                                                     \
		__typeof__(p) pm_take_ = (p);                                  \
		(p) = NULL;                                                    \
		pm_take_;                                                      \
	})

#endif
