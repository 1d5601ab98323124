/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/structs.h"

#include <string.h>

/* Only what all releases since 3.8 have at these places. */
static const struct {
	const char *type, *text;
} rows[] = {
	{"array.array", "V P ob_item,n allocated,P ob_descr,O weakreflist,"
			"n ob_exports"},
	{"collections.deque",
		"V P leftblock,P rightblock,n leftindex,n rightindex,n state,"
		"n maxlen"},
	{"datetime.date", "n hashcode,c hastzinfo,c year_high,c year_low,"
			  "c month,c day"},
	{"datetime.time",
		"n hashcode,c hastzinfo,c hour,c minute,c second,c us_high,"
		"c us_mid,c us_low,c fold"},
	{"datetime.datetime",
		"n hashcode,c hastzinfo,c year_high,c year_low,c month,c day,"
		"c hour,c minute,c second,c us_high,c us_mid,c us_low,c fold"},
	{"datetime.timedelta", "n hashcode,i days,i seconds,i microseconds"},
	{"datetime.timezone", "O offset,O name"},
	{"decimal.Decimal", "n hash,c flags,n exp,n digits,n len,n alloc,"
			    "P data"},
	{"functools.partial", "O fn,O args,O kw"},
	{"functools._lru_cache_wrapper",
		"O root.prev,O root.next,O root.key_hash"},
	{"itertools.count", "n cnt,O long_cnt,O long_step"},
	{"itertools.repeat", "O element,n cnt"},
	{"mmap.mmap", "P data,n size,n pos"},
	{"re.Pattern", "V n groups,O groupindex,O indexgroup,O pattern,"
		       "i flags"},
	{"re.Match", "V O string,O regs,O pattern,n pos,n endpos,"
		     "n lastindex,n groups"},
	{"_ctypes._CData", "P b_ptr,i b_needsfree,O b_base,n b_size,"
			   "n b_length,n b_index,O b_objects"},
	{"_io.BytesIO", "O buf,n pos,n string_size,O dict,O weakreflist,"
			"n exports"},
	{"_io.StringIO", "P buf,n pos,n string_size,n buf_size"},
	{"_io.FileIO", "i fd,c flags"},
	{"_io.BufferedReader", "O raw,i ok,i detached,i readable,i writable"},
	{"_io.BufferedWriter", "O raw,i ok,i detached,i readable,i writable"},
	{"_io.BufferedRandom", "O raw,i ok,i detached,i readable,i writable"},
	{"_io.TextIOWrapper",
		"i ok,i detached,n chunk_size,O buffer,O encoding,O encoder,"
		"O decoder,O readnl,O errors,P writenl"},
	{"numpy.ndarray", "P data,i nd,P dimensions,P strides,O base,O descr,"
			  "i flags,O weakreflist"},
	{"_struct.Struct", "n s_size,n s_len,P s_codes,O s_format"},
	{"types.SimpleNamespace", "O ns_dict"},
};

const char *pm_struct_find(const char *qualified_name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strcmp(rows[i].type, qualified_name))
			return rows[i].text;
	return NULL;
}

static unsigned width_of(const struct pm_layout *l, char kind)
{
	switch (kind) {
	case 'c':
		return 1;
	case 'h':
		return 2;
	case 'i':
		return 4;
	case 'q':
	case 'd':
		return 8;
	default:
		return l->t.word_size;
	}
}

bool pm_struct_next(const struct pm_layout *l, const char **pos, uint64_t *off,
	struct pm_struct_field *ret)
{
	const char *p = *pos;
	if (!*off) {
		bool var = *p == 'V';
		*off = l->f.object.sizeof_.off + (var ? l->t.word_size : 0);
		p += var ? 2 : 0;
	}
	if (!p[0] || !p[1])
		return false;
	size_t n = strcspn(p + 2, ",");
	ret->kind = *p;
	ret->width = width_of(l, *p);
	uint64_t align =
		ret->width < l->t.word_size ? ret->width : l->t.word_size;
	ret->off = (*off + align - 1) / align * align;
	snprintf(ret->name, sizeof ret->name, "%.*s", (int)n, p + 2);
	*off = ret->off + ret->width;
	p += 2 + n;
	*pos = p + (*p == ',');
	return true;
}
