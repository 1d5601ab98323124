/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot/keepers.h"
#include "base/clock.h"
#include "base/map.h"

struct pm_keepers {
	const struct pm_snapshot *s;
	struct pm_snapshot_cursor at;
	struct pm_section values, references, vias, roots;
	struct pm_map wanted; /* index plus 1: place, plus 1 */
	struct pm_kept *list;
	size_t n;
	uint64_t root; /* index of the object of the last root */
	bool done;
};

void pm_keepers_destroy(struct pm_keepers *j)
{
	if (!j)
		return;
	pm_snapshot_cursor_deinit(&j->at);
	pm_section_close(&j->values);
	pm_section_close(&j->references);
	pm_section_close(&j->vias);
	pm_section_close(&j->roots);
	pm_map_deinit(&j->wanted);
	for (size_t i = 0; i < j->n; i++) {
		free(j->list[i].value);
		for (size_t k = 0; k < PM_KEEPERS_NAMED; k++)
			free(j->list[i].by[k].via);
	}
	free(j->list);
	free(j);
}

static void cleanup_keepers(struct pm_keepers **j)
{
	pm_keepers_destroy(*j);
}

static enum pm_status open_sections(struct pm_keepers *j, struct pm_error *err)
{
	struct pm_container *c = j->s->c;
	PM_TRY(pm_section_open(c, PM_SECTION_VALUES, &j->values, err));
	PM_TRY(pm_section_open(c, PM_SECTION_REFERENCES, &j->references, err));
	PM_TRY(pm_section_open(c, PM_SECTION_VIAS, &j->vias, err));
	PM_TRY(pm_section_open(c, PM_SECTION_ROOTS, &j->roots, err));
	return pm_snapshot_cursor_init(&j->at, j->s, err);
}

enum pm_status pm_keepers_create(const struct pm_snapshot *s,
	const uint64_t *index, size_t n, struct pm_keepers **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_keepers)
	struct pm_keepers *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->s = s;
	j->list = calloc(n + 1, sizeof *j->list);
	if (!j->list)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->n = n;
	for (size_t i = 0; i < n; i++) {
		struct pm_map_slot *slot =
			pm_map_put(&j->wanted, index[i] + 1, NULL);
		if (!slot)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		slot->value = i + 1;
	}
	PM_TRY(open_sections(j, err));
	*ret = pm_take(j);
	return PM_OK;
}

/* NULL: nobody asked for it. */
static struct pm_kept *held(const struct pm_keepers *j, uint64_t index)
{
	const struct pm_map_slot *slot = pm_map_find(&j->wanted, index + 1);
	return slot ? &j->list[slot->value - 1] : NULL;
}

/* Roots come last: one of them is named in any case. */
static enum pm_status note(struct pm_kept *x, struct pm_section *in,
	pm_addr addr, const char *type, struct pm_error *err)
{
	pm_auto_free char *via = NULL;
	PM_TRY(pm_section_text(in, &via, err));
	if (!x)
		return PM_OK;
	size_t i = x->n < PM_KEEPERS_NAMED ? x->n : PM_KEEPERS_NAMED - 1;
	bool named = x->n++ < PM_KEEPERS_NAMED || (!type && x->by[i].type);
	if (!named)
		return PM_OK;
	free(x->by[i].via);
	x->by[i] = (struct pm_keeper){addr, type, pm_take(via)};
	return PM_OK;
}

static enum pm_status read_value(struct pm_keepers *j, struct pm_error *err)
{
	struct pm_kept *x = held(j, j->at.index);
	pm_auto_free char *value = NULL;
	PM_TRY(pm_section_text(&j->values, &value, err));
	if (x)
		x->value = pm_take(value);
	return PM_OK;
}

static enum pm_status read_references(
	struct pm_keepers *j, struct pm_error *err)
{
	const struct pm_snapshot *s = j->s;
	uint64_t all = s->facts.inside + s->facts.outside, to;
	const struct pm_snapshot_shape *shape = &s->shapes.data[j->at.shape];
	for (;;) {
		PM_TRY(pm_section_uint(&j->references, &to, err));
		if (!to)
			return PM_OK;
		to = j->at.index + (uint64_t)pm_unfold(to - 1);
		if (to >= all)
			return pm_snapshot_wrong(
				j->s, "a reference to no object", err);
		PM_TRY(note(held(j, to), &j->vias, j->at.addr,
			s->types.data[shape->type].name, err));
	}
}

static enum pm_status read_root(struct pm_keepers *j, struct pm_error *err)
{
	uint64_t step, sure, all = j->s->facts.inside + j->s->facts.outside;
	PM_TRY(pm_section_uint(&j->roots, &step, err));
	PM_TRY(pm_section_uint(&j->roots, &sure, err));
	j->root += (uint64_t)pm_unfold(step);
	if (j->root >= all || sure > 1)
		return pm_snapshot_wrong(j->s, "a root of no object", err);
	return note(held(j, j->root), &j->roots, 0, NULL, err);
}

static enum pm_status check_end(struct pm_keepers *j, struct pm_error *err)
{
	if (pm_section_left(&j->values) || pm_section_left(&j->references) ||
		pm_section_left(&j->vias))
		return pm_snapshot_wrong(
			j->s, "more of the graph than of objects", err);
	j->done = true;
	return PM_OK;
}

enum pm_status pm_keepers_step(struct pm_keepers *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double stop = pm_now() + seconds;
	for (unsigned n = 1; !j->done; n++) {
		if (!j->at.at_end) {
			PM_TRY(read_value(j, err));
			PM_TRY(read_references(j, err));
			PM_TRY(pm_snapshot_cursor_next(&j->at, err));
		} else if (pm_section_left(&j->roots)) {
			PM_TRY(read_root(j, err));
		} else {
			PM_TRY(check_end(j, err));
		}
		if (n % 1024 == 0 && pm_now() > stop)
			break;
	}
	*ret_done = j->done;
	return PM_OK;
}

const struct pm_kept *pm_keepers_result(const struct pm_keepers *j)
{
	return j->list;
}
