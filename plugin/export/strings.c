/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "export/strings.h"
#include "base/map.h"
#include "report/json-string.h"

#include <string.h>

/* Texts and words that are remembered: 16 bytes each. */
#define TEXT_BITS 19
#define WORD_BITS 17

/* A text is known by 96 bits of hash: of a thousand million different ones two
   have the same with a chance of one in 10^11. */
struct known_text {
	uint64_t hash;
	uint32_t check, number;
};

struct known_word {
	uint64_t word;
	uint32_t number;
};

struct pm_strings {
	struct pm_out *out;
	uint32_t n;
	struct known_text texts[1 << TEXT_BITS];
	struct known_word words[1 << WORD_BITS];
};

enum pm_status pm_strings_create(
	struct pm_out *out, struct pm_strings **ret, struct pm_error *err)
{
	struct pm_strings *s = calloc(1, sizeof *s);
	if (!s)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	s->out = out;
	*ret = s;
	return PM_OK;
}

void pm_strings_destroy(struct pm_strings *s)
{
	free(s);
}

static uint64_t hash_of(const char *text, size_t len, uint32_t *ret_check)
{
	uint64_t a = UINT64_C(0x9E3779B97F4A7C15) ^ len;
	uint64_t b = UINT64_C(0xC2B2AE3D27D4EB4F) + len;
	while (len) {
		uint64_t v = 0;
		size_t n = len < sizeof v ? len : sizeof v;
		memcpy(&v, text, n);
		a = (a ^ v) * UINT64_C(0xFF51AFD7ED558CCD);
		a ^= a >> 32;
		b = (b + v) * UINT64_C(0xC4CEB9FE1A85EC53);
		b ^= b >> 29;
		text += n;
		len -= n;
	}
	*ret_check = (uint32_t)(b >> 32);
	return a * UINT64_C(0x9FB21C651E98DF25) | 1; /* 0: an empty place */
}

uint32_t pm_strings_add(struct pm_strings *s, const char *text, size_t len)
{
	uint32_t check;
	uint64_t hash = hash_of(text, len, &check);
	struct known_text *k = &s->texts[hash >> (64 - TEXT_BITS)];
	if (k->hash == hash && k->check == check)
		return k->number;
	pm_strbuf_puts(&s->out->text, s->n ? ",\n" : "");
	pm_json_string(&s->out->text, text, len);
	*k = (struct known_text){hash, check, s->n};
	return s->n++;
}

static size_t place_of(uint64_t word)
{
	return pm_map_hash(word * 8) >> (64 - WORD_BITS);
}

bool pm_strings_recall(const struct pm_strings *s, uint64_t word, uint32_t *ret)
{
	const struct known_word *k = &s->words[place_of(word)];
	if (k->word != word)
		return false;
	*ret = k->number;
	return true;
}

void pm_strings_remember(struct pm_strings *s, uint64_t word, uint32_t number)
{
	s->words[place_of(word)] = (struct known_word){word, number};
}

uint32_t pm_strings_count(const struct pm_strings *s)
{
	return s->n;
}
