/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/map.h"

void pm_map_deinit(struct pm_map *m)
{
	free(m->slots);
	*m = (struct pm_map){0};
}

static bool grow(struct pm_map *m)
{
	unsigned bits = m->slots ? m->bits + 1 : 6;
	struct pm_map_slot *slots = calloc((size_t)1 << bits, sizeof *slots);
	if (!slots)
		return false;
	size_t mask = ((size_t)1 << bits) - 1;
	size_t n = m->slots ? (size_t)1 << m->bits : 0;
	for (size_t k = 0; k < n; k++) {
		if (!m->slots[k].key)
			continue;
		size_t i = pm_map_hash(m->slots[k].key) >> (64 - bits);
		while (slots[i].key)
			i = (i + 1) & mask;
		slots[i] = m->slots[k];
	}
	free(m->slots);
	m->slots = slots;
	m->bits = bits;
	return true;
}

struct pm_map_slot *pm_map_put(struct pm_map *m, uint64_t key, bool *ret_new)
{
	if (ret_new)
		*ret_new = false;
	struct pm_map_slot *s = pm_map_find(m, key);
	if (s)
		return s;
	if (!m->slots || m->len >= (size_t)1 << (m->bits - 1))
		if (!grow(m))
			return NULL;
	size_t mask = ((size_t)1 << m->bits) - 1;
	size_t i = pm_map_hash(key) >> (64 - m->bits);
	while (m->slots[i].key)
		i = (i + 1) & mask;
	m->slots[i] = (struct pm_map_slot){key, 0};
	m->len++;
	if (ret_new)
		*ret_new = true;
	return &m->slots[i];
}
