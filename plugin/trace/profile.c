/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/profile.h"

#include "base/strbuf.h"

#include <string.h>

/* 2 ** 25 frames are 256 MiB: more than any program has that still runs, and
   few enough for the debugger. */
#define MOST_FRAMES ((size_t)1 << 25)
#define MOST_FILES ((size_t)1 << 20)

void pm_trace_profile_deinit(struct pm_trace_profile *p)
{
	pm_vec_each (file, &p->files)
		free(*file);
	pm_vec_deinit(&p->files);
	pm_vec_deinit(&p->frames);
	pm_vec_deinit(&p->stacks);
	pm_map_deinit(&p->file_ids);
	*p = (struct pm_trace_profile){0};
}

/* Names with the same hash take the next free one. */
enum pm_status pm_trace_profile_file(struct pm_trace_profile *p,
	const char *name, uint32_t *ret, struct pm_error *err)
{
	uint64_t key = pm_hash_text(PM_HASH_BEGIN, name) | 1;
	struct pm_map_slot *slot;
	for (; (slot = pm_map_find(&p->file_ids, key)); key += 2)
		if (!strcmp(p->files.data[slot->value], name)) {
			*ret = (uint32_t)slot->value;
			return PM_OK;
		}
	if (p->files.len >= MOST_FILES)
		return pm_fail(err, PM_LIMIT, 0,
			"the tracebacks name more than %zu files", MOST_FILES);
	pm_auto_free char *copy = strdup(name);
	slot = pm_map_put(&p->file_ids, key, NULL);
	if (!copy || !slot || !pm_vec_push(&p->files, copy))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	slot->value = p->files.len - 1;
	*ret = (uint32_t)slot->value;
	copy = NULL;
	return PM_OK;
}

enum pm_status pm_trace_profile_stack(struct pm_trace_profile *p,
	const struct pm_trace_stack *s, struct pm_error *err)
{
	if (p->frames.len > MOST_FRAMES)
		return pm_fail(err, PM_LIMIT, 0,
			"the tracebacks have more than %zu frames",
			MOST_FRAMES);
	if (!pm_vec_push(&p->stacks, *s))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}
