/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long it takes to do nothing but copy a target's memory: what the
   benchmarks compare with.

	read-floor [-c CHUNK] [-n TIMES] PID|CORE [RANGES]

   RANGES is a file of lines START-END in hex; without it, all private
   writable memory that has no file.  A process is copied by process_vm_readv,
   a core by pread of where these ranges are in it, CHUNK bytes (1 MiB) at a
   time into one buffer.  Prints bytes, best and median seconds of TIMES (5)
   runs.  It shares no code with what it is compared with. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct range {
	uint64_t start, end;
	uint64_t offset; /* in the core */
};

struct list {
	struct range *data;
	size_t len;
};

static void die(const char *what)
{
	fprintf(stderr, "read-floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void add(struct list *l, struct range r)
{
	l->data = realloc(l->data, (l->len + 1) * sizeof r);
	if (!l->data)
		die("realloc");
	l->data[l->len++] = r;
}

static FILE *open_text(const char *path)
{
	FILE *f = fopen(path, "r");
	if (!f)
		die(path);
	return f;
}

static void read_ranges(struct list *l, const char *path)
{
	FILE *f = open_text(path);
	struct range r = {0};
	while (fscanf(f, "%" SCNx64 "-%" SCNx64, &r.start, &r.end) == 2)
		add(l, r);
	fclose(f);
}

static void read_maps(struct list *l, int pid)
{
	char path[64], line[8192], perms[5];
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *f = open_text(path);
	while (fgets(line, sizeof line, f)) {
		struct range r = {0};
		unsigned long inode;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %lu",
			    &r.start, &r.end, perms, &inode) == 4 &&
			!strcmp(perms, "rw-p") && !inode)
			add(l, r);
	}
	fclose(f);
}

static void read_segments(struct list *l, int fd)
{
	Elf64_Ehdr e;
	Elf64_Shdr first;
	if (pread(fd, &e, sizeof e, 0) != sizeof e ||
		memcmp(e.e_ident, ELFMAG, SELFMAG) ||
		e.e_ident[EI_CLASS] != ELFCLASS64) {
		errno = ENOEXEC;
		die("core");
	}
	size_t n = e.e_phnum;
	if (n == PN_XNUM && pread(fd, &first, sizeof first, (off_t)e.e_shoff) ==
				    sizeof first)
		n = first.sh_info;
	for (size_t i = 0; i < n; i++) {
		Elf64_Phdr p;
		off_t at = (off_t)(e.e_phoff + i * sizeof p);
		if (pread(fd, &p, sizeof p, at) != sizeof p)
			die("core");
		if (p.p_type == PT_LOAD && p.p_filesz)
			add(l, (struct range){p.p_vaddr, p.p_vaddr + p.p_filesz,
				       p.p_offset});
	}
}

/* The parts of want that the core has, with their place in it. */
static struct list intersect(const struct list *want, const struct list *have)
{
	struct list l = {0};
	for (size_t i = 0; i < want->len; i++) {
		for (size_t k = 0; k < have->len; k++) {
			struct range w = want->data[i], h = have->data[k];
			uint64_t s = w.start > h.start ? w.start : h.start;
			uint64_t e = w.end < h.end ? w.end : h.end;
			if (s < e)
				add(&l, (struct range){s, e,
						h.offset + (s - h.start)});
		}
	}
	return l;
}

static ssize_t copy(int pid, int fd, const struct range *r, uint64_t at,
	void *buf, size_t n)
{
	if (fd >= 0)
		return pread(fd, buf, n, (off_t)(r->offset + (at - r->start)));
	struct iovec local = {buf, n}, remote = {(void *)(uintptr_t)at, n};
	return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static uint64_t run(
	int pid, int fd, const struct list *l, char *buf, size_t chunk)
{
	uint64_t total = 0;
	for (size_t i = 0; i < l->len; i++) {
		const struct range *r = &l->data[i];
		for (uint64_t at = r->start; at < r->end;) {
			size_t n = r->end - at < chunk ? (size_t)(r->end - at)
						       : chunk;
			ssize_t got = copy(pid, fd, r, at, buf, n);
			if (got <= 0)
				break;
			total += (uint64_t)got;
			at += (uint64_t)got;
		}
	}
	return total;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	size_t chunk = 1 << 20;
	int times = 5, opt, fd = -1;
	struct list l = {0};
	while ((opt = getopt(argc, argv, "c:n:")) != -1) {
		if (opt == 'c')
			chunk = strtoul(optarg, NULL, 0);
		else if (opt == 'n')
			times = atoi(optarg);
		else
			return 2;
	}
	if (optind >= argc || !chunk || times < 1) {
		fprintf(stderr, "usage: read-floor [-c CHUNK] [-n TIMES] "
				"PID|CORE [RANGES]\n");
		return 2;
	}
	char *end;
	int pid = (int)strtol(argv[optind], &end, 10);
	if (*end && (fd = open(argv[optind], O_RDONLY | O_CLOEXEC)) < 0)
		die(argv[optind]);
	if (optind + 1 < argc)
		read_ranges(&l, argv[optind + 1]);
	else if (fd < 0)
		read_maps(&l, pid);
	if (fd >= 0) {
		struct list have = {0};
		read_segments(&have, fd);
		struct list both = l.len ? intersect(&l, &have) : have;
		l = both;
	}
	char *buf = malloc(chunk);
	double *seconds = calloc((size_t)times, sizeof *seconds);
	if (!buf || !seconds)
		die("malloc");
	memset(buf, 1, chunk);
	uint64_t bytes = 0;
	for (int i = 0; i < times; i++) {
		double start = now();
		bytes = run(pid, fd, &l, buf, chunk);
		seconds[i] = now() - start;
	}
	qsort(seconds, (size_t)times, sizeof *seconds, compare);
	printf("%" PRIu64 " %.6f %.6f\n", bytes, seconds[0],
		seconds[times / 2]);
	return !bytes;
}
