/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/footprint.h"
#include "heap/walk-internal.h"

#include <string.h>

/* A keys object seen again and again is a class's; one that belongs to a
   single dict in an arena has the one size that its size class allows, so
   that it need not be read. */
static bool resolve_keys(
	void *arg, pm_addr addr, bool split, struct pm_keys_brief *ret)
{
	struct pm_worker *k = arg;
	const struct pm_pools *p = k->h->pools;
	struct pm_keys_cache_entry *e =
		&k->keys_cache[(addr >> 4) * 0x9E3779B97F4A7C15u >> 54];
	if (e->addr == addr) {
		*ret = e->brief;
		return true;
	}
	int64_t pool = split ? -1 : pm_pools_find(p, addr);
	if (pool >= 0 && p->pools[pool].state == PM_POOL_USED) {
		uint64_t bytes = k->keys_of_class[p->pools[pool].szidx];
		if (bytes) {
			*ret = (struct pm_keys_brief){bytes, 0, 1};
			return true;
		}
	}
	struct pm_keys keys;
	if (pm_keys_load(k->h->l, k->memory, addr, &keys, NULL) != PM_OK)
		return false;
	*ret = (struct pm_keys_brief){
		keys.bytes, keys.values_usable, keys.refcnt};
	*e = (struct pm_keys_cache_entry){addr, *ret};
	return true;
}

static bool resolve_word(void *arg, pm_addr addr, unsigned size, uint64_t *ret)
{
	struct pm_worker *k = arg;
	return pm_memory_read_uint(k->memory, addr, size, ret, NULL) == PM_OK;
}

enum pm_status pm_worker_init(
	struct pm_worker *k, struct pm_heap *h, struct pm_error *err)
{
	const struct pm_pools *p = h->pools;
	k->h = h;
	k->odd = h->l->t.word_size - 1;
	k->plain_words = h->l->t.word_size == 8 &&
			 h->l->t.big_endian == PM_HOST_BIG_ENDIAN;
	PM_TRY(pm_memory_create(h->target, 0, &k->memory, err));
	pm_heap_objects_init(h, k->memory, &k->o);
	k->resolver = (struct pm_resolver){
		resolve_keys, resolve_word, k, pm_heap_room, h};
	k->types_inside = p->largest >= h->l->f.type.sizeof_.off;
	size_t chunk = 256 * 1024;
	pm_vec_each (r, &p->runs)
		if (r->bytes > chunk)
			chunk = r->bytes;
	k->chunk = malloc(chunk);
	k->is_buffer = calloc(p->nwords + 1, 8);
	if (!k->chunk || !k->is_buffer)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	/* Classes of mimalloc are not one step of alignment apart. */
	for (unsigned i = 0; i < p->nclasses && !p->pages; i++)
		k->keys_of_class[i] =
			pm_keys_size_of_class(h->l, pm_pools_class_size(p, i),
				p->alignment, p->hook_pre + p->hook_post);
	return PM_OK;
}

void pm_worker_deinit(struct pm_worker *k)
{
	pm_memory_destroy(k->memory);
	free(k->chunk);
	free(k->is_buffer);
	pm_map_deinit(&k->seen);
	pm_vec_deinit(&k->candidates);
	pm_vec_deinit(&k->buffers);
	pm_vec_deinit(&k->found);
	pm_vec_deinit(&k->owned);
	pm_vec_deinit(&k->stats);
}
