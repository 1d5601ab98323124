/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A handle on one object: pm_object_load validates once (readable, a type that
   is one, a plausible refcount); most of what follows only fails on memory
   elsewhere. */
#ifndef PM_OBJECT_OBJECT_H
#define PM_OBJECT_OBJECT_H

#include "object/measure.h"

/* What decoding needs at hand; one per thread. */
struct pm_objects {
	const struct pm_layout *l;
	struct pm_memory *m;
	struct pm_types *types;
	struct pm_plain_resolver resolver;
};

void pm_objects_init(struct pm_objects *o, const struct pm_layout *l,
	struct pm_memory *m, struct pm_types *types);

#define PM_OBJECT_MAX_PRE 64

struct pm_object {
	pm_addr addr;
	const struct pm_type *type;
	int64_t refcnt;
	bool immortal;
	size_t avail; /* bytes of it in bytes[], from the object's start */
	unsigned char bytes[PM_OBJECT_MAX_PRE + PM_MEASURE_HEAD];
};

/* The refcount word of the object whose bytes are at body; of free-threaded
   builds the sum of its two counters (Include/refcount.h). */
uint64_t pm_refcnt_word(const struct pm_layout *l, const unsigned char *body,
	bool *ret_immortal);

/* Free-threaded builds have bits instead of the collector's lists
   (_PyGC_BITS_TRACKED, _PyGC_BITS_FROZEN in pycore_gc.h): would it be in
   gc.get_objects()? */
static inline bool pm_gc_bits_listed(
	const struct pm_layout *l, const unsigned char *body)
{
	return (pm_get(l, body, l->f.object.gc_bits) & (1 | 8)) == 1;
}

/* Do the words of a free-threaded build's header that are no counters look like
   it?  ob_mutex, the byte before ob_gc_bits, has two bits. */
static inline bool pm_header_plausible(
	const struct pm_layout *l, const unsigned char *body)
{
	if (l->t.refcnt_form != PM_REFCNT_BIASED)
		return true;
	return body[l->f.object.gc_bits.off - 1] <= 3 &&
	       pm_get(l, body, l->f.object.flags) < 0x100;
}

static inline uint64_t pm_refcnt_deferred(const struct pm_layout *l)
{
	return (UINT64_C(1) << (l->t.word_size * 8 - 4)) - 1;
}

/* Is this refcount word one that a live object has? Dead: 0. */
static inline bool pm_refcnt_plausible(const struct pm_layout *l, uint64_t word)
{
	switch (l->t.refcnt_form) {
	case PM_REFCNT_WORD:
		return word - 1 < (l->t.word_size == 4 ? UINT64_C(1) << 31
						       : UINT64_C(1) << 40);
	case PM_REFCNT_LOW32:
		/* The high half: 0 before 3.14, since then an overflow that
		   never happens (0), and flags.  A free list's link has more
		   in it. */
		return (uint32_t)word != 0 &&
		       (word >> 32 &
			       (pm_has(l->f.object.flags) ? 0xffff
							  : 0xffffffff)) == 0;
	case PM_REFCNT_BIASED:
		/* The sum of both counters; deferred counting adds an eighth of
		   the largest number (_Py_REF_DEFERRED, pycore_gc.h). */
		return word - 1 < UINT64_C(1) << 40 ||
		       word - (pm_refcnt_deferred(l) - (UINT64_C(1) << 26)) <
			       UINT64_C(1) << 40;
	}
	return false;
}
/* Is the object behind this collector's head in one of the lists?  Where the
   head has a counter of its own (3.7 and before), _PyGC_REFS_UNTRACKED in it
   says no, and the links may be left over. */
static inline bool pm_gc_head_linked(
	const struct pm_layout *l, const unsigned char *head)
{
	if (pm_has(l->f.gc_head.refs) &&
		pm_get_signed(l, head, l->f.gc_head.refs) >>
				l->t.gc_refs_shift ==
			-2)
		return false;
	return pm_get(l, head, l->f.gc_head.next) & l->t.gc_next_mask;
}

/* Bits of _gc_prev that are flags (pycore_gc.h): finalized, and being
   collected, when the rest is a reference count. */
#define PM_GC_PREV_FLAGS UINT64_C(7)
#define PM_GC_PREV_COLLECTING 2

/* Does what this collector's head, which is at addr, links to link back?  That
   of a freed object, and words that look like one, do not. */
bool pm_gc_head_proved(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, const unsigned char *head);

/* The items of the deque whose bytes are at body: ob_size, or a length of its
   own behind blocks and indices (2.7). */
static inline int64_t pm_deque_length(
	const struct pm_layout *l, const void *body)
{
	struct pm_field length = l->f.var_object.size;
	if (l->t.deque_links_behind)
		length.off = l->f.object.sizeof_.off + 4 * l->t.word_size;
	return pm_get_signed(l, body, length);
}

/* Bytes of a deque's block before its items, and before its right link. */
static inline unsigned pm_deque_items_at(const struct pm_layout *l)
{
	return l->t.deque_links_behind ? 0 : l->t.word_size;
}
static inline unsigned pm_deque_next_at(const struct pm_layout *l)
{
	return pm_deque_items_at(l) + l->t.deque_items * l->t.word_size;
}

/* What len () says of the list, tuple, dict, set, deque or array whose bytes
   are at body; false: it is none of these. */
bool pm_object_length(const struct pm_layout *l, const struct pm_type *t,
	const void *body, int64_t *ret);

/* PM_CORRUPT with a text that says what is wrong when there is no live object
   at addr. */
PM_CHECKED enum pm_status pm_object_load(const struct pm_objects *o,
	pm_addr addr, struct pm_object *ret, struct pm_error *err);

/* Sets refcnt and immortal from the bytes; returns pm_refcnt_word. */
uint64_t pm_object_take_refcnt(const struct pm_layout *l, struct pm_object *x);

/* The object's first byte; pre-header words are before it. */
static inline const unsigned char *pm_object_body(const struct pm_object *x)
{
	return x->bytes + PM_OBJECT_MAX_PRE;
}

/* Size and buffers of a loaded object. */
PM_CHECKED enum pm_status pm_object_measure(const struct pm_objects *o,
	const struct pm_object *x, struct pm_measure *ret);

/* Free-threaded: is it left to the collector, so that references from stacks
   need not be counted (_PyGC_BITS_DEFERRED)?  Its count is too large then, by
   pm_refcnt_deferred. */
bool pm_object_is_deferred(
	const struct pm_objects *o, const struct pm_object *x);

/* Is it in one of the collector's lists (its head is linked)? */
bool pm_object_is_tracked(
	const struct pm_objects *o, const struct pm_object *x);

/* How far from its address an object has this member. */
static inline uint64_t pm_object_slot_off(const struct pm_layout *l,
	const struct pm_object *x, const struct pm_type_slot *s)
{
	if (!s->behind_items)
		return s->off;
	uint64_t n = pm_get(l, pm_object_body(x), l->f.var_object.size);
	uint64_t ws = l->t.word_size;
	if (n >> 40) /* torn: no memory is there */
		n = UINT64_C(1) << 40;
	return s->off + (n * (uint64_t)x->type->itemsize + ws - 1) / ws * ws;
}

#endif
