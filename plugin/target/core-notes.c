/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/native-core.h"
#include "target/tasks.h"

#include <elf.h>
#include <string.h>

#define MAX_TASKS 100000

void core_notes_deinit(struct core_notes *n)
{
	pm_vec_each (r, &n->ranges)
		free(r->path);
	pm_vec_deinit(&n->ranges);
}

/* gcore puts 1 there, and offsets in bytes. */
static void set_page(struct core_notes *n, uint64_t page)
{
	if (page >= 4096 && page <= 65536 && !(page & (page - 1)))
		n->page = page;
}

/* count, page size, count times {start, end, offset in pages}, then as many
   names with their NUL: fs/binfmt_elf.c, fill_files_note. */
static enum pm_status add_files(
	struct core *c, const uint8_t *d, size_t len, struct pm_error *err)
{
	struct core_notes *n = &c->notes;
	bool be = c->t.big_endian;
	unsigned w = c->t.word_size;
	if (len < 2 * w)
		return PM_OK;
	uint64_t count = pm_load(d, w, be), page = pm_load(d + w, w, be);
	if (count > (len - 2 * w) / (3 * w))
		return PM_OK;
	const uint8_t *entry = d + 2 * w;
	set_page(n, page);
	const char *name = (const char *)entry + count * 3 * w;
	const char *end = (const char *)d + len;
	for (uint64_t i = 0; i < count; i++, entry += 3 * w) {
		const char *nul = memchr(name, '\0', (size_t)(end - name));
		if (!nul)
			break;
		struct core_file_range r = {
			.start = pm_load(entry, w, be),
			.end = pm_load(entry + w, w, be),
			.offset = pm_load(entry + 2 * w, w, be) * page,
		};
		pm_auto_free char *path = strdup(name);
		if (!path || !pm_vec_reserve(&n->ranges, n->ranges.len + 1))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		name = nul + 1;
		if (r.start >= r.end || !*path)
			continue;
		r.path = pm_take(path);
		n->ranges.data[n->ranges.len++] = r;
	}
	return PM_OK;
}

static void add_auxv(struct core *c, const uint8_t *d, size_t len)
{
	struct core_notes *n = &c->notes;
	bool be = c->t.big_endian;
	unsigned w = c->t.word_size;
	for (; len >= 2 * w; d += 2 * w, len -= 2 * w) {
		uint64_t tag = pm_load(d, w, be), v = pm_load(d + w, w, be);
		if (tag == AT_NULL)
			break;
		if (tag == AT_SYSINFO_EHDR)
			n->vdso = v;
		else if (tag == AT_RANDOM)
			n->stack = v;
		else if (tag == AT_PAGESZ)
			set_page(n, v);
		else if (tag == AT_EXECFN)
			n->execfn = v;
	}
}

/* prpsinfo names the process, prstatus the thread.  The sizes are those of
   Linux on all machines with 64 bits, and on x86 and ARM with 32. */
static void add_pid(struct core *c, const struct pm_elf_note *note)
{
	struct core_notes *n = &c->notes;
	bool be = c->t.big_endian, wide = c->t.word_size == 8;
	size_t at;
	bool info = note->type == NT_PRPSINFO;
	if (info)
		at = wide ? 24 : 12;
	else
		at = wide ? 32 : 24;
	if (note->desc_len < at + 4 || (n->pid && !info))
		return;
	uint64_t pid = pm_load(note->desc + at, 4, be);
	if (pid && pid <= INT32_MAX)
		n->pid = (int)pid;
}

/* struct elf_prstatus: the thread's id where add_pid has it, registers behind
   four times of two words. */
static enum pm_status add_task(
	struct core *c, const struct pm_elf_note *note, struct pm_error *err)
{
	bool wide = c->t.word_size == 8;
	size_t id_at = wide ? 32 : 24, at = wide ? 112 : 72;
	const struct pm_register_set *set = pm_register_set(c->machine);
	struct pm_task task = {0};
	if (note->desc_len < at || c->t.tasks.len >= MAX_TASKS)
		return PM_OK;
	task.id = pm_load(note->desc + id_at, 4, c->t.big_endian);
	if (!set || set->word_size != c->t.word_size ||
		!pm_task_take_registers(set, c->t.big_endian, note->desc + at,
			note->desc_len - at, &task))
		return PM_OK;
	return pm_vec_push(&c->t.tasks, task)
		       ? PM_OK
		       : pm_fail(err, PM_NOMEM, 0, "out of memory");
}

enum pm_status core_notes_add(struct core *c, const uint8_t *bytes, size_t len,
	uint64_t align, struct pm_error *err)
{
	struct pm_elf_note note;
	size_t pos = 0;
	while (pm_elf_next_note(
		c->t.big_endian, bytes, len, align, &pos, &note)) {
		if (pm_elf_note_is(&note, "CORE", NT_FILE))
			PM_TRY(add_files(c, note.desc, note.desc_len, err));
		else if (pm_elf_note_is(&note, "CORE", NT_AUXV))
			add_auxv(c, note.desc, note.desc_len);
		else if (pm_elf_note_is(&note, "CORE", NT_PRPSINFO) ||
			 pm_elf_note_is(&note, "CORE", NT_PRSTATUS))
			add_pid(c, &note);
		if (pm_elf_note_is(&note, "CORE", NT_PRSTATUS))
			PM_TRY(add_task(c, &note, err));
	}
	return PM_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct core_file_range *x = a, *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

void core_notes_finish(struct core_notes *n)
{
	if (!n->ranges.len)
		return;
	qsort(n->ranges.data, n->ranges.len, sizeof *n->ranges.data, by_start);
	size_t kept = 0;
	pm_vec_each (r, &n->ranges) {
		if (kept && n->ranges.data[kept - 1].end > r->start)
			free(r->path);
		else
			n->ranges.data[kept++] = *r;
	}
	n->ranges.len = kept;
}
