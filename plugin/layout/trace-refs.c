/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Builds with Py_TRACE_REFS (configure --with-trace-refs): until 3.12 every
   object begins with two words more, _ob_next and _ob_prev, which link all
   objects there are (Include/object.h: _PyObject_HEAD_EXTRA).  They have no
   rows of their own: all that is in an object is just so much farther. */
#include "layout/build.h"

/* Before, it came with Py_DEBUG, whose rows have the words (bpo-36465). */
#define OPTION_SINCE 0x308
#define LINKED_UNTIL 0x30c /* then a table knows them all (gh-108634) */

static bool is_object(size_t first)
{
	static const size_t others[] = {
#define O(s) PM_INDEX(s.sizeof_),
		PM_NO_OBJECTS(O)
#undef O
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (others[i] == first)
			return false;
	return true;
}

bool pm_trace_refs_may_be(const struct pm_row *row)
{
	return row->version >= OPTION_SINCE && row->version <= LINKED_UNTIL &&
	       !row->free_threaded;
}

void pm_trace_refs_apply(struct pm_layout *l)
{
	struct pm_field *f = (struct pm_field *)&l->f;
	const char *in = NULL, *of, *name;
	const struct pm_field *same;
	enum pm_source source;
	bool object = false;
	for (size_t i = 0; pm_layout_field(l, i, &of, &name, &same, &source);
		i++) {
		if (of != in)
			object = is_object(i);
		in = of;
		if (object && pm_has(f[i]))
			f[i].off += 2 * l->t.word_size;
	}
	l->trace_refs = true;
}
