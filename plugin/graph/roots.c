/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/roots.h"

#include "heap/interned.h"
#include "heap/team.h"
#include "layout/held.h"

/* Between two looks at the clock. */
#define BATCH 256
/* Corrupt counts are not believed. */
#define MAX_ID_STRINGS 1000000
#define MAX_EXIT_CALLBACKS 100000
#define SSTATE_INTERNED_IMMORTAL 2

enum phase {
	PHASE_RUNTIME,
	PHASE_INTERPRETERS,
	PHASE_THREADS,
	PHASE_STATIC,
	PHASE_INTERNED,
	PHASE_DONE
};

struct pm_roots_job {
	struct pm_heap *h;
	pm_root_fn *fn;
	void *arg;
	enum phase phase;
	bool stop;
	uint64_t unreadable, inconsistent;
	struct pm_chain interp;
	struct pm_threads threads;
	size_t at; /* of threads, or of static objects */
	bool in_stack;
	struct pm_stack stack;
	struct pm_interned interned;
	bool has_interned;
};

const char *pm_root_kind_text(enum pm_root_kind kind)
{
	static const char *const texts[] = {
#define X(name, text, precise) text,
		PM_ROOTS(X)
#undef X
	};
	return texts[kind];
}

bool pm_root_kind_is_precise(enum pm_root_kind kind)
{
	static const bool precise[] = {
#define X(name, text, precise) precise,
		PM_ROOTS(X)
#undef X
	};
	return precise[kind];
}

void pm_roots_destroy(struct pm_roots_job *j)
{
	if (!j)
		return;
	pm_threads_deinit(&j->threads);
	pm_interned_deinit(&j->interned);
	free(j);
}

static void cleanup_job(struct pm_roots_job **j)
{
	pm_roots_destroy(*j);
}

uint64_t pm_roots_unreadable(const struct pm_roots_job *j)
{
	return j->unreadable;
}

uint64_t pm_roots_inconsistent(const struct pm_roots_job *j)
{
	return j->inconsistent;
}

static void emit(struct pm_roots_job *j, const struct pm_root *root)
{
	if (root->target && !j->stop && !j->fn(j->arg, root))
		j->stop = true;
}

static bool word(struct pm_roots_job *j, pm_addr at, uint64_t *ret)
{
	if (pm_memory_read_uint(
		    j->h->memory, at, j->h->l->t.word_size, ret, NULL) == PM_OK)
		return true;
	j->unreadable++;
	return false;
}

/* A word in memory of the runtime that is no frame.  False: it is neither 0 nor
   the address of an object, so it is not what it was taken for. */
static bool emit_word(
	struct pm_roots_job *j, const struct pm_root *like, pm_addr at)
{
	struct pm_root root = *like;
	root.at = at;
	if (!word(j, at, &root.target))
		return true;
	if (root.target && !pm_heap_is_object(j->h, root.target)) {
		j->inconsistent++;
		return false;
	}
	emit(j, &root);
	return true;
}

/* ---- structs of the runtime ---- */

/* Is the word off bytes into the struct one that the list tells? */
static bool is_told(
	const struct pm_layout *l, enum pm_holder_struct s, uint64_t off)
{
	struct pm_held held;
	bool sure;
	for (size_t i = 0; pm_layout_held(l, s, i, &held, &sure); i++)
		if (sure && off >= held.off &&
			off - held.off < (uint64_t)held.count * held.stride &&
			(off - held.off) % held.stride == 0)
			return true;
	return false;
}

static void guess_words(struct pm_roots_job *j, const struct pm_root *like,
	enum pm_holder_struct s)
{
	const struct pm_layout *l = j->h->l;
	uint64_t size = pm_layout_holder_size(l, s);
	for (uint64_t off = 0; off + l->t.word_size <= size && !j->stop;
		off += l->t.word_size) {
		struct pm_root root = *like;
		if (pm_memory_read_uint(j->h->memory, root.holder + off,
			    l->t.word_size, &root.target, NULL) != PM_OK) {
			j->unreadable++;
			return;
		}
		if (!pm_heap_is_object(j->h, root.target) || is_told(l, s, off))
			continue;
		root.kind = PM_ROOT_STATE_WORD;
		root.counted = false;
		root.at = root.holder + off;
		root.index = off;
		emit(j, &root);
	}
}

static void read_struct(struct pm_roots_job *j, const struct pm_root *like,
	enum pm_holder_struct s)
{
	const struct pm_layout *l = j->h->l;
	struct pm_held held;
	bool sure, whole = pm_layout_held_is_whole(l, s);
	for (size_t i = 0; pm_layout_held(l, s, i, &held, &sure); i++) {
		struct pm_root root = *like;
		root.name = held.name;
		root.counted &= !pm_layout_held_is_borrowed(&held);
		root.many = held.count > 1;
		for (unsigned k = 0; sure && k < held.count && !j->stop; k++) {
			root.index = root.many ? k : held.off;
			whole &= emit_word(j, &root,
				like->holder + held.off +
					(uint64_t)k * held.stride);
		}
	}
	if (!whole)
		guess_words(j, like, s);
}

/* Names that C code asked for (_PyUnicode_FromId, until 3.11 the only ones
   here). */
static void read_id_strings(struct pm_roots_job *j, struct pm_root root)
{
	const struct pm_layout *l = j->h->l;
	uint64_t array, n;
	if (pm_layout_read(l, j->h->memory, root.holder, l->f.interp.id_strings,
		    &array, NULL) != PM_OK ||
		pm_layout_read(l, j->h->memory, root.holder,
			l->f.interp.id_strings_n, &n, NULL) != PM_OK ||
		!array || n > MAX_ID_STRINGS)
		return;
	root.name = "unicode.ids";
	root.many = true;
	for (root.index = 0; root.index < n && !j->stop; root.index++)
		(void)emit_word(j, &root, array + root.index * l->t.word_size);
}

/* Until 3.12 an array of pointers to {func, args, kwargs} (atexitmodule.c). */
static void read_exit_callbacks(struct pm_roots_job *j, struct pm_root root)
{
	const struct pm_layout *l = j->h->l;
	unsigned ws = l->t.word_size;
	uint64_t array, n, entry;
	if (pm_layout_read(l, j->h->memory, root.holder,
		    l->f.interp.exit_callbacks, &array, NULL) != PM_OK ||
		pm_layout_read(l, j->h->memory, root.holder,
			l->f.interp.exit_callbacks_n, &n, NULL) != PM_OK ||
		!array || n > MAX_EXIT_CALLBACKS)
		return;
	root.name = "atexit.callbacks";
	root.many = true;
	for (root.index = 0; root.index < n && !j->stop; root.index++) {
		if (!word(j, array + root.index * ws, &entry) || !entry)
			continue;
		for (unsigned k = 0; k < 3; k++)
			(void)emit_word(j, &root, entry + k * ws);
	}
}

static void read_interpreter(struct pm_roots_job *j)
{
	const struct pm_layout *l = j->h->l;
	struct pm_root root = {.kind = PM_ROOT_INTERPRETER,
		.counted = true,
		.holder = j->interp.at,
		.via = PM_VIA_FIELD};
	uint64_t id = 0;
	if (pm_layout_read(l, j->h->memory, j->interp.at, l->f.interp.id, &id,
		    NULL) == PM_OK)
		root.interp_id = (int64_t)id;
	read_struct(j, &root, PM_HOLDER_INTERP);
	read_id_strings(j, root);
	read_exit_callbacks(j, root);
}

static void read_runtime(struct pm_roots_job *j)
{
	struct pm_root root = {.kind = PM_ROOT_RUNTIME,
		.counted = true,
		.holder = j->h->l->at.runtime.addr,
		.interp_id = -1,
		.via = PM_VIA_FIELD};
	/* Of several interpreters it serves the first. */
	if (root.holder && !j->h->l->all_interpreters)
		read_struct(j, &root, PM_HOLDER_RUNTIME);
}

/* ---- threads and their frames ---- */

struct frame_refs {
	struct pm_roots_job *j;
	struct pm_root root;
};

static bool frame_ref(void *arg, const struct pm_ref *ref)
{
	struct frame_refs *x = arg;
	const struct pm_layout *l = x->j->h->l;
	struct pm_root root = x->root;
	uint64_t tagged = 0;
	root.target = ref->target;
	root.at = ref->at;
	root.via = ref->via;
	root.name = ref->name;
	root.key = ref->key;
	root.index = ref->index;
	/* Tag 1: borrowed, or left to the collector (pycore_stackref.h). */
	root.counted = l->t.frame_refs != PM_REF_TAGGED ||
		       !word(x->j, ref->at, &tagged) || !(tagged & 1);
	emit(x->j, &root);
	return !x->j->stop;
}

/* Of a value stack whose depth is not known. */
static void guess_stack(struct pm_roots_job *j, struct pm_root root,
	const struct pm_stack_frame *f)
{
	const struct pm_layout *l = j->h->l;
	struct pm_frame_slots s;
	if (pm_frame_slots_load(&j->h->objects, f->iframe, f->object, &s) !=
			PM_OK ||
		s.depth_known)
		return;
	uint64_t mask =
		l->t.frame_refs == PM_REF_TAGGED ? ~UINT64_C(3) : ~UINT64_C(0);
	root.kind = PM_ROOT_STACK_WORD;
	root.counted = false;
	root.via = PM_VIA_STACK;
	for (root.index = 0; root.index < s.room && !j->stop; root.index++) {
		root.at = s.at + (s.nlocals + root.index) * l->t.word_size;
		if (!word(j, root.at, &root.target))
			return;
		root.target &= mask;
		if (pm_heap_is_object(j->h, root.target))
			emit(j, &root);
	}
}

static void read_frame(
	struct pm_roots_job *j, size_t thread, const struct pm_stack_frame *f)
{
	const struct pm_layout *l = j->h->l;
	struct frame_refs x = {j, {.kind = PM_ROOT_FRAME}};
	x.root.interp_id = j->threads.list.data[thread].interp_id;
	x.root.thread = thread + 1;
	x.root.depth = f->depth;
	x.root.code = f->code;
	x.root.holder = f->iframe ? f->iframe : f->object;
	if (f->iframe) {
		if (pm_refs_of_frame(
			    &j->h->objects, f->iframe, frame_ref, &x) != PM_OK)
			j->unreadable++;
	} else {
		/* C code that runs it holds it; a generator holds its own. */
		struct pm_root root = x.root;
		uint64_t gen = 0;
		if (pm_has(l->f.frame.gen) &&
			pm_layout_read(l, j->h->memory, f->object,
				l->f.frame.gen, &gen, NULL) != PM_OK)
			j->unreadable++;
		root.target = f->object;
		root.counted = !gen;
		root.via = PM_VIA_FIELD;
		root.name = "frame";
		emit(j, &root);
	}
	guess_stack(j, x.root, f);
}

static void read_threads(struct pm_roots_job *j, double deadline)
{
	struct pm_stack_frame f;
	for (unsigned n = 1; j->at < j->threads.list.len && !j->stop; n++) {
		const struct pm_thread *t = &j->threads.list.data[j->at];
		if (n % 16 == 0 && pm_now() > deadline)
			return;
		if (!j->in_stack) {
			const struct pm_root root = {.kind = PM_ROOT_THREAD,
				.counted = true,
				.holder = t->addr,
				.interp_id = t->interp_id,
				.thread = t->number,
				.via = PM_VIA_FIELD};
			read_struct(j, &root, PM_HOLDER_THREAD);
			j->stack =
				pm_stack_of(&j->h->objects, t->interp, t->addr);
			j->in_stack = true;
			continue;
		}
		if (pm_stack_next(&j->stack, &f)) {
			read_frame(j, j->at, &f);
			continue;
		}
		if (j->stack.status == PM_CORRUPT)
			j->inconsistent++;
		else if (j->stack.status != PM_OK)
			j->unreadable++;
		j->in_stack = false;
		j->at++;
	}
	j->phase = PHASE_STATIC;
	j->at = 0;
}

/* ---- objects that are roots themselves ---- */

static void read_static(struct pm_roots_job *j, double deadline)
{
	struct pm_root root = {.kind = PM_ROOT_STATIC, .interp_id = -1};
	for (; j->at < j->h->outside.len && !j->stop; j->at++) {
		if (j->at % BATCH == 0 && pm_now() > deadline) {
			j->at++;
			return;
		}
		root.target = j->h->outside.data[j->at].addr;
		if (j->h->outside.data[j->at].is_static)
			emit(j, &root);
	}
	j->phase = PHASE_INTERNED;
}

static bool stays_interned(struct pm_heap *h, pm_addr str)
{
	struct pm_object x;
	uint64_t state = 0;
	if (pm_object_load(&h->objects, str, &x, NULL) != PM_OK)
		return false;
	if (x.immortal)
		return true;
	return pm_has(h->l->f.ascii.interned) &&
	       pm_layout_read(h->l, h->memory, str, h->l->f.ascii.interned,
		       &state, NULL) == PM_OK &&
	       state >= SSTATE_INTERNED_IMMORTAL;
}

static void read_interned(struct pm_roots_job *j, double deadline)
{
	struct pm_root root = {.kind = PM_ROOT_INTERNED, .interp_id = -1};
	bool is_static;
	if (!j->has_interned)
		j->has_interned =
			pm_interned_open(j->h, &j->interned, NULL) == PM_OK;
	/* No table: nothing to tell. */
	for (unsigned n = 1; j->has_interned && !j->stop; n++) {
		if (n % BATCH == 0 && pm_now() > deadline)
			return;
		if (!pm_interned_next(&j->interned, &root.target, &is_static))
			break;
		if (!is_static && stays_interned(j->h, root.target))
			emit(j, &root);
	}
	if (j->has_interned)
		j->unreadable +=
			j->interned.unreadable + j->interned.inconsistent;
	j->phase = PHASE_DONE;
}

/* ---- the job ---- */

enum pm_status pm_roots_create(struct pm_heap *h, pm_root_fn *fn, void *arg,
	struct pm_roots_job **ret, struct pm_error *err)
{
	if (!h->done)
		return pm_fail(err, PM_ABSENT, 0, "the heap was not walked");
	PM_CLEANUP(cleanup_job)
	struct pm_roots_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	j->fn = fn;
	j->arg = arg;
	j->interp = pm_interpreters(h->l, h->memory);
	PM_TRY(pm_threads_load(h->l, h->memory, &j->threads, err));
	j->unreadable += j->threads.unreadable;
	*ret = pm_take(j);
	return PM_OK;
}

enum pm_status pm_roots_step(struct pm_roots_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	(void)err;
	do {
		switch (j->stop ? PHASE_DONE : j->phase) {
		case PHASE_RUNTIME:
			read_runtime(j);
			j->phase = PHASE_INTERPRETERS;
			break;
		case PHASE_INTERPRETERS:
			if (j->interp.at) {
				read_interpreter(j);
				pm_chain_next(&j->interp);
			} else {
				j->phase = PHASE_THREADS;
			}
			break;
		case PHASE_THREADS:
			read_threads(j, deadline);
			break;
		case PHASE_STATIC:
			read_static(j, deadline);
			break;
		case PHASE_INTERNED:
			read_interned(j, deadline);
			break;
		case PHASE_DONE:
			j->phase = PHASE_DONE;
			break;
		}
	} while (j->phase != PHASE_DONE && pm_now() < deadline);
	*ret_done = j->phase == PHASE_DONE;
	return PM_OK;
}
