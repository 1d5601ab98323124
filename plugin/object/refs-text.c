/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What references are called. */
#include "object/refs.h"
#include "object/text.h"

#include <inttypes.h>

static void describe_key(const struct pm_objects *o, pm_addr key, bool plain,
	struct pm_strbuf *out)
{
	size_t start = out->len;
	struct pm_object k;
	if (pm_object_load(o, key, &k, NULL) != PM_OK) {
		pm_strbuf_printf(out, "<unreadable 0x%" PRIx64 ">", key);
		return;
	}
	if (pm_type_is_name(o->l, k.type)) {
		if (!plain)
			pm_strbuf_putc(out, '\'');
		if (pm_text_append(o->l, o->m, key, 60, plain ? 0 : '\'', out,
			    NULL) != PM_OK)
			pm_strbuf_truncate(out, start);
		else if (!plain)
			pm_strbuf_putc(out, '\'');
	}
	if (out->len == start)
		pm_strbuf_printf(
			out, "<%s at 0x%" PRIx64 ">", k.type->name, key);
}

/* What stands before the label. */
static const char *introduction(const struct pm_ref *ref)
{
	switch (ref->via) {
	case PM_VIA_SLOT:
		return "slot .";
	case PM_VIA_ATTRIBUTE:
		return "attribute .";
	case PM_VIA_VALUE:
		return "value for ";
	case PM_VIA_LOCAL:
		return "local ";
	case PM_VIA_FIELD:
	case PM_VIA_INDEX:
	case PM_VIA_KEY:
	case PM_VIA_MEMBER:
	case PM_VIA_STACK:
	case PM_VIA_TYPE:
	case PM_VIA_NATIVE:
		break;
	}
	return "";
}

void pm_ref_label(const struct pm_objects *o, const struct pm_object *holder,
	const struct pm_ref *ref, struct pm_strbuf *out)
{
	switch (ref->via) {
	case PM_VIA_FIELD:
	case PM_VIA_SLOT:
		pm_strbuf_puts(out, ref->name);
		break;
	case PM_VIA_ATTRIBUTE:
		describe_key(o, ref->key, true, out);
		break;
	case PM_VIA_INDEX:
		pm_strbuf_printf(out, "[%" PRIu64 "]", ref->index);
		break;
	case PM_VIA_KEY:
		pm_strbuf_puts(out, holder && holder->type->kind == PM_KIND_TYPE
					    ? "attribute name"
					    : "key");
		break;
	case PM_VIA_VALUE:
		describe_key(o, ref->key, false, out);
		break;
	case PM_VIA_MEMBER:
		pm_strbuf_puts(out, "member");
		break;
	case PM_VIA_LOCAL:
		if (ref->key)
			describe_key(o, ref->key, true, out);
		else
			pm_strbuf_printf(out, "%" PRIu64, ref->index);
		break;
	case PM_VIA_STACK:
		pm_strbuf_printf(out, "value stack [%" PRIu64 "]", ref->index);
		break;
	case PM_VIA_TYPE:
		pm_strbuf_puts(out, "type");
		break;
	case PM_VIA_NATIVE:
		pm_strbuf_printf(out, "(native, +0x%" PRIx64 ")", ref->index);
		break;
	}
}

void pm_ref_describe(const struct pm_objects *o, const struct pm_object *holder,
	const struct pm_ref *ref, struct pm_strbuf *out)
{
	pm_strbuf_puts(out, introduction(ref));
	pm_ref_label(o, holder, ref, out);
}
