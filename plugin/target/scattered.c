/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/scattered.h"

#include <string.h>

#define GAP 256	      /* unwanted bytes that cost less than another piece */
#define RUN 16384     /* longest piece */
#define WINDOW 262144 /* bytes of one call */
#define PIECES 512

struct pm_scattered_place {
	pm_addr addr;
	size_t index;
};

void pm_scattered_init(struct pm_scattered *s, struct pm_target *t, size_t size)
{
	*s = (struct pm_scattered){.t = t, .size = size};
}

void pm_scattered_deinit(struct pm_scattered *s)
{
	free(s->bytes);
	free(s->readable);
	free(s->places);
	free(s->pieces);
	free(s->window);
	*s = (struct pm_scattered){0};
}

static bool resize(void *pointer, size_t n, size_t size)
{
	void *old, *made;
	memcpy(&old, pointer, sizeof old);
	made = reallocarray(old, n, size);
	if (!made)
		return false;
	memcpy(pointer, &made, sizeof made);
	return true;
}

static bool make_room(struct pm_scattered *s, size_t n)
{
	if (!s->window &&
		!(resize(&s->window, WINDOW, 1) &&
			resize(&s->pieces, PIECES, sizeof *s->pieces)))
		return false;
	if (n <= s->cap)
		return true;
	if (!resize(&s->bytes, n, s->size) ||
		!resize(&s->readable, n, sizeof *s->readable) ||
		!resize(&s->places, n, sizeof *s->places))
		return false;
	s->cap = n;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct pm_scattered_place *x = a, *y = b;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Pieces for the places from i on, as many as one call takes; *ret_end is the
   first that has to wait. */
static size_t plan(struct pm_scattered *s, size_t i, size_t n, size_t *ret_end)
{
	size_t npieces = 0, used = 0;
	while (i < n && npieces < PIECES) {
		pm_addr start = s->places[i].addr, end = start + s->size;
		size_t k = i + 1;
		for (; k < n; k++) {
			pm_addr next = s->places[k].addr;
			if ((next > end && next - end > GAP) ||
				next + s->size - start > RUN)
				break;
			end = next + s->size;
		}
		size_t len = (size_t)(end - start);
		if (used + len > WINDOW)
			break;
		s->pieces[npieces++] = (struct pm_piece){
			.addr = start, .buf = s->window + used, .len = len};
		used += len;
		i = k;
	}
	*ret_end = i;
	return npieces;
}

/* What of a piece could not be read may well be readable elsewhere. */
static void take(struct pm_scattered *s, const struct pm_scattered_place *p,
	const struct pm_piece *from)
{
	unsigned char *to = s->bytes + p->index * s->size;
	size_t off = (size_t)(p->addr - from->addr);
	if (off + s->size <= from->got) {
		memcpy(to, (const char *)from->buf + off, s->size);
		s->readable[p->index] = true;
		return;
	}
	s->readable[p->index] =
		pm_target_read_some(s->t, p->addr, to, s->size) == s->size;
}

enum pm_status pm_scattered_read(struct pm_scattered *s, const pm_addr *addrs,
	size_t n, struct pm_error *err)
{
	size_t at = 0, end;
	bool sorted = true;
	if (!n)
		return PM_OK;
	if (!make_room(s, n))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < n; i++) {
		s->places[i] = (struct pm_scattered_place){addrs[i], i};
		sorted &= !i || addrs[i] >= addrs[i - 1];
	}
	if (!sorted)
		qsort(s->places, n, sizeof *s->places, by_address);
	/* The last bytes there are: no struct ends behind them. */
	for (; n && s->places[n - 1].addr > UINT64_MAX - s->size; n--)
		s->readable[s->places[n - 1].index] = false;
	while (at < n) {
		size_t npieces = plan(s, at, n, &end), k = 0;
		pm_target_gather(s->t, s->pieces, npieces);
		for (; at < end; at++) {
			while (s->places[at].addr - s->pieces[k].addr >=
				s->pieces[k].len)
				k++;
			take(s, &s->places[at], &s->pieces[k]);
		}
	}
	return PM_OK;
}
