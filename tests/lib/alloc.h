/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes the n-th allocation fail, for every n until a run needs no more:

	for (alloc_fail_first(); alloc_fail_running(); alloc_fail_next()) {
		alloc_fail_start();
		... the code under test ...
		alloc_fail_stop();
		... check: worked, or failed cleanly if alloc_failed() ...
	}

   Only calls made through this program's own objects count (the linker
   wraps them), not those inside libc. */
#ifndef TESTS_LIB_ALLOC_H
#define TESTS_LIB_ALLOC_H

#include <stdbool.h>

void alloc_fail_first(void);
/* False after a run in which nothing failed. */
bool alloc_fail_running(void);
void alloc_fail_next(void);

void alloc_fail_start(void);
void alloc_fail_stop(void);
/* Whether an allocation failed since alloc_fail_start. */
bool alloc_failed(void);
/* How many runs there were, the last one (without failure) included. */
unsigned alloc_fail_runs(void);

#endif
