/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/freelists.h"

#include <stdlib.h>

/* The longest real one holds 2000 (tuples of one length). */
#define MAX_HELD (1 << 20)
#define MAX_STATES 100000

/* struct _Py_freelist { void *freelist; Py_ssize_t size; } */
#define LIST_WORDS 2

static enum pm_status read_list(const struct pm_layout *l, struct pm_memory *m,
	pm_addr head, uint64_t size, struct pm_freelists *f,
	struct pm_error *err)
{
	unsigned ws = l->t.word_size;
	size_t before = f->held.len;
	uint64_t n = 0, at = head;
	while (at && at % ws == 0 && n < size && size <= MAX_HELD) {
		if (!pm_vec_push(&f->held, at))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		n++;
		if (pm_memory_read_uint(m, at, ws, &at, NULL) != PM_OK)
			break;
	}
	if (at || n != size) {
		f->held.len = before;
		f->broken++;
	} else if (n) {
		f->lists++;
	}
	return PM_OK;
}

static enum pm_status read_state(const struct pm_layout *l, struct pm_memory *m,
	pm_addr state, struct pm_field lists, struct pm_freelists *f,
	struct pm_error *err)
{
	unsigned ws = l->t.word_size;
	if (!pm_has(lists))
		return PM_OK;
	for (unsigned i = 0; i + LIST_WORDS * ws <= lists.size;
		i += LIST_WORDS * ws) {
		uint64_t head = 0, size = 0;
		if (pm_memory_read_uint(m, state + lists.off + i, ws, &head,
			    NULL) != PM_OK ||
			pm_memory_read_uint(m, state + lists.off + i + ws, ws,
				&size, NULL) != PM_OK) {
			f->broken++;
			continue;
		}
		PM_TRY(read_list(l, m, head, size, f, err));
	}
	return PM_OK;
}

static int by_address(const void *a, const void *b)
{
	const pm_addr *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static void deinit_lists(struct pm_freelists *f)
{
	pm_vec_deinit(&f->held);
}

enum pm_status pm_freelists_read(const struct pm_layout *l, struct pm_memory *m,
	struct pm_freelists *ret, struct pm_error *err)
{
	PM_CLEANUP(deinit_lists) struct pm_freelists f = {0};
	pm_addr interp = l->at.interp_head.addr;
	bool linked = l->t.freelist_link == PM_FREELIST_FIRST_WORD;
	for (int i = 0; linked && interp && i < MAX_STATES; i++) {
		pm_addr thread = 0;
		PM_TRY(read_state(
			l, m, interp, l->f.interp.freelists, &f, err));
		if (pm_has(l->f.thread_impl.freelists))
			PM_TRY(pm_layout_read(l, m, interp,
				l->f.interp.threads_head, &thread, err));
		for (int j = 0; thread && j < MAX_STATES; j++) {
			PM_TRY(read_state(l, m, thread,
				l->f.thread_impl.freelists, &f, err));
			PM_TRY(pm_layout_read(
				l, m, thread, l->f.thread.next, &thread, err));
		}
		PM_TRY(pm_layout_read(
			l, m, interp, l->f.interp.next, &interp, err));
	}
	if (f.held.len)
		qsort(f.held.data, f.held.len, sizeof *f.held.data, by_address);
	*ret = f;
	f.held.data = NULL;
	f.held.len = f.held.cap = 0;
	return PM_OK;
}

void pm_freelists_deinit(struct pm_freelists *f)
{
	pm_vec_deinit(&f->held);
}

size_t pm_freelists_from(const struct pm_freelists *f, pm_addr addr)
{
	size_t lo = 0, hi = f->held.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (f->held.data[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool pm_freelists_hold(const struct pm_freelists *f, pm_addr addr)
{
	size_t i = pm_freelists_from(f, addr);
	return i < f->held.len && f->held.data[i] == addr;
}
