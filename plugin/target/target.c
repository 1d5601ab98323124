/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/target.h"

#include <inttypes.h>
#include <string.h>

static size_t clip(pm_addr addr, size_t len)
{
	/* The last byte of the address space is never mapped: this keeps
	   addr + len from wrapping. */
	uint64_t room = UINT64_MAX - addr;
	return len < room ? len : (size_t)room;
}

/* How many supplies start at or below addr. */
static size_t supplies_upto(const struct pm_target *t, pm_addr addr)
{
	size_t lo = 0, hi = t->supplies.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (t->supplies.data[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static size_t read_supply(
	const struct pm_target *t, pm_addr addr, void *buf, size_t len)
{
	size_t i = supplies_upto(t, addr);
	if (!i)
		return 0;
	const struct pm_supply *s = &t->supplies.data[i - 1];
	if (addr - s->addr >= s->len)
		return 0;
	size_t skip = (size_t)(addr - s->addr);
	size_t n = s->len - skip < len ? s->len - skip : len;
	memcpy(buf, s->bytes + skip, n);
	return n;
}

size_t pm_target_read_some(
	struct pm_target *t, pm_addr addr, void *buf, size_t len)
{
	len = clip(addr, len);
	if (!len)
		return 0;
	size_t done = t->ops->read(t, addr, buf, len);
	while (done < len && t->supplies.len) {
		char *to = (char *)buf + done;
		size_t n = read_supply(t, addr + done, to, len - done);
		if (!n)
			break;
		done += n;
		if (done < len)
			done += t->ops->read(
				t, addr + done, to + n, len - done);
	}
	return done;
}

enum pm_status pm_target_supply(struct pm_target *t, pm_addr addr,
	const void *bytes, size_t len, struct pm_error *err)
{
	if (!len || clip(addr, len) != len)
		return pm_fail(err, PM_USAGE, addr, "no range to supply");
	pm_auto_free char *copy = malloc(len);
	if (!copy || !pm_vec_reserve(&t->supplies, t->supplies.len + 1))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	memcpy(copy, bytes, len);
	size_t at = supplies_upto(t, addr);
	struct pm_supply *s = t->supplies.data + at;
	if (at && s[-1].addr == addr) {
		free((--s)->bytes);
	} else {
		memmove(s + 1, s, (t->supplies.len - at) * sizeof *s);
		t->supplies.len++;
	}
	*s = (struct pm_supply){addr, len, pm_take(copy)};
	return PM_OK;
}

bool pm_target_is_supplied(const struct pm_target *t, pm_addr addr)
{
	size_t i = supplies_upto(t, addr);
	return i && t->supplies.data[i - 1].addr == addr;
}

void pm_target_clear_supplies(struct pm_target *t)
{
	pm_vec_each (s, &t->supplies)
		free(s->bytes);
	pm_vec_deinit(&t->supplies);
}

/* What is known of a place that cannot be read. */
static const char *why_unreadable(const struct pm_target *t, pm_addr addr)
{
	const struct pm_mapping *m = pm_target_find_map(t, addr);
	if (!t->maps.len)
		return "";
	if (!m)
		return ": nothing is mapped there";
	if (!(m->flags & PM_MAP_ABSENT))
		return "";
	return t->truncated ? ": it is not in the core, which is cut off"
			    : ": it is not in the core";
}

enum pm_status pm_target_read(struct pm_target *t, pm_addr addr, void *buf,
	size_t len, struct pm_error *err)
{
	size_t got = pm_target_read_some(t, addr, buf, len);
	if (got >= len)
		return PM_OK;
	return pm_fail(err, PM_FAULT, addr + got,
		"cannot read memory at 0x%" PRIx64 "%s", addr + got,
		why_unreadable(t, addr + got));
}

void pm_target_gather(struct pm_target *t, struct pm_piece *p, size_t n)
{
	if (t->ops->gather) {
		t->ops->gather(t, p, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		p[i].got =
			pm_target_read_some(t, p[i].addr, p[i].buf, p[i].len);
}

const void *pm_target_view(struct pm_target *t, pm_addr addr, size_t len)
{
	if (!t->ops->view || clip(addr, len) != len)
		return NULL;
	return t->ops->view(t, addr, len);
}

/* Index of the first mapping that ends above addr. */
static size_t map_above(const struct pm_target *t, pm_addr addr)
{
	size_t lo = 0, hi = t->maps.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (t->maps.data[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct pm_mapping *pm_target_find_map(
	const struct pm_target *t, pm_addr addr)
{
	size_t i = map_above(t, addr);
	if (i >= t->maps.len || t->maps.data[i].start > addr)
		return NULL;
	return &t->maps.data[i];
}

bool pm_target_knows_permissions(const struct pm_target *t)
{
	pm_vec_each (m, &t->maps)
		if (m->flags & (PM_MAP_READ | PM_MAP_WRITE | PM_MAP_EXEC))
			return true;
	return false;
}

bool pm_target_has_room(const struct pm_target *t, pm_addr addr, uint64_t bytes)
{
	const struct pm_mapping *m = pm_target_find_map(t, addr);
	const struct pm_mapping *end = t->maps.data + t->maps.len;
	if (!t->maps.len)
		return true;
	if (addr && m) {
		while (m + 1 < end && m[1].start == m->end &&
			m->end - addr < bytes)
			m++;
		return m->end - addr >= bytes;
	}
	uint64_t left = bytes;
	for (m = t->maps.data; m < end && left; m++)
		left -= left < m->end - m->start ? left : m->end - m->start;
	return !left;
}

enum pm_status pm_target_add_map(
	struct pm_target *t, const struct pm_mapping *m, struct pm_error *err)
{
	size_t at = map_above(t, m->start);
	if (m->start >= m->end ||
		(at < t->maps.len && t->maps.data[at].start < m->end))
		return pm_fail(err, PM_CORRUPT, m->start,
			"mapping 0x%" PRIx64 "-0x%" PRIx64
			" is empty or overlaps another",
			m->start, m->end);
	pm_auto_free char *path = NULL;
	if (m->path && !(path = strdup(m->path)))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (!pm_vec_reserve(&t->maps, t->maps.len + 1))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	struct pm_mapping *slot = t->maps.data + at;
	memmove(slot + 1, slot, (t->maps.len - at) * sizeof *slot);
	*slot = *m;
	slot->path = pm_take(path);
	t->maps.len++;
	return PM_OK;
}

void pm_target_clear_maps(struct pm_target *t)
{
	pm_vec_each (m, &t->maps)
		free((void *)(uintptr_t)m->path);
	pm_vec_deinit(&t->maps);
}

bool pm_target_next_file(const struct pm_target *t, const char *path,
	const char **pos, char *ret, size_t cap)
{
	const char *p = *pos ? *pos : t->files;
	while (p && *p) {
		const char *end = strchrnul(p, '\n');
		size_t n = (size_t)(end - p);
		bool first = p == t->files;
		const char *from = p;
		p = *end ? end + 1 : end;
		if (!n || n >= cap)
			continue;
		memcpy(ret, from, n);
		ret[n] = '\0';
		*pos = p;
		if (first || !strcmp(basename(ret), basename(path)))
			return true;
	}
	return false;
}

void pm_target_destroy(struct pm_target *t)
{
	if (!t)
		return;
	pm_target_clear_maps(t);
	pm_vec_deinit(&t->tasks);
	pm_target_clear_supplies(t);
	free(t->name);
	free(t->sysroot);
	free(t->files);
	t->name = t->sysroot = t->files = NULL;
	t->ops->destroy(t);
}
