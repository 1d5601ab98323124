/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/image.h"

#include <string.h>

struct range {
	pm_addr start;
	size_t len;
	uint8_t *bytes; /* NULL: mapped, but absent */
};

struct image {
	struct pm_target t;
	PM_VEC(struct range) ranges; /* sorted */
	long reads;		     /* atomic: walkers read in threads */
	long fail_at;		     /* in reads, < 0: never */
	void (*hook)(void);
};

static struct range *find_range(const struct image *im, pm_addr addr)
{
	size_t lo = 0, hi = im->ranges.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct range *r = &im->ranges.data[mid];
		if (addr < r->start)
			hi = mid;
		else if (addr - r->start >= r->len)
			lo = mid + 1;
		else
			return r->bytes ? r : NULL;
	}
	return NULL;
}

/* Counts one access; true when it has to fail. */
static bool count_read(struct image *im)
{
	long n = __atomic_fetch_add(&im->reads, 1, __ATOMIC_RELAXED);
	if (im->fail_at < 0 || n < im->fail_at)
		return false;
	if (im->hook)
		im->hook();
	return true;
}

static size_t image_read(
	struct pm_target *t, pm_addr addr, void *buf, size_t len)
{
	struct image *im = (struct image *)t;
	if (count_read(im))
		return 0;
	size_t done = 0;
	while (done < len) {
		struct range *r = find_range(im, addr + done);
		if (!r)
			break;
		size_t skip = (size_t)(addr + done - r->start);
		size_t n = r->len - skip;
		if (n > len - done)
			n = len - done;
		memcpy((char *)buf + done, r->bytes + skip, n);
		done += n;
	}
	return done;
}

static const void *image_view(struct pm_target *t, pm_addr addr, size_t len)
{
	struct image *im = (struct image *)t;
	/* A view cannot fail, so a test that injects faults gets none. */
	if (im->fail_at >= 0)
		return NULL;
	struct range *r = find_range(im, addr);
	if (!r || len > r->len - (size_t)(addr - r->start))
		return NULL;
	return r->bytes + (addr - r->start);
}

static void image_destroy(struct pm_target *t)
{
	struct image *im = (struct image *)t;
	pm_vec_each (r, &im->ranges)
		free(r->bytes);
	pm_vec_deinit(&im->ranges);
	free(im);
}

static const struct pm_target_ops image_ops = {
	.read = image_read,
	.view = image_view,
	.destroy = image_destroy,
};

enum pm_status pm_image_create(struct pm_target **ret, struct pm_error *err)
{
	struct image *im = calloc(1, sizeof *im);
	char *name = strdup("image");
	if (!im || !name) {
		free(im);
		free(name);
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	im->t.ops = &image_ops;
	im->t.kind = PM_TARGET_IMAGE;
	im->t.parallel = true;
	im->t.name = name;
	im->fail_at = -1;
	*ret = &im->t;
	return PM_OK;
}

enum pm_status pm_image_add(struct pm_target *t, pm_addr start,
	const void *bytes, size_t len, unsigned flags, const char *path,
	struct pm_error *err)
{
	struct image *im = (struct image *)t;
	if (len > UINT64_MAX - start)
		return pm_fail(err, PM_USAGE, start, "range wraps around");
	pm_auto_free uint8_t *copy = NULL;
	if (!(flags & PM_MAP_ABSENT)) {
		copy = calloc(1, len ? len : 1);
		if (!copy)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (bytes)
			memcpy(copy, bytes, len);
	}
	if (!pm_vec_reserve(&im->ranges, im->ranges.len + 1))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	struct pm_mapping m = {.start = start,
		.end = start + len,
		.flags = flags,
		.path = path};
	PM_TRY(pm_target_add_map(t, &m, err));
	size_t at = im->ranges.len;
	while (at && im->ranges.data[at - 1].start > start)
		at--;
	struct range *slot = im->ranges.data + at;
	memmove(slot + 1, slot, (im->ranges.len - at) * sizeof *slot);
	im->ranges.len++;
	t->bytes_total += len;
	t->bytes_readable += copy ? len : 0;
	*slot = (struct range){start, len, pm_take(copy)};
	return PM_OK;
}

void *pm_image_at(struct pm_target *t, pm_addr addr, size_t len)
{
	struct range *r = find_range((struct image *)t, addr);
	if (!r || len > r->len - (size_t)(addr - r->start))
		return NULL;
	return r->bytes + (addr - r->start);
}

void pm_image_fail_at(struct pm_target *t, long n, void (*hook)(void))
{
	struct image *im = (struct image *)t;
	im->fail_at = n < 0 ? -1 : pm_image_reads(t) + n;
	im->hook = hook;
	/* A hook that throws must not do so in a worker thread. */
	t->parallel = n < 0;
}

long pm_image_reads(const struct pm_target *t)
{
	const struct image *im = (const struct image *)t;
	return __atomic_load_n(&im->reads, __ATOMIC_RELAXED);
}
