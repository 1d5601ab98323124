/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The datetime module: after the header a hash, hastzinfo (a byte), then the
   fields packed as in a pickle, fold, and tzinfo at the next word
   (Include/datetime.h; the same since 3.6). */
#include "object/repr-internal.h"

#include <inttypes.h>

static uint64_t data_offset(struct pm_repr *r)
{
	return r->o->l->f.object.sizeof_.off + r->o->l->t.word_size + 1;
}

static unsigned byte(struct pm_repr *r, const struct pm_object *x, unsigned i)
{
	return (unsigned)pm_repr_bytes(r, x, data_offset(r) + i, 1);
}

/* year, month, day */
static void put_date(struct pm_repr *r, const struct pm_object *x)
{
	pm_strbuf_printf(r->out, "(%u, %u, %u",
		byte(r, x, 0) << 8 | byte(r, x, 1), byte(r, x, 2),
		byte(r, x, 3));
}

void pm_repr_date(struct pm_repr *r, const struct pm_object *x)
{
	pm_repr_tp_name(r, x->type);
	put_date(r, x);
	pm_strbuf_putc(r->out, ')');
}

/* hour and minute, and what follows when it is not 0. */
static void put_clock(struct pm_repr *r, const struct pm_object *x, unsigned at)
{
	unsigned second = byte(r, x, at + 2);
	unsigned us = byte(r, x, at + 3) << 16 | byte(r, x, at + 4) << 8 |
		      byte(r, x, at + 5);
	pm_strbuf_printf(r->out, "%u, %u", byte(r, x, at), byte(r, x, at + 1));
	if (second || us)
		pm_strbuf_printf(r->out, ", %u", second);
	if (us)
		pm_strbuf_printf(r->out, ", %u", us);
}

static void put_fold(struct pm_repr *r, const struct pm_object *x, unsigned at)
{
	unsigned fold = byte(r, x, at);
	if (fold && pm_wording_is(r->o->l, PM_WORDING_TEXT_AS_IT_IS))
		pm_strbuf_printf(r->out, ", fold=%u", fold);
}

static void put_tzinfo(
	struct pm_repr *r, const struct pm_object *x, unsigned size)
{
	unsigned ws = r->o->l->t.word_size;
	uint64_t off = (data_offset(r) + size + ws - 1) / ws * ws;
	if (!pm_repr_bytes(r, x, data_offset(r) - 1, 1))
		return;
	pm_strbuf_puts(r->out, ", tzinfo=");
	pm_repr_put(r, pm_repr_bytes(r, x, off, ws));
}

void pm_repr_time(struct pm_repr *r, const struct pm_object *x)
{
	if (!pm_repr_enter(r, x, "..."))
		return;
	pm_repr_tp_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	put_clock(r, x, 0);
	put_tzinfo(r, x, 7);
	put_fold(r, x, 6);
	pm_strbuf_putc(r->out, ')');
	pm_repr_leave(r);
}

void pm_repr_datetime(struct pm_repr *r, const struct pm_object *x)
{
	if (!pm_repr_enter(r, x, "..."))
		return;
	pm_repr_tp_name(r, x->type);
	put_date(r, x);
	pm_strbuf_puts(r->out, ", ");
	put_clock(r, x, 4);
	put_fold(r, x, 10);
	put_tzinfo(r, x, 11);
	pm_strbuf_putc(r->out, ')');
	pm_repr_leave(r);
}

/* hash, then days, seconds, microseconds. */
static int32_t delta_part(
	struct pm_repr *r, const struct pm_object *x, unsigned i)
{
	uint64_t off = r->o->l->f.object.sizeof_.off + r->o->l->t.word_size;
	return (int32_t)pm_repr_bytes(r, x, off + 4 * i, 4);
}

void pm_repr_timedelta(struct pm_repr *r, const struct pm_object *x)
{
	static const char *const names[] = {"days", "seconds", "microseconds"};
	bool some = false;
	pm_repr_tp_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	if (!pm_wording_is(r->o->l, PM_WORDING_TIMEDELTA_NAMED)) {
		int32_t days = delta_part(r, x, 0);
		int32_t seconds = delta_part(r, x, 1);
		int32_t micros = delta_part(r, x, 2);
		pm_strbuf_printf(r->out, "%" PRId32, days);
		if (seconds || micros)
			pm_strbuf_printf(r->out, ", %" PRId32, seconds);
		if (micros)
			pm_strbuf_printf(r->out, ", %" PRId32, micros);
		pm_strbuf_putc(r->out, ')');
		return;
	}
	for (unsigned i = 0; i < 3; i++) {
		int32_t v = delta_part(r, x, i);
		if (!v)
			continue;
		pm_strbuf_printf(
			r->out, "%s%s=%" PRId32, some ? ", " : "", names[i], v);
		some = true;
	}
	pm_strbuf_puts(r->out, some ? ")" : "0)");
}

/* offset, name; what is made of no offset and no name is the one utc. */
void pm_repr_timezone(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr offset = pm_repr_word(r, x, 0), name = pm_repr_word(r, x, 1);
	struct pm_object d;
	pm_repr_tp_name(r, x->type);
	if (!name && pm_object_load(r->o, offset, &d, NULL) == PM_OK &&
		!delta_part(r, &d, 0) && !delta_part(r, &d, 1) &&
		!delta_part(r, &d, 2)) {
		pm_strbuf_puts(r->out, ".utc");
		return;
	}
	pm_strbuf_putc(r->out, '(');
	pm_repr_put(r, offset);
	if (name) {
		pm_strbuf_puts(r->out, ", ");
		pm_repr_put(r, name);
	}
	pm_strbuf_putc(r->out, ')');
}
