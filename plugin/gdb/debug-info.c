/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gdb/debug-info.h"

#include <string.h>

/* So many that a batch takes well below 100 ms also where GDB must look
   through many files for a type that is not there. */
#define BATCH 32

void debug_cache_deinit(struct debug_cache *c)
{
	pm_vec_deinit(&c->answers);
	free(c->key);
	c->key = NULL;
}

enum pm_status debug_cache_begin(struct debug_cache *c,
	const struct pm_host_facts *f, uint64_t image, struct pm_error *err)
{
	pm_auto_free char *key = NULL;
	if (asprintf(&key, "%d %llu %d %llx %s %s", (int)f->kind,
		    (unsigned long long)f->inferior, f->pid,
		    (unsigned long long)image, f->core_path, f->exe_path) < 0) {
		key = NULL;
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	c->cursor = 0;
	c->asked = 0; /* the probe, again: files may have been loaded */
	if (c->key && !strcmp(c->key, key))
		return PM_OK;
	c->answers.len = 0;
	c->complete = false;
	free(c->key);
	c->key = pm_take(key);
	return PM_OK;
}

bool debug_cache_ask(struct debug_cache *c, struct pm_response *r)
{
	size_t i = c->asked, end = i ? i + BATCH : 1;
	if (c->complete && i)
		return false;
	/* No answer to the probe: nor will there be to the rest. */
	if (i && !c->answers.data[0].known)
		return false;
	const char *question;
	for (; i < end && (question = pm_layout_question(i)); i++)
		pm_response_ask(
			r, PM_Q_DEBUG_INFO + (uint32_t)i, "%s", question);
	if (i == c->asked) {
		c->complete = true;
		return false;
	}
	c->asked = i;
	return true;
}

enum pm_status debug_cache_answer(
	struct debug_cache *c, const struct pm_request *r, struct pm_error *err)
{
	while (c->answers.len < c->asked)
		if (!pm_vec_push(&c->answers, (struct debug_answer){0}))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	bool probe = false;
	pm_vec_each (rec, &r->records) {
		size_t i = rec->id - PM_Q_DEBUG_INFO;
		if (rec->id < PM_Q_DEBUG_INFO || i >= c->answers.len)
			continue;
		probe |= i == 0;
		c->answers.data[i] = (struct debug_answer){
			.value = rec->value, .known = true};
	}
	if (c->asked == 1 && !probe) { /* there is none, or it is gone */
		c->answers.len = 1;
		c->answers.data[0].known = false;
		c->complete = false;
	}
	return PM_OK;
}

static bool lookup(void *arg, const char *expression, uint64_t *ret)
{
	struct debug_cache *c = arg;
	size_t n = c->answers.len;
	/* They are looked up in the order of the list. */
	for (size_t k = 0; k < n; k++) {
		size_t i = (c->cursor + k) % n;
		const char *q = pm_layout_question(i);
		if (!q || strcmp(q, expression))
			continue;
		c->cursor = i + 1;
		if (!c->answers.data[i].known)
			return false;
		*ret = c->answers.data[i].value;
		return true;
	}
	return false;
}

struct pm_debug_info debug_cache_info(struct debug_cache *c)
{
	return (struct pm_debug_info){
		.asked = c->answers.len && c->answers.data[0].known,
		.lookup = lookup,
		.arg = c,
	};
}
