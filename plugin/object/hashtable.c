/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/hashtable.h"

#include "target/memory.h"

#include <inttypes.h>
#include <string.h>

#define LEAST_BUCKETS 16 /* HASHTABLE_MIN_SIZE */
#define MOST_BUCKETS (UINT64_C(1) << 32)
#define MOST_BYTES 64 /* of a key, and of a value */
#define BATCH 16384   /* buckets of one read, and so entries */

struct pm_hashtable_link {
	pm_addr entry, mark; /* mark: an earlier one of the same chain */
	uint64_t bucket;
	uint32_t steps, turn; /* since mark; when it is moved up (Brent) */
};

/* Of a field that a table may lack. */
static enum pm_status read_size(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, struct pm_field f, uint32_t *ret, struct pm_error *err)
{
	uint64_t v = 0;
	if (pm_has(f))
		PM_TRY(pm_layout_read(l, m, addr, f, &v, err));
	if (v > MOST_BYTES)
		return pm_fail(err, PM_CORRUPT, addr,
			"a hash table with keys or values of %" PRIu64 " bytes",
			v);
	*ret = (uint32_t)v;
	return PM_OK;
}

enum pm_status pm_hashtable_load(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, struct pm_hashtable *ret, struct pm_error *err)
{
	const struct pm_fields *f = &l->f;
	struct pm_hashtable t = {.addr = addr};
	if (!pm_has(f->hashtable.nentries) || !pm_has(f->hashtable_entry.next))
		return pm_fail(err, PM_ABSENT, addr,
			"this release has no such hash tables");
	if (!addr || addr % l->t.word_size)
		return pm_fail(err, PM_CORRUPT, addr,
			"no hash table can be at 0x%" PRIx64, addr);
	PM_TRY(pm_layout_read(
		l, m, addr, f->hashtable.nentries, &t.nentries, err));
	PM_TRY(pm_layout_read(
		l, m, addr, f->hashtable.nbuckets, &t.nbuckets, err));
	PM_TRY(pm_layout_read(
		l, m, addr, f->hashtable.buckets, &t.buckets, err));
	PM_TRY(read_size(l, m, addr, f->hashtable.key_size, &t.key_size, err));
	PM_TRY(read_size(
		l, m, addr, f->hashtable.data_size, &t.data_size, err));
	if (t.nbuckets < LEAST_BUCKETS || t.nbuckets > MOST_BUCKETS ||
		t.nbuckets & (t.nbuckets - 1) || t.nentries > t.nbuckets ||
		!t.buckets || t.buckets % l->t.word_size ||
		!pm_target_has_room(pm_memory_target(m), t.buckets,
			t.nbuckets * l->t.word_size))
		return pm_fail(err, PM_CORRUPT, addr,
			"what is at 0x%" PRIx64 " is no hash table", addr);
	*ret = t;
	return PM_OK;
}

void pm_hashtable_reader_init(struct pm_hashtable_reader *r,
	const struct pm_layout *l, struct pm_target *t,
	const struct pm_hashtable *table)
{
	*r = (struct pm_hashtable_reader){.l = l, .table = *table};
	pm_scattered_init(&r->entries, t,
		l->f.hashtable_entry.sizeof_.off + table->key_size +
			table->data_size);
}

void pm_hashtable_reader_deinit(struct pm_hashtable_reader *r)
{
	pm_scattered_deinit(&r->entries);
	free(r->indices);
	free(r->links);
	free(r->addrs);
	free(r->heads);
	r->indices = NULL;
	r->links = NULL;
	r->addrs = NULL;
	r->heads = NULL;
	r->nlinks = 0;
}

static bool make_room(struct pm_hashtable_reader *r)
{
	if (!r->indices)
		r->indices = calloc(BATCH, sizeof *r->indices);
	if (!r->links)
		r->links = calloc(BATCH, sizeof *r->links);
	if (!r->addrs)
		r->addrs = calloc(BATCH, sizeof *r->addrs);
	if (!r->heads)
		r->heads = calloc(BATCH, r->l->t.word_size);
	return r->indices && r->links && r->addrs && r->heads;
}

/* The first entries of the next buckets. */
static void begin_chains(struct pm_hashtable_reader *r)
{
	const struct pm_layout *l = r->l;
	unsigned word = l->t.word_size;
	uint64_t n = r->table.nbuckets - r->bucket;
	if (n > BATCH)
		n = BATCH;
	size_t got = pm_target_read_some(r->entries.t,
		r->table.buckets + r->bucket * word, r->heads,
		(size_t)n * word);
	r->unreadable += n - got / word;
	for (size_t i = 0; i < got / word; i++) {
		pm_addr head =
			pm_load(r->heads + i * word, word, l->t.big_endian);
		if (head)
			r->links[r->nlinks++] =
				(struct pm_hashtable_link){.entry = head,
					.bucket = r->bucket + i,
					.turn = 1};
	}
	r->bucket += n;
}

/* To the next entry; false: it was passed before. */
static bool follow(struct pm_hashtable_link *link, pm_addr next)
{
	if (++link->steps >= link->turn) {
		link->mark = link->entry;
		link->turn *= 2;
		link->steps = 0;
	}
	link->entry = next;
	return next != link->mark;
}

static uint64_t field(
	const struct pm_hashtable_reader *r, size_t index, struct pm_field f)
{
	return pm_get(r->l, pm_scattered_at(&r->entries, index), f);
}

/* Keeps what is an entry of its bucket, and the chains that go on. */
static void take_entries(struct pm_hashtable_reader *r)
{
	const struct pm_fields *f = &r->l->f;
	size_t n = r->nlinks;
	r->n = r->nlinks = 0;
	for (size_t i = 0; i < n; i++) {
		struct pm_hashtable_link link = r->links[i];
		if (!r->entries.readable[i]) {
			r->unreadable++;
			continue;
		}
		uint64_t hash = field(r, i, f->hashtable_entry.hash);
		if ((hash & (r->table.nbuckets - 1)) != link.bucket ||
			r->seen >= r->table.nbuckets) {
			r->inconsistent++;
			continue;
		}
		r->indices[r->n++] = i;
		r->seen++;
		pm_addr next = field(r, i, f->hashtable_entry.next);
		if (!next)
			continue;
		if (follow(&link, next))
			r->links[r->nlinks++] = link;
		else
			r->inconsistent++;
	}
}

enum pm_status pm_hashtable_read(
	struct pm_hashtable_reader *r, bool *ret_done, struct pm_error *err)
{
	if (!make_room(r))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->n = 0;
	if (!r->nlinks)
		begin_chains(r);
	for (size_t i = 0; i < r->nlinks; i++)
		r->addrs[i] = r->links[i].entry;
	PM_TRY(pm_scattered_read(&r->entries, r->addrs, r->nlinks, err));
	take_entries(r);
	*ret_done = !r->nlinks && r->bucket >= r->table.nbuckets;
	return PM_OK;
}

const unsigned char *pm_hashtable_key(
	const struct pm_hashtable_reader *r, size_t i)
{
	const struct pm_fields *f = &r->l->f;
	const unsigned char *entry =
		pm_scattered_at(&r->entries, r->indices[i]);
	return entry + (r->table.key_size ? f->hashtable_entry.sizeof_.off
					  : f->hashtable_entry.key.off);
}

const unsigned char *pm_hashtable_value(
	const struct pm_hashtable_reader *r, size_t i)
{
	const struct pm_fields *f = &r->l->f;
	const unsigned char *entry =
		pm_scattered_at(&r->entries, r->indices[i]);
	return entry + (r->table.key_size ? f->hashtable_entry.sizeof_.off +
						    r->table.key_size
					  : f->hashtable_entry.value.off);
}
