/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recursive descent, one function per level: or, and, not, comparison, value.
   One token ahead. */
#include "query/query-internal.h"

#include <string.h>

struct parser {
	struct pm_query *q;
	const char *source;
	size_t pos;
	struct query_token token; /* the next one */
	unsigned depth;
};

static void deinit_parser(struct parser *p)
{
	pm_strbuf_deinit(&p->token.text);
}

void pm_query_destroy(struct pm_query *q)
{
	if (!q)
		return;
	pm_vec_each (t, &q->texts)
		free(*t);
	pm_vec_deinit(&q->texts);
	pm_vec_deinit(&q->nodes);
	pm_vec_deinit(&q->steps);
	pm_vec_deinit(&q->patterns);
	free(q->source);
	free(q);
}

bool pm_query_is_serial(const struct pm_query *q)
{
	return q->serial;
}

static enum pm_status no_memory(struct pm_error *err)
{
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

static enum pm_status advance(struct parser *p, struct pm_error *err)
{
	return query_next_token(p->source, &p->pos, &p->token, err);
}

static enum pm_status add_node(struct parser *p, struct query_node node,
	uint32_t *ret, struct pm_error *err)
{
	if (!pm_vec_push(&p->q->nodes, node))
		return no_memory(err);
	*ret = (uint32_t)p->q->nodes.len - 1;
	return PM_OK;
}

/* Keeps the text of the token as long as the query. */
static enum pm_status keep_text(
	struct parser *p, const char **ret, struct pm_error *err)
{
	pm_auto_free char *copy = malloc(p->token.text.len + 1);
	if (!copy || !pm_vec_reserve(&p->q->texts, p->q->texts.len + 1))
		return no_memory(err);
	memcpy(copy, pm_strbuf_text(&p->token.text), p->token.text.len + 1);
	*ret = copy;
	p->q->texts.data[p->q->texts.len++] = pm_take(copy);
	return PM_OK;
}

static bool at_word(const struct parser *p, const char *word)
{
	return p->token.kind == TOKEN_NAME &&
	       !strcmp(pm_strbuf_text(&p->token.text), word);
}

static PM_PRINTF(3, 4) enum pm_status
	fail_here(struct parser *p, struct pm_error *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	pm_auto_free char *text = NULL;
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return query_fail(err, p->source, p->token.at, p->token.len, "%s",
		text ? text : "out of memory");
}

static enum pm_status expect(
	struct parser *p, enum query_token_kind kind, struct pm_error *err)
{
	if (p->token.kind != kind)
		return fail_here(
			p, err, "\"%s\" is missing", query_token_text(kind));
	return advance(p, err);
}

/* ---- values ---- */

/* *ret_is: the token is a literal, and was taken. */
static enum pm_status take_literal(struct parser *p, struct pm_value *ret,
	bool *ret_is, struct pm_error *err)
{
	const char *text;
	*ret_is = true;
	switch (p->token.kind) {
	case TOKEN_NUMBER:
		*ret = p->token.value;
		return advance(p, err);
	case TOKEN_TEXT:
	case TOKEN_DATA: {
		size_t len = p->token.text.len;
		PM_TRY(keep_text(p, &text, err));
		*ret = p->token.kind == TOKEN_TEXT ? pm_value_text(text, len)
						   : pm_value_data(text, len);
		return advance(p, err);
	}
	default:
		break;
	}
	if (at_word(p, "None")) {
		*ret = (struct pm_value){.kind = PM_VALUE_NONE};
	} else if (at_word(p, "True") || at_word(p, "False")) {
		*ret = pm_value_int(at_word(p, "True"));
		ret->is_bool = true;
	} else {
		*ret_is = false;
		return PM_OK;
	}
	return advance(p, err);
}

static enum pm_status parse_operand(
	struct parser *p, uint32_t *ret, struct pm_error *err);

static bool find_property(const struct parser *p, enum query_property *ret)
{
	static const struct {
		const char *name;
		enum query_property property;
	} all[] = {{"len", PROPERTY_LEN}, {"size", PROPERTY_SIZE},
		{"alloc", PROPERTY_ALLOC}, {"refcount", PROPERTY_REFCOUNT},
		{"type", PROPERTY_TYPE}, {"addr", PROPERTY_ADDR},
		{"tracked", PROPERTY_TRACKED}};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (at_word(p, all[i].name)) {
			*ret = all[i].property;
			return true;
		}
	return false;
}

static enum pm_status parse_property(struct parser *p,
	enum query_property property, uint32_t *ret, struct pm_error *err)
{
	struct query_node n = {.op = QUERY_PROPERTY, .property = property};
	PM_TRY(advance(p, err));
	p->q->serial |= property == PROPERTY_ALLOC;
	if (p->token.kind == TOKEN_OPEN) {
		if (++p->depth > PM_QUERY_DEPTH)
			return fail_here(p, err, "too deeply nested");
		PM_TRY(advance(p, err));
		PM_TRY(parse_operand(p, &n.a, err));
		PM_TRY(expect(p, TOKEN_CLOSE, err));
		p->depth--;
	} else {
		struct query_node self = {.op = QUERY_SELF};
		PM_TRY(add_node(p, self, &n.a, err));
	}
	return add_node(p, n, ret, err);
}

static enum pm_status parse_index(
	struct parser *p, struct query_step *ret, struct pm_error *err)
{
	bool is = false;
	PM_TRY(advance(p, err));
	size_t at = p->token.at, len = p->token.len;
	PM_TRY(take_literal(p, &ret->index, &is, err));
	if (!is || ret->index.kind == PM_VALUE_FLOAT)
		return query_fail(err, p->source, at, len,
			"an index is a whole number, a text, bytes, None, True "
			"or False");
	return expect(p, TOKEN_INDEX_END, err);
}

/* ".name", "[index]", any number of them behind the value base. */
static enum pm_status parse_steps(
	struct parser *p, uint32_t base, uint32_t *ret, struct pm_error *err)
{
	struct query_node n = {
		.op = QUERY_PATH, .a = base, .b = (uint32_t)p->q->steps.len};
	while (p->token.kind == TOKEN_ATTRIBUTE ||
		p->token.kind == TOKEN_INDEX) {
		struct query_step step = {0};
		if (p->token.kind == TOKEN_ATTRIBUTE) {
			PM_TRY(keep_text(p, &step.name, err));
			PM_TRY(advance(p, err));
		} else {
			PM_TRY(parse_index(p, &step, err));
		}
		if (!pm_vec_push(&p->q->steps, step))
			return no_memory(err);
		n.n++;
	}
	*ret = base;
	return n.n ? add_node(p, n, ret, err) : PM_OK;
}

static enum pm_status parse_operand(
	struct parser *p, uint32_t *ret, struct pm_error *err)
{
	struct query_node n = {.op = QUERY_LITERAL};
	enum query_property property;
	bool is = false;
	PM_TRY(take_literal(p, &n.literal, &is, err));
	if (is)
		return add_node(p, n, ret, err);
	if (find_property(p, &property))
		return parse_property(p, property, ret, err);
	bool self = at_word(p, "self");
	if (self)
		PM_TRY(advance(p, err));
	if (self || p->token.kind == TOKEN_ATTRIBUTE ||
		p->token.kind == TOKEN_INDEX) {
		n.op = QUERY_SELF;
		PM_TRY(add_node(p, n, ret, err));
		return parse_steps(p, *ret, ret, err);
	}
	if (p->token.kind == TOKEN_NAME)
		return fail_here(p, err,
			"unknown word; attributes begin with a dot: .%s",
			pm_strbuf_text(&p->token.text));
	return fail_here(p, err, "a value is missing%s%s%s",
		p->token.kind == TOKEN_END ? "" : " before \"",
		p->token.kind == TOKEN_END ? ""
					   : query_token_text(p->token.kind),
		p->token.kind == TOKEN_END ? "" : "\"");
}

/* ---- conditions ---- */

static enum pm_status negate(
	struct parser *p, bool really, uint32_t *node, struct pm_error *err)
{
	struct query_node n = {.op = QUERY_NOT, .a = *node};
	return really ? add_node(p, n, node, err) : PM_OK;
}

static enum pm_status parse_like(
	struct parser *p, uint32_t left, uint32_t *ret, struct pm_error *err)
{
	bool unlike = p->token.kind == TOKEN_UNLIKE;
	struct query_node n = {
		.op = QUERY_LIKE, .a = left, .b = (uint32_t)p->q->patterns.len};
	const char *pattern;
	regex_t compiled;
	PM_TRY(advance(p, err));
	if (p->token.kind != TOKEN_TEXT)
		return fail_here(
			p, err, "a regular expression in quotes is missing");
	PM_TRY(keep_text(p, &pattern, err));
	int e = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB);
	if (e) {
		char why[100];
		regerror(e, &compiled, why, sizeof why);
		return fail_here(p, err, "no regular expression: %s", why);
	}
	regfree(&compiled);
	if (!pm_vec_push(&p->q->patterns, pattern))
		return no_memory(err);
	PM_TRY(advance(p, err));
	PM_TRY(add_node(p, n, ret, err));
	return negate(p, unlike, ret, err);
}

/* "(1, 2, 3)" */
static enum pm_status parse_list(
	struct parser *p, struct query_node *n, struct pm_error *err)
{
	n->op = QUERY_IN_LIST;
	n->b = (uint32_t)p->q->nodes.len;
	PM_TRY(advance(p, err));
	while (p->token.kind != TOKEN_CLOSE) {
		struct query_node item = {.op = QUERY_LITERAL};
		uint32_t at;
		bool is = false;
		PM_TRY(take_literal(p, &item.literal, &is, err));
		if (!is)
			return fail_here(p, err,
				"a number, a text, bytes, None, True, False or "
				"\")\" is missing");
		PM_TRY(add_node(p, item, &at, err));
		n->n++;
		if (p->token.kind != TOKEN_CLOSE)
			PM_TRY(expect(p, TOKEN_COMMA, err));
	}
	return advance(p, err);
}

static enum pm_status parse_in(struct parser *p, uint32_t left, bool not_in,
	uint32_t *ret, struct pm_error *err)
{
	struct query_node n = {.op = QUERY_IN, .a = left};
	PM_TRY(advance(p, err));
	if (p->token.kind == TOKEN_OPEN)
		PM_TRY(parse_list(p, &n, err));
	else
		PM_TRY(parse_operand(p, &n.b, err));
	PM_TRY(add_node(p, n, ret, err));
	return negate(p, not_in, ret, err);
}

static enum pm_status parse_is(
	struct parser *p, uint32_t left, uint32_t *ret, struct pm_error *err)
{
	struct query_node n = {.op = QUERY_IS, .a = left};
	PM_TRY(advance(p, err));
	bool is_not = p->token.kind == TOKEN_NOT;
	if (is_not)
		PM_TRY(advance(p, err));
	PM_TRY(parse_operand(p, &n.b, err));
	PM_TRY(add_node(p, n, ret, err));
	return negate(p, is_not, ret, err);
}

static bool comparison_of(enum query_token_kind kind, enum query_op *ret)
{
	if (kind < TOKEN_EQUAL || kind > TOKEN_GREATER_EQUAL)
		return false;
	*ret = (enum query_op)(QUERY_EQUAL + (kind - TOKEN_EQUAL));
	return true;
}

static enum pm_status parse_comparison(
	struct parser *p, uint32_t *ret, struct pm_error *err)
{
	struct query_node n = {.op = QUERY_TRUE};
	PM_TRY(parse_operand(p, &n.a, err));
	enum query_op op;
	if (p->token.kind == TOKEN_LIKE || p->token.kind == TOKEN_UNLIKE)
		return parse_like(p, n.a, ret, err);
	if (p->token.kind == TOKEN_IN)
		return parse_in(p, n.a, false, ret, err);
	if (p->token.kind == TOKEN_IS)
		return parse_is(p, n.a, ret, err);
	if (p->token.kind == TOKEN_NOT) {
		PM_TRY(advance(p, err));
		if (p->token.kind != TOKEN_IN)
			return fail_here(
				p, err, "\"in\" is missing behind \"not\"");
		return parse_in(p, n.a, true, ret, err);
	}
	if (!comparison_of(p->token.kind, &op))
		return add_node(p, n, ret, err);
	n.op = op;
	PM_TRY(advance(p, err));
	PM_TRY(parse_operand(p, &n.b, err));
	PM_TRY(add_node(p, n, ret, err));
	if (comparison_of(p->token.kind, &op))
		return fail_here(p, err,
			"comparisons are not chained: join them with \"and\"");
	return PM_OK;
}

static enum pm_status parse_or(
	struct parser *p, uint32_t *ret, struct pm_error *err);

static enum pm_status parse_not(
	struct parser *p, uint32_t *ret, struct pm_error *err)
{
	bool open = p->token.kind == TOKEN_OPEN;
	if (!open && p->token.kind != TOKEN_NOT)
		return parse_comparison(p, ret, err);
	if (++p->depth > PM_QUERY_DEPTH)
		return fail_here(p, err, "too deeply nested");
	PM_TRY(advance(p, err));
	PM_TRY(open ? parse_or(p, ret, err) : parse_not(p, ret, err));
	p->depth--;
	return open ? expect(p, TOKEN_CLOSE, err) : negate(p, true, ret, err);
}

static enum pm_status parse_and(
	struct parser *p, uint32_t *ret, struct pm_error *err)
{
	PM_TRY(parse_not(p, ret, err));
	while (p->token.kind == TOKEN_AND) {
		struct query_node n = {.op = QUERY_AND, .a = *ret};
		PM_TRY(advance(p, err));
		PM_TRY(parse_not(p, &n.b, err));
		PM_TRY(add_node(p, n, ret, err));
	}
	return PM_OK;
}

static enum pm_status parse_or(
	struct parser *p, uint32_t *ret, struct pm_error *err)
{
	PM_TRY(parse_and(p, ret, err));
	while (p->token.kind == TOKEN_OR) {
		struct query_node n = {.op = QUERY_OR, .a = *ret};
		PM_TRY(advance(p, err));
		PM_TRY(parse_and(p, &n.b, err));
		PM_TRY(add_node(p, n, ret, err));
	}
	return PM_OK;
}

static enum pm_status parse(const char *text, bool value, struct pm_query **ret,
	struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_query) struct pm_query *q = calloc(1, sizeof *q);
	if (!q || !(q->source = strdup(text)))
		return no_memory(err);
	if (strlen(text) > PM_QUERY_SOURCE)
		return pm_fail(err, PM_USAGE, 0, "longer than %u characters",
			PM_QUERY_SOURCE);
	PM_CLEANUP(deinit_parser)
	struct parser p = {.q = q, .source = q->source};
	PM_TRY(advance(&p, err));
	PM_TRY(value ? parse_operand(&p, &q->root, err)
		     : parse_or(&p, &q->root, err));
	if (p.token.kind != TOKEN_END)
		return fail_here(&p, err,
			value ? "one value is enough"
			      : "\"and\", \"or\" or the end is missing here");
	*ret = pm_take(q);
	return PM_OK;
}

enum pm_status pm_query_parse(
	const char *text, struct pm_query **ret, struct pm_error *err)
{
	return parse(text, false, ret, err);
}

enum pm_status pm_query_parse_value(
	const char *text, struct pm_query **ret, struct pm_error *err)
{
	return parse(text, true, ret, err);
}
