/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gdb/host.h"
#include "target/native.h"

#include <ctype.h>
#include <string.h>

/* One read of GDB: its length is an int, and Ctrl-C is only looked at between
   reads, of which gdbserver does 20 MB/s. */
#define CHUNK ((size_t)256 << 10)
#define PAGE ((pm_addr)4096)

struct host_target {
	struct pm_target t;
	pm_host_read *read;
};

/* The readable prefix of a chunk that is not readable as a whole: pages, then
   halves of the last one (a core may end anywhere). */
static size_t read_prefix(
	struct host_target *h, pm_addr addr, unsigned char *buf, size_t len)
{
	size_t done = 0, n = 0;
	while (done < len) {
		n = (size_t)(PAGE - (addr + done) % PAGE);
		if (n > len - done)
			n = len - done;
		if (h->read(addr + done, buf + done, (int)n))
			break;
		done += n;
	}
	if (done == len || h->read(addr + done, buf + done, 1))
		return done;
	size_t end = done + n;
	for (n = PAGE / 2; n; n /= 2)
		if (n < end - done && !h->read(addr + done, buf + done, (int)n))
			done += n;
	return done;
}

static size_t host_read(
	struct pm_target *t, pm_addr addr, void *buf, size_t len)
{
	struct host_target *h = (struct host_target *)(void *)t;
	unsigned char *out = buf;
	size_t done = 0;
	while (done < len) {
		size_t n = len - done < CHUNK ? len - done : CHUNK;
		if (addr + done + n < addr)
			break;
		if (h->read(addr + done, out + done, (int)n))
			return done +
			       read_prefix(h, addr + done, out + done, n);
		done += n;
	}
	return done;
}

static void host_destroy(struct pm_target *t)
{
	free(t);
}

static const struct pm_target_ops host_ops = {
	.read = host_read,
	.destroy = host_destroy,
};

/* Skips blanks, then takes 0x...; false: there is no number. */
static bool take_hex(const char **p, const char *end, uint64_t *ret)
{
	while (*p < end && (**p == ' ' || **p == '\t'))
		++*p;
	if (end - *p < 3 || (*p)[0] != '0' || (*p)[1] != 'x')
		return false;
	uint64_t v = 0;
	const char *q = *p + 2;
	for (; q < end && isxdigit((unsigned char)*q); q++)
		v = v << 4 | (uint64_t)(isdigit((unsigned char)*q)
						? *q - '0'
						: (*q | 32) - 'a' + 10);
	if (q == *p + 2)
		return false;
	*p = q;
	*ret = v;
	return true;
}

/* "r-xp": four characters, then a blank or the end. */
static unsigned take_permissions(const char **p, const char *end)
{
	while (*p < end && (**p == ' ' || **p == '\t'))
		++*p;
	const char *q = *p;
	if (end - q < 4 || (q[0] != 'r' && q[0] != '-') ||
		(q[1] != 'w' && q[1] != '-') || (q[2] != 'x' && q[2] != '-') ||
		(q[3] != 'p' && q[3] != 's') ||
		(end - q > 4 && q[4] != ' ' && q[4] != '\t'))
		return 0;
	*p += 4;
	return (q[0] == 'r' ? PM_MAP_READ : 0u) |
	       (q[1] == 'w' ? PM_MAP_WRITE : 0u) |
	       (q[2] == 'x' ? PM_MAP_EXEC : 0u) |
	       (q[3] == 's' ? PM_MAP_SHARED : 0u);
}

static enum pm_status add_mapping(struct pm_target *t, const char *p,
	const char *end, struct pm_error *err)
{
	struct pm_mapping m = {0};
	uint64_t size;
	/* Start, end, size, offset; permissions since GDB 12, not of cores. */
	if (!take_hex(&p, end, &m.start) || !take_hex(&p, end, &m.end) ||
		!take_hex(&p, end, &size) || !take_hex(&p, end, &m.offset))
		return PM_OK;
	if (m.end <= m.start ||
		(t->maps.len && m.start < t->maps.data[t->maps.len - 1].end))
		return PM_OK;
	m.flags = take_permissions(&p, end);
	while (p < end && isspace((unsigned char)*p))
		p++;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	pm_auto_free char *path = NULL;
	if (end > p) {
		path = strndup(p, (size_t)(end - p));
		if (!path)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		pm_native_name_mapping(&m, path);
	}
	if (!pm_vec_push(&t->maps, m))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (m.path)
		path = NULL; /* the target's now */
	if (!(m.flags & PM_MAP_SPECIAL)) {
		t->bytes_total += m.end - m.start;
		if (!m.flags || (m.flags & PM_MAP_READ))
			t->bytes_readable += m.end - m.start;
	}
	return PM_OK;
}

/* GDB knows only a core's file mappings, without permissions; ours are better,
   even if GDB is to read the bytes.  None: not an error. */
static bool copy_mappings(struct pm_target *t, const struct pm_host_facts *f)
{
	struct pm_error e;
	pm_auto_target n = NULL;
	enum pm_status s = PM_ABSENT;
	if (f->kind == PM_TARGET_LIVE)
		s = pm_native_open_process(f->pid, &n, &e);
	else if (f->kind == PM_TARGET_CORE)
		s = pm_native_open_core_with(
			f->core_path, f->sysroot, f->files, &n, &e);
	if (s != PM_OK)
		return false;
	pm_vec_each (m, &n->maps)
		if (pm_target_add_map(t, m, &e) != PM_OK) {
			pm_target_clear_maps(t);
			return false;
		}
	t->bytes_total = n->bytes_total;
	t->bytes_readable = n->bytes_readable;
	t->truncated = n->truncated;
	return true;
}

static enum pm_status parse_mappings(struct pm_target *t, const char *p,
	const char *end, struct pm_error *err)
{
	while (p && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *eol = nl ? nl : end;
		PM_TRY(add_mapping(t, p, eol, err));
		p = eol + 1;
	}
	return PM_OK;
}

enum pm_status pm_host_open(pm_host_read *read,
	const struct pm_host_facts *facts, const char *mappings, size_t len,
	struct pm_target **ret, struct pm_error *err)
{
	struct host_target *h = calloc(1, sizeof *h);
	if (!h)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_CLEANUP(pm_cleanup_target) struct pm_target *t = &h->t;
	t->ops = &host_ops;
	h->read = read;
	t->kind = facts->kind;
	t->pid = facts->pid;
	int n = facts->kind == PM_TARGET_CORE
			? asprintf(&t->name, "core %s", facts->core_path)
			: asprintf(&t->name, "%sprocess %d",
				  facts->kind == PM_TARGET_REMOTE ? "remote "
								  : "",
				  facts->pid);
	t->sysroot = strdup(facts->sysroot);
	if (n < 0)
		t->name = NULL;
	if (!t->name || !t->sysroot)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (!copy_mappings(t, facts))
		PM_TRY(parse_mappings(
			t, mappings, mappings ? mappings + len : NULL, err));
	*ret = pm_take(t);
	return PM_OK;
}
