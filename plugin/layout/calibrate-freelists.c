/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the free lists are: a word that leads to a dead float where the row has
   the list of floats, another to a dead tuple, and so on.  Each votes for the
   place where the whole would then begin; most votes win. */
#include "layout/build.h"

#include <string.h>

#define MAX_VOTES 256
#define MAX_TYPES 256
#define MAX_HELD 2000
#define MAX_THREADS 64
#define NEEDED 2 /* lists that must agree */
/* In a release that is not in the table lists came or went: this many bytes. */
#define DRIFT 128
/* From the first to the last of lists that are not in one struct. */
#define APART_MAX 8192

static const struct kind {
	const char *type;
	size_t field;
	bool by_length; /* one list for each length from 1 on */
} kinds[] = {
	{"float", PM_INDEX(freelists.floats), false},
	{"complex", PM_INDEX(freelists.complexes), false},
	{"int", PM_INDEX(freelists.ints), false},
	{"tuple", PM_INDEX(freelists.tuples), true},
	{"list", PM_INDEX(freelists.lists), false},
	{"list_iterator", PM_INDEX(freelists.list_iters), false},
	{"tuple_iterator", PM_INDEX(freelists.tuple_iters), false},
	{"dict", PM_INDEX(freelists.dicts), false},
	{"frame", PM_INDEX(freelists.frames), false},
	{"slice", PM_INDEX(freelists.slices), false},
	{"range", PM_INDEX(freelists.ranges), false},
	{"range_iterator", PM_INDEX(freelists.range_iters), false},
	{"builtin_function_or_method", PM_INDEX(freelists.cfunctions), false},
	{"method", PM_INDEX(freelists.methods), false},
};
#define KINDS (sizeof kinds / sizeof *kinds)

struct vote {
	unsigned kind;
	uint32_t part; /* bytes into the field: of tuples */
	size_t at;     /* in the span */
	int64_t base;  /* where all lists begin, if this is right */
};

struct election {
	struct pm_build *b;
	const struct pm_span *home;
	struct {
		pm_addr type;
		unsigned kind; /* KINDS: none of these */
	} types[MAX_TYPES];
	size_t ntypes;
	struct vote votes[MAX_VOTES];
	size_t n;
};

static struct pm_field field_of(const struct pm_build *b, unsigned kind)
{
	return ((const struct pm_field *)&b->l->f)[kinds[kind].field];
}

static unsigned kind_of(struct election *e, pm_addr type)
{
	struct pm_build *b = e->b;
	unsigned kind = KINDS;
	for (size_t i = 0; i < e->ntypes; i++)
		if (e->types[i].type == type)
			return e->types[i].kind;
	if (pm_build_is_exact(b, type, b->l->at.type_type.addr)) {
		pm_addr name = pm_build_number(b, type, b->l->f.type.name);
		for (kind = 0; kind < KINDS; kind++)
			if (pm_has(field_of(b, kind)) &&
				pm_build_text_is(b, name, kinds[kind].type))
				break;
	}
	if (e->ntypes < MAX_TYPES) {
		e->types[e->ntypes].type = type;
		e->types[e->ntypes++].kind = kind;
	}
	return kind;
}

/* Is the object at p one that was freed, as the list at byte off has it? */
static bool is_held(struct election *e, size_t off, pm_addr p)
{
	struct pm_build *b = e->b;
	size_t word = b->l->t.word_size;
	if (b->l->t.freelist_link == PM_FREELIST_DEAD_REFCNT)
		return b->l->t.refcnt_form == PM_REFCNT_BIASED ||
		       pm_build_number(b, p, b->l->f.object.refcnt) == 0;
	if (off + 2 * word > e->home->len)
		return false;
	uint64_t n = pm_span_pointer(b, e->home, off + word);
	pm_addr next = pm_build_pointer(b, p);
	return n && n <= MAX_HELD &&
	       (n == 1 ? !next : pm_build_is_address(b, next));
}

static void look_at(struct election *e, size_t off)
{
	struct pm_build *b = e->b;
	const struct pm_layout *l = b->l;
	pm_addr p = pm_span_pointer(b, e->home, off);
	if (e->n >= MAX_VOTES || !pm_build_is_address(b, p) ||
		!is_held(e, off, p))
		return;
	unsigned kind = kind_of(e, pm_build_number(b, p, l->f.object.type));
	if (kind == KINDS)
		return;
	uint32_t part = 0;
	if (kinds[kind].by_length) {
		uint64_t length = pm_build_number(b, p, l->f.var_object.size);
		uint32_t step = l->t.word_size;
		if (l->t.freelist_link == PM_FREELIST_FIRST_WORD)
			step *= 2;
		/* The empty tuple is the first where it is no static object. */
		if (pm_has(l->f.runtime.static_objects))
			length--;
		if (length >= field_of(b, kind).size / step)
			return;
		part = (uint32_t)length * step;
	}
	int64_t base = (int64_t)off - field_of(b, kind).off - part;
	e->votes[e->n++] = (struct vote){kind, part, off, base};
}

static void look_from(struct election *e, size_t from, size_t end)
{
	size_t word = e->b->l->t.word_size;
	for (size_t off = from; off + word <= end && off < e->home->len;
		off += word)
		look_at(e, off);
}

/* Lists that agree on base, of different kinds and lengths. */
static unsigned count(const struct election *e, int64_t base)
{
	unsigned n = 0;
	for (size_t i = 0; i < e->n; i++) {
		const struct vote *v = &e->votes[i];
		bool seen = v->base != base;
		for (size_t k = 0; k < i && !seen; k++)
			seen = e->votes[k].base == base &&
			       e->votes[k].kind == v->kind &&
			       e->votes[k].part == v->part;
		n += !seen;
	}
	return n;
}

/* The base that most agree on, if it is one alone. */
static bool elect(const struct election *e, int64_t *ret)
{
	unsigned best = NEEDED - 1;
	bool alone = false;
	for (size_t i = 0; i < e->n; i++) {
		int64_t base = e->votes[i].base;
		unsigned n = count(e, base);
		if (n > best) {
			best = n;
			*ret = base;
			alone = true;
		} else if (n == best && base != *ret) {
			alone = false;
		}
	}
	return alone;
}

static void move(struct pm_build *b, size_t field, uint32_t by)
{
	((struct pm_field *)&b->l->f)[field].off += by;
	b->l->sources[field] = PM_SOURCE_CALIBRATED;
}

/* Lists that are elsewhere by what was put in before them: the first voter's
   base is that of all, later lists move with the nearest before them. */
static int64_t spread(struct election *e, int64_t base)
{
	struct pm_build *b = e->b;
	struct pm_field *f = (struct pm_field *)&b->l->f;
	int64_t first = base, shift[KINDS], moved = 0;
	for (size_t i = 0; i < e->n; i++)
		if (e->votes[i].base < first &&
			base - e->votes[i].base <= DRIFT)
			first = e->votes[i].base;
	for (unsigned k = 0; k < KINDS; k++) {
		for (size_t i = 0; i < e->n; i++)
			if (e->votes[i].kind == k &&
				e->votes[i].base >= first &&
				e->votes[i].base - first <= DRIFT)
				moved = e->votes[i].base - first;
		shift[k] = moved;
	}
	for (unsigned k = 0; k < KINDS; k++)
		if (pm_has(f[kinds[k].field]))
			move(b, kinds[k].field, (uint32_t)shift[k]);
	b->l->f.freelists.sizeof_.off += (uint32_t)moved;
	return first;
}

/* Where the row has them: in the interpreter's struct, in the thread's
   (free-threaded), or one by one in the interpreter's (until 3.12). */
enum home { HOME_INTERP, HOME_THREAD, HOME_APART };

static enum home home_of(const struct pm_layout *l)
{
	return pm_has(l->f.interp.freelists)	    ? HOME_INTERP
	       : pm_has(l->f.thread_impl.freelists) ? HOME_THREAD
						    : HOME_APART;
}

/* All move together; those that voted are where they were seen. */
static void settle_apart(
	struct pm_build *b, const struct election *e, int64_t base)
{
	const struct pm_field *f = (const struct pm_field *)&b->l->f;
	size_t first = PM_INDEX(freelists.sizeof_) + 1;
	size_t end = first - 1 + sizeof b->l->f.freelists / sizeof *f;
	for (size_t i = first; i < end && base; i++)
		pm_tell_calibrated(b, i, (uint64_t)(f[i].off + base));
	for (size_t i = 0; i < e->n && !base; i++)
		if (e->votes[i].base == base)
			pm_tell_calibrated(b, kinds[e->votes[i].kind].field,
				field_of(b, e->votes[i].kind).off);
}

/* Are they where the row says, or anywhere else in this struct? */
static bool find_in(struct election *e, size_t from, size_t len,
	size_t expected, int64_t *ret_base)
{
	struct pm_build *b = e->b;
	e->n = 0;
	look_from(e, from, from + len);
	if (!b->kin && elect(e, ret_base) && *ret_base == (int64_t)expected)
		return true;
	e->n = 0;
	look_from(e, 0, e->home->len);
	if (!elect(e, ret_base) || *ret_base < 0)
		return false;
	if (b->kin && b->l->t.freelist_link == PM_FREELIST_FIRST_WORD)
		*ret_base = spread(e, *ret_base);
	return true;
}

/* The same in each thread in turn: the lists of one may all be empty. */
static bool find_in_threads(struct election *e, struct pm_span *thread,
	size_t from, size_t len, size_t expected, int64_t *ret_base)
{
	struct pm_build *b = e->b;
	const struct pm_fields *f = &b->l->f;
	pm_addr at =
		pm_build_number(b, b->interp.start, f->interp.threads_head);
	e->home = thread;
	for (unsigned n = 0; n < MAX_THREADS && pm_build_is_address(b, at);
		n++, at = pm_build_number(b, at, f->thread.next)) {
		pm_span_deinit(thread);
		*thread = (struct pm_span){0};
		if (pm_span_read(b->m, at, f->thread_impl.sizeof_.off, thread,
			    NULL) == PM_OK &&
			find_in(e, from, len, expected, ret_base))
			return true;
	}
	return false;
}

void pm_calibrate_freelists(struct pm_build *b)
{
	struct pm_layout *l = b->l;
	PM_CLEANUP(pm_span_deinit) struct pm_span thread = {0};
	enum home home = home_of(l);
	size_t field = home == HOME_THREAD ? PM_INDEX(thread_impl.freelists)
					   : PM_INDEX(interp.freelists);
	size_t expected = ((const struct pm_field *)&l->f)[field].off;
	size_t from =
		home == HOME_APART ? l->f.freelists.floats_n.off : expected;
	size_t len =
		home == HOME_APART ? APART_MAX : l->f.freelists.sizeof_.off;
	int64_t base;
	if (!pm_has(l->f.freelists.floats) || pm_build_interp(b, NULL) != PM_OK)
		return;
	pm_auto_free struct election *e = calloc(1, sizeof *e);
	if (!e)
		return;
	e->b = b;
	e->home = &b->interp;
	bool found = home == HOME_THREAD
			     ? find_in_threads(
				       e, &thread, from, len, expected, &base)
			     : find_in(e, from, len, expected, &base);
	l->freelists_doubtful = b->kin;
	l->freelists_lost = b->kin && !found;
	if (!found)
		return;
	if (home == HOME_APART)
		settle_apart(b, e, base);
	else
		pm_tell_calibrated(b, field, (uint64_t)base);
}
