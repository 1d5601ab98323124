/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the query language share: token.c, parse.c, evaluate.c,
   lookup.c. */
#ifndef PM_QUERY_QUERY_INTERNAL_H
#define PM_QUERY_QUERY_INTERNAL_H

#include "base/vec.h"
#include "object/attributes.h"
#include "query/query.h"

#include <regex.h>

#define PM_QUERY_DEPTH 64 /* parentheses and nots inside each other */
#define PM_QUERY_SOURCE 4096

/* ---- tokens ---- */

/* X(name, "as it is written") */
#define PM_TOKENS(X)                                                           \
	X(END, "the end")                                                      \
	X(NUMBER, "a number")                                                  \
	X(TEXT, "a text")                                                      \
	X(DATA, "bytes")                                                       \
	X(NAME, "a name")                                                      \
	X(ATTRIBUTE, "an attribute")                                           \
	X(OPEN, "(")                                                           \
	X(CLOSE, ")")                                                          \
	X(INDEX, "[")                                                          \
	X(INDEX_END, "]")                                                      \
	X(COMMA, ",")                                                          \
	X(EQUAL, "==")                                                         \
	X(UNEQUAL, "!=")                                                       \
	X(LESS, "<")                                                           \
	X(LESS_EQUAL, "<=")                                                    \
	X(GREATER, ">")                                                        \
	X(GREATER_EQUAL, ">=")                                                 \
	X(LIKE, "~")                                                           \
	X(UNLIKE, "!~")                                                        \
	X(AND, "and")                                                          \
	X(OR, "or")                                                            \
	X(NOT, "not")                                                          \
	X(IN, "in")                                                            \
	X(IS, "is")

enum query_token_kind {
#define X(name, text) TOKEN_##name,
	PM_TOKENS(X)
#undef X
};

struct query_token {
	enum query_token_kind kind;
	size_t at, len;	       /* in the source */
	struct pm_value value; /* NUMBER */
	struct pm_strbuf text; /* TEXT, DATA, NAME, ATTRIBUTE: owned */
};

/* The token at *pos, which moves behind it.  token->text keeps its memory. */
PM_CHECKED enum pm_status query_next_token(const char *source, size_t *pos,
	struct query_token *token, struct pm_error *err);
const char *query_token_text(enum query_token_kind kind);

/* PM_USAGE with the source and a caret under [at, at + len). */
PM_PRINTF(5, 6)
enum pm_status query_fail(struct pm_error *err, const char *source, size_t at,
	size_t len, const char *fmt, ...);

/* ---- what is parsed ---- */

enum query_op {
	QUERY_LITERAL,
	QUERY_SELF,
	QUERY_PATH,	/* steps from the value a */
	QUERY_PROPERTY, /* of the value a */
	QUERY_TRUE,	/* is the value a true? */
	QUERY_EQUAL,
	QUERY_UNEQUAL,
	QUERY_LESS,
	QUERY_LESS_EQUAL,
	QUERY_GREATER,
	QUERY_GREATER_EQUAL,
	QUERY_LIKE, /* a, pattern b */
	QUERY_IS,
	QUERY_IN,      /* a in the value b */
	QUERY_IN_LIST, /* a in the literals [b, b + n) */
	QUERY_AND,
	QUERY_OR,
	QUERY_NOT,
};

enum query_property {
	PROPERTY_LEN,
	PROPERTY_SIZE,
	PROPERTY_ALLOC,
	PROPERTY_REFCOUNT,
	PROPERTY_TYPE,
	PROPERTY_ADDR,
	PROPERTY_TRACKED,
};

struct query_node {
	enum query_op op;
	enum query_property property;
	uint32_t a, b, n; /* nodes; of PATH b, n: steps; of LIKE b: pattern */
	struct pm_value literal;
};

struct query_step {
	const char *name; /* an attribute, or NULL: an index */
	struct pm_value index;
};

struct pm_query {
	char *source;
	PM_VEC(struct query_node) nodes;
	PM_VEC(struct query_step) steps;
	PM_VEC(char *) texts;	       /* what literals and steps point to */
	PM_VEC(const char *) patterns; /* of LIKE */
	uint32_t root;
	bool serial;
};

/* ---- evaluation ---- */

/* What is remembered for a step. */
struct query_cache {
	struct pm_attr_query attribute;
	struct pm_map of_class; /* type: address of its attribute, plus 1 */
};

struct pm_evaluator {
	const struct pm_query *q;
	struct pm_heap *h;
	struct pm_value_reader reader;
	struct query_cache *caches; /* one per step */
	regex_t *patterns;
	size_t npatterns; /* compiled ones */
	struct pm_strbuf text;
	const struct pm_object *self;
	struct pm_object other; /* for steps beyond the first */
};

/* One step from the value v; MISSING when there is nothing. */
void query_step(struct pm_evaluator *e, size_t step, const struct pm_value *v,
	struct pm_value *ret);
/* Calls fn with each item of a container until it returns false. */
void query_each_item(struct pm_evaluator *e, const struct pm_value *v,
	bool (*fn)(void *arg, const struct pm_value *item), void *arg);
/* Loads the object that v is; NULL: it is none. */
const struct pm_object *query_object(
	struct pm_evaluator *e, const struct pm_value *v);

#endif
