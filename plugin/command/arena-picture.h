/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arenas as pictures: cells of a shade each, in a terminal or as SVG. */
#ifndef PM_COMMAND_ARENA_PICTURE_H
#define PM_COMMAND_ARENA_PICTURE_H

#include "base/strbuf.h"
#include "heap/pools.h"

/* How full a cell is: 0 to 100 percent, 0 only where nothing is in use, or
   what has no percentage. */
enum {
	PM_FILL_BAD = 101, /* a pool that makes no sense */
	PM_FILL_HEAD,	   /* what mimalloc has of a segment for itself */
};
/* A cell for each pool; of mimalloc, for each slice of a segment. */
typedef PM_VEC(uint8_t) pm_fills;

/* Appends those of an arena; false: out of memory. */
bool pm_arena_fills(
	const struct pm_pools *p, const struct pm_arena *a, pm_fills *out);
uint8_t pm_fill_of(uint64_t part, uint64_t whole);
/* One cell for so many; what has no percentage counts only alone. */
uint8_t pm_fill_mean(const uint8_t *cells, size_t n);

/* How cells are drawn as text. */
struct pm_shades {
	bool utf8, colour;
};

/* n cells, each of them the mean of so many. */
void pm_shades_put(const struct pm_shades *s, const uint8_t *cells, size_t n,
	size_t each, struct pm_strbuf *out);
/* "· none, ░ to 25 %, ..." */
void pm_shades_legend(const struct pm_shades *s, struct pm_strbuf *out);

/* A file of its own, rows of cells below each other. */
struct pm_svg {
	struct pm_strbuf text;
	unsigned columns; /* of cells in a row */
	unsigned rows, at;
};

/* So many rows come; title and words are any text. */
void pm_svg_begin(struct pm_svg *s, const char *title, const char *words,
	unsigned columns, unsigned rows);
/* label: beside it; hint: what a viewer shows under the pointer. */
void pm_svg_row(struct pm_svg *s, const char *label, const char *hint,
	const uint8_t *cells, size_t n);
void pm_svg_end(struct pm_svg *s);
void pm_svg_deinit(struct pm_svg *s);

#endif
