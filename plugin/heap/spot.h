/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lives at an address, wherever it points into: an object and its field,
   the buffer of an object, a block that is free or nobody's, parts of the
   allocator, of the interpreter, of a file, of a stack, or nothing.

   Objects and buffers are known from a finished walk.  Without one, what lies
   in a pool is told from the block alone, and .sure says whether that is a
   proof; objects and buffers elsewhere are not known then. */
#ifndef PM_HEAP_SPOT_H
#define PM_HEAP_SPOT_H

#include "heap/walk.h"
#include "malloc/malloc.h"
#include "object/frames.h"

/* X(name, "kind in JSON") */
#define PM_SPOTS(X)                                                            \
	X(NOTHING, "not mapped")                                               \
	X(OBJECT, "object")                                                    \
	X(BUFFER, "buffer")                                                    \
	X(FREE_BLOCK, "free block")                                            \
	X(HELD_BLOCK, "free list")                                             \
	X(DEAD_BLOCK, "dead object")                                           \
	X(BLOCK, "block")                                                      \
	X(POOL_HEADER, "pool header")                                          \
	X(POOL_REST, "pool")                                                   \
	X(FREE_POOL, "free pool")                                              \
	X(FRESH_POOL, "unused pool")                                           \
	X(BAD_POOL, "bad pool")                                                \
	X(ARENA, "arena")                                                      \
	X(ARENA_TABLE, "arena table")                                          \
	X(RUNTIME, "runtime")                                                  \
	X(INTERPRETER, "interpreter")                                          \
	X(THREAD, "thread")                                                    \
	X(FRAME, "frame")                                                      \
	X(SYMBOL, "symbol")                                                    \
	X(FILE, "file")                                                        \
	X(STACK, "stack")                                                      \
	X(CHUNK, "malloc chunk")                                               \
	X(MAPPING, "mapping")

enum pm_spot_kind {
#define X(name, text) PM_SPOT_##name,
	PM_SPOTS(X)
#undef X
};

struct pm_spot {
	enum pm_spot_kind kind;
	bool sure;
	pm_addr addr;
	pm_addr start; /* of the block or structure that holds it */
	uint64_t bytes;
	struct pm_object x; /* of OBJECT and BUFFER: whose it is */
	bool has_buffer;
	struct pm_buffer buffer;
	const struct pm_type *guess; /* of free and dead blocks, may be NULL */
	int64_t pool;		     /* -1: in none */
	int64_t arena;		     /* index in pools->arenas, or -1 */
	uint64_t number; /* of a table's entry, an interpreter, a thread */
	struct pm_stack_frame frame;
	const struct pm_mapping *mapping; /* may be NULL */
	const struct pm_module *module;	  /* may be NULL */
	const char *symbol;		  /* may be NULL */
	uint64_t symbol_offset;
	bool has_chunk; /* by pm_spot_take_chunk */
	struct pm_malloc_chunk chunk;
};

/* Needs the pools (pm_heap_pools). */
void pm_spot_find(struct pm_heap *h, pm_addr addr, struct pm_spot *ret);

/* The object that begins at addr.  Words within an object or a buffer may well
   look like another one: PM_CORRUPT, and what is there instead.  Reads the
   pools and free lists if need be; larger objects are known after a walk only.
 */
PM_CHECKED enum pm_status pm_spot_object(struct pm_heap *h, pm_addr addr,
	struct pm_object *ret, struct pm_error *err);

/* The place turned out to lie in this buffer of owner. */
void pm_spot_claim(struct pm_heap *h, const struct pm_object *owner,
	const struct pm_buffer *b, struct pm_spot *s);

/* Memory of the C library's malloc: what of it the place is in, too; what
   nothing else is known of, is that. */
void pm_spot_take_chunk(const struct pm_malloc *m, struct pm_spot *s);

/* The word for JSON. */
const char *pm_spot_kind_text(enum pm_spot_kind kind);

/* "[3]", "slot .name" of an object, else all that can be said: "free block of
   64 bytes; it last held a builtins.list (a guess)". */
void pm_spot_describe(
	struct pm_heap *h, const struct pm_spot *s, struct pm_strbuf *out);

#endif
