/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How large an object is, and which memory outside its own block it owns,
   from its bytes.  The hot path of every walk: works on bytes already read and
   asks the resolver only for what is elsewhere. */
#ifndef PM_OBJECT_MEASURE_H
#define PM_OBJECT_MEASURE_H

#include "object/dict.h"
#include "object/types.h"

enum pm_buffer_kind {
	PM_BUFFER_RAW,	  /* no references in it */
	PM_BUFFER_ITEMS,  /* count words, each a reference or NULL */
	PM_BUFFER_KEYS,	  /* dict keys object; references: its keys, and the
			     values of a combined table */
	PM_BUFFER_VALUES, /* values of a split table or an instance */
	PM_BUFFER_SET,	  /* count entries {key, hash} */
	PM_BUFFER_DEQUE,  /* first of a chain of count blocks of 64 items */
	PM_BUFFER_NODES,  /* first node of an OrderedDict's list of count */
};

struct pm_buffer {
	pm_addr addr; /* as the object points to it; may be inside its block */
	uint64_t bytes; /* asked from the allocator; of a chain: of one link */
	uint64_t count;
	enum pm_buffer_kind kind;
	bool shared; /* others refer to it too: not this object's alone */
};

#define PM_MAX_BUFFERS 4

struct pm_measure {
	uint64_t size;	 /* sys.getsizeof, pre-header included */
	uint64_t extent; /* bytes of its own block from the object's start on */
	unsigned nbuffers;
	struct pm_buffer buffers[PM_MAX_BUFFERS];
};

struct pm_keys_brief {
	uint64_t bytes, values_usable;
	int64_t refcnt;
};

/* Answers about memory elsewhere; false when it can't be read. */
struct pm_resolver {
	bool (*keys)(
		void *arg, pm_addr keys, bool split, struct pm_keys_brief *ret);
	bool (*word)(void *arg, pm_addr addr, unsigned size, uint64_t *ret);
	void *arg;
	/* Can so many bytes lie from addr on?  addr 0: anywhere, in pieces. */
	bool (*room)(const void *room_arg, pm_addr addr, uint64_t bytes);
	const void *room_arg;
};

/* That many bytes are believed without asking for room. */
#define PM_MEASURE_BELIEVED 512

/* obj: the object's first avail bytes; pre bytes before it are there too.
   PM_FAULT: something elsewhere could not be read, ret holds what is known.
   PM_CORRUPT: not an object of this type. */
PM_CHECKED enum pm_status pm_measure(const struct pm_layout *l,
	const struct pm_type *t, pm_addr addr, const unsigned char *obj,
	size_t avail, const struct pm_resolver *r, struct pm_measure *ret);

/* How many bytes of an object pm_measure needs at most. */
#define PM_MEASURE_HEAD 1024

/* A resolver over cached reads; arg of the functions is the struct. */
struct pm_plain_resolver {
	struct pm_resolver r;
	const struct pm_layout *l;
	struct pm_memory *m;
};
void pm_plain_resolver_init(struct pm_plain_resolver *p,
	const struct pm_layout *l, struct pm_memory *m);

/* Bytes of the state of the C module whose object's bytes are at obj.
   PyModuleDef.m_size stands behind PyModuleDef_Base, m_name and m_doc. */
PM_CHECKED bool pm_module_state_size(const struct pm_layout *l,
	const struct pm_resolver *r, const unsigned char *obj,
	uint64_t *ret_bytes);

/* The number of localsplus slots and stack entries of a code object. */
PM_CHECKED bool pm_code_slots(const struct pm_layout *l,
	const struct pm_resolver *r, pm_addr code, uint64_t *ret_slots);

#endif
