/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A core that has neither the program's constants nor its file. */
#include "lib/mini-python.h"
#include "unit/unit.h"

#include <string.h>

#define APP "/opt/shop/server"

static void check_name(struct pm_memory *m, const struct pm_layout *l,
	pm_addr type, const char *want)
{
	char text[128];
	uint64_t at = 0;
	struct pm_error err = {0};
	ck_assert_int_eq(
		pm_layout_read(l, m, type, l->f.type.name, &at, &err), PM_OK);
	ck_assert_msg(
		pm_memory_read_cstring(m, at, text, sizeof text, &err) == PM_OK,
		"%s: %s", want, err.msg);
	ck_assert_str_eq(text, want);
}

static pm_addr make_module(struct mini *m, const pm_addr *pairs, size_t n)
{
	const struct pm_fields *f = &m->l->f;
	pm_addr type = mini_hidden_type(m);
	pm_addr module = mini_object(m, type, f->module.sizeof_.off);
	mini_put(m, module, f->module.dict, mini_dict(m, pairs, n));
	return module;
}

struct shown {
	pm_addr list, deque, function, error, nobody, module;
};

/* builtins, collections, one that hides behind its importer, and what 2.7 has
   besides builtins. */
static void make_modules(struct mini *m, struct shown *s)
{
	const struct pm_fields *f = &m->l->f;
	s->list = mini_hidden_type(m);
	s->deque = mini_hidden_type(m);
	s->function = mini_hidden_type(m);
	s->error = mini_hidden_type(m);
	s->nobody = mini_hidden_type(m);
	const pm_addr builtins[] = {
		mini_str(m, "None"),
		m->l->at.none.addr,
		mini_str(m, "list"),
		s->list,
		mini_str(m, "alias_of_list"),
		s->list,
		mini_str(m, "dict"),
		m->l->at.dict_type.addr,
		mini_str(m, "KeyError"),
		s->error,
	};
	const pm_addr collections[] = {
		mini_str(m, "deque"),
		s->deque,
		mini_str(m, "List"),
		s->list,
	};
	const pm_addr importer[] = {
		mini_str(m, "_d"),
		s->deque,
	};
	const pm_addr types[] = {
		mini_str(m, "FunctionType"),
		s->function,
	};
	const pm_addr exceptions[] = {
		mini_str(m, "KeyError"),
		s->error,
	};
	const pm_addr modules[] = {
		mini_str(m, "app"),
		make_module(m, importer, 1),
		mini_str(m, "collections"),
		make_module(m, collections, 2),
		mini_str(m, "builtins"),
		make_module(m, builtins, 5),
		mini_str(m, "types"),
		make_module(m, types, 1),
		mini_str(m, "exceptions"),
		make_module(m, exceptions, 1),
	};
	s->module = mini_load(
		m, modules[5] + f->object.type.off, f->object.type.size);
	mini_put(m, m->interp, f->interp.builtins, mini_dict(m, builtins, 5));
	mini_put(m, m->interp, f->interp.modules, mini_dict(m, modules, 5));
}

START_TEST(names_are_found_again)
{
	unsigned tried = 0;
	for (size_t row = 0; pm_rows[row]; row++) {
		/* Others may share its places; each is made for itself. */
		struct mini m;
		struct shown s;
		struct pm_error err = {0};
		struct pm_debug_info none = {0};
		struct pm_layout *l = NULL;
		mini_init(&m, pm_rows[row], APP);
		mini_hide_names(&m);
		make_modules(&m, &s);
		pm_auto_memory memory = NULL;
		ck_assert_int_eq(
			pm_memory_create(m.t, 64, &memory, &err), PM_OK);
		ck_assert_msg(pm_layout_create(
				      memory, &m.ms, &none, &l, &err) == PM_OK,
			"%s: %s", pm_rows[row]->name, err.msg);
		const struct pm_places *at = &m.l->at;
		ck_assert_uint_eq(l->at.type_type.addr, at->type_type.addr);
		ck_assert_uint_eq(l->at.dict_type.addr, at->dict_type.addr);
		ck_assert_uint_eq(
			l->at.unicode_type.addr, at->unicode_type.addr);
		ck_assert_uint_eq(l->at.none.addr, at->none.addr);
		ck_assert_uint_eq(l->at.set_dummy.addr, at->set_dummy.addr);
		check_name(memory, l, at->type_type.addr, "type");
		check_name(memory, l, at->object_type.addr, "object");
		check_name(memory, l, at->dict_type.addr, "dict");
		check_name(memory, l, at->unicode_type.addr,
			at->bytes_type.addr ? "unicode" : "str");
		if (at->bytes_type.addr)
			check_name(memory, l, at->bytes_type.addr, "str");
		check_name(memory, l, s.list, "list");
		check_name(memory, l, s.deque, "collections.deque");
		check_name(memory, l, s.function, "function");
		check_name(memory, l, s.error,
			at->bytes_type.addr ? "exceptions.KeyError"
					    : "KeyError");
		check_name(memory, l, s.module, "module");
		ck_assert(pm_layout_is_nameless(l, s.nobody));
		ck_assert(!pm_layout_is_nameless(l, s.deque));
		bool warned = false;
		pm_vec_each (w, &l->warnings)
			warned |= strstr(*w, "names of") != NULL;
		ck_assert(warned);
		pm_layout_destroy(l);
		mini_deinit(&m);
		tried++;
	}
	ck_assert_uint_gt(tried, 5);
}
END_TEST

/* A target that has everything is left alone. */
START_TEST(names_that_are_there_stay)
{
	struct mini m;
	struct pm_error err = {0};
	struct pm_debug_info none = {0};
	struct pm_layout *l = NULL;
	mini_init(&m, pm_rows[0], APP);
	pm_auto_memory memory = NULL;
	ck_assert_int_eq(pm_memory_create(m.t, 64, &memory, &err), PM_OK);
	ck_assert_int_eq(
		pm_layout_create(memory, &m.ms, &none, &l, &err), PM_OK);
	ck_assert_uint_eq(m.t->supplies.len, 0);
	pm_layout_destroy(l);
	mini_deinit(&m);
}
END_TEST

UNIT_MAIN("names", names_are_found_again, names_that_are_there_stay)
