/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/interned.h"

#include "heap/footprint.h"
#include "object/text.h"
#include "object/threads.h"

#define SAMPLES 16
#define MAX_RUNTIME (1u << 20)

void pm_interned_deinit(struct pm_interned *t)
{
	pm_vec_deinit(&t->dicts);
	if (t->reading)
		pm_hashtable_reader_deinit(&t->reader);
	t->reading = false;
}

static bool read_word(struct pm_heap *h, pm_addr at, uint64_t *ret)
{
	return pm_memory_read_uint(
		       h->memory, at, h->l->t.word_size, ret, NULL) == PM_OK;
}

/* A str that is marked as interned. */
static bool is_interned(struct pm_heap *h, pm_addr str)
{
	const struct pm_layout *l = h->l;
	uint64_t type = 0, state = 0;
	bool wide = l->t.text_form == PM_TEXT_WIDE; /* str is bytes: 2.7 */
	return str && str % l->t.word_size == 0 &&
	       pm_layout_read(l, h->memory, str, l->f.object.type, &type,
		       NULL) == PM_OK &&
	       type == pm_layout_name_type(l) &&
	       pm_layout_read(l, h->memory, str,
		       wide ? l->f.bytes.state : l->f.ascii.interned, &state,
		       NULL) == PM_OK &&
	       state;
}

/* ---- the table of static strings ---- */

static bool is_table_of_strings(struct pm_heap *h, pm_addr at)
{
	const struct pm_layout *l = h->l;
	struct pm_hashtable t;
	unsigned seen = 0;
	if (pm_hashtable_load(l, h->memory, at, &t, NULL) != PM_OK ||
		t.nentries < SAMPLES)
		return false;
	for (uint64_t i = 0; i < t.nbuckets && seen < SAMPLES; i++) {
		uint64_t entry = 0, key = 0;
		if (!read_word(h, t.buckets + i * l->t.word_size, &entry))
			return false;
		if (!entry)
			continue;
		if (pm_layout_read(l, h->memory, entry,
			    l->f.hashtable_entry.key, &key, NULL) != PM_OK ||
			!is_interned(h, key))
			return false;
		seen++;
	}
	return seen == SAMPLES;
}

/* Its place moves from patch to patch: where the layout has it, or else the
   only table of such strings that the runtime leads to. */
static pm_addr find_hashtable(struct pm_heap *h)
{
	const struct pm_layout *l = h->l;
	struct pm_field at = l->f.runtime.interned_strings;
	pm_addr runtime = l->at.runtime.addr;
	uint64_t p = 0;
	if (!runtime || !pm_has(l->f.hashtable.buckets) ||
		l->t.interned_home != PM_INTERNED_INTERP)
		return 0;
	if (pm_has(at) && read_word(h, runtime + at.off, &p) &&
		is_table_of_strings(h, p))
		return p;
	uint32_t len = l->f.runtime.sizeof_.off;
	for (uint32_t off = 0; off < len && off < MAX_RUNTIME;
		off += l->t.word_size)
		if (read_word(h, runtime + off, &p) && p > 0x10000 &&
			is_table_of_strings(h, p))
			return p;
	return 0;
}

/* ---- opening ---- */

/* What pm_keys_load wants for the dict. */
static bool keys_of(struct pm_heap *h, pm_addr dict, uint64_t *ret)
{
	*ret = dict;
	return h->l->t.keys_form == PM_KEYS_TABLE ||
	       pm_layout_read(h->l, h->memory, dict, h->l->f.dict.keys, ret,
		       NULL) == PM_OK;
}

static enum pm_status add_dict(
	struct pm_interned *t, pm_addr dict, struct pm_error *err)
{
	struct pm_heap *h = t->h;
	const struct pm_layout *l = h->l;
	struct pm_object x;
	struct pm_measure m;
	struct pm_footprint foot;
	struct pm_keys k;
	uint64_t used = 0, keys = 0;
	pm_vec_each (d, &t->dicts)
		if (*d == dict)
			return PM_OK;
	if (!dict || pm_object_load(&h->objects, dict, &x, NULL) != PM_OK ||
		x.type->addr != l->at.dict_type.addr ||
		pm_object_measure(&h->objects, &x, &m) != PM_OK ||
		pm_layout_read(l, h->memory, dict, l->f.dict.used, &used,
			NULL) != PM_OK ||
		!keys_of(h, dict, &keys) ||
		pm_keys_load(l, h->memory, keys, &k, NULL) != PM_OK) {
		t->inconsistent += dict != 0;
		return PM_OK;
	}
	pm_footprint(h, &x, &m, &foot);
	if (!pm_vec_push(&t->dicts, dict))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	t->entries += used;
	t->capacity += k.usable;
	t->bytes += foot.alloc;
	return PM_OK;
}

static void add_hashtable(struct pm_interned *t)
{
	struct pm_heap *h = t->h;
	const struct pm_layout *l = h->l;
	struct pm_hashtable table;
	uint64_t first = 0;
	pm_addr at = find_hashtable(h);
	if (!at || pm_hashtable_load(l, h->memory, at, &table, NULL) != PM_OK)
		return;
	t->hashtable = table;
	t->entries += table.nentries;
	/* Half full it grows (HASHTABLE_HIGH). */
	t->capacity += table.nbuckets / 2;
	t->bytes += pm_block_size(
		h, h->memory, table.addr, l->f.hashtable.sizeof_.off);
	t->bytes += pm_block_size(
		h, h->memory, table.buckets, table.nbuckets * l->t.word_size);
	for (uint64_t i = 0; i < table.nbuckets && !first; i++)
		if (!read_word(h, table.buckets + i * l->t.word_size, &first))
			return;
	if (first)
		t->bytes += table.nentries *
			    pm_block_size(h, h->memory, first,
				    l->f.hashtable_entry.sizeof_.off);
}

enum pm_status pm_interned_open(
	struct pm_heap *h, struct pm_interned *ret, struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	pm_auto_interned t = {.h = h};
	pm_addr dict = 0;
	switch (l->t.interned_home) {
	case PM_INTERNED_STATIC:
		if (l->at.interned.addr &&
			read_word(h, l->at.interned.addr, &dict))
			PM_TRY(add_dict(&t, dict, err));
		break;
	case PM_INTERNED_INTERP:
		pm_each_interpreter (i, l, h->memory)
			if (pm_layout_read(l, h->memory, i.at,
				    l->f.interp.interned_strings, &dict,
				    NULL) == PM_OK)
				PM_TRY(add_dict(&t, dict, err));
		add_hashtable(&t);
		break;
	}
	if (!t.dicts.len && !t.hashtable.addr)
		return pm_fail(err, PM_ABSENT, 0,
			"no table of interned strings was found: nothing "
			"tells where it is");
	*ret = t;
	t = (struct pm_interned){0};
	return PM_OK;
}

/* ---- stepping through ---- */

static bool next_of_dicts(struct pm_interned *t, pm_addr *ret)
{
	struct pm_heap *h = t->h;
	const struct pm_layout *l = h->l;
	while (t->dict < t->dicts.len) {
		pm_addr key, value;
		uint64_t keys = 0;
		pm_addr dict = t->dicts.data[t->dict];
		if (!t->in_dict && (!keys_of(h, dict, &keys) ||
					   pm_dict_iter_init(l, h->memory, keys,
						   0, &t->it, NULL) != PM_OK)) {
			t->unreadable++;
			t->dict++;
			continue;
		}
		t->in_dict = true;
		if (!pm_dict_iter_next(&t->it, &key, &value)) {
			t->unreadable += t->it.status != PM_OK;
			t->in_dict = false;
			t->dict++;
			continue;
		}
		if (is_interned(h, key)) {
			*ret = key;
			return true;
		}
		t->inconsistent++;
	}
	return false;
}

/* Reads on; false: there is no more.  What it lacks of what it says it has is
   said at the end. */
static bool read_table(struct pm_interned *t)
{
	if (!t->reading)
		pm_hashtable_reader_init(&t->reader, t->h->l,
			pm_memory_target(t->h->memory), &t->hashtable);
	t->reading = true;
	t->at = 0;
	if (!t->read &&
		pm_hashtable_read(&t->reader, &t->read, NULL) == PM_OK &&
		(t->reader.n || !t->read))
		return true;
	uint64_t lost = t->reader.unreadable + t->reader.inconsistent;
	t->unreadable += t->reader.unreadable;
	t->inconsistent += t->reader.inconsistent;
	if (t->reader.seen + lost < t->hashtable.nentries)
		t->inconsistent +=
			t->hashtable.nentries - t->reader.seen - lost;
	t->hashtable.addr = 0;
	return false;
}

static bool next_of_table(struct pm_interned *t, pm_addr *ret)
{
	const struct pm_layout *l = t->h->l;
	while (t->hashtable.addr) {
		if ((!t->reading || t->at >= t->reader.n) && !read_table(t))
			return false;
		while (t->at < t->reader.n) {
			pm_addr key =
				pm_load(pm_hashtable_key(&t->reader, t->at++),
					l->t.word_size, l->t.big_endian);
			if (is_interned(t->h, key)) {
				*ret = key;
				return true;
			}
			t->inconsistent++;
		}
	}
	return false;
}

bool pm_interned_next(struct pm_interned *t, pm_addr *ret_str, bool *ret_static)
{
	*ret_static = false;
	if (next_of_dicts(t, ret_str))
		return true;
	*ret_static = true;
	return next_of_table(t, ret_str);
}
