/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed in how CPython words a repr(), how line tables are coded and
   which objects the collector sees: the release that changed it, by name. */
#ifndef PM_LAYOUT_WORDING_H
#define PM_LAYOUT_WORDING_H

#include "layout/layout.h"

#define PM_WORDINGS(X)                                                         \
	X(TYPES_ARE_CLASSES, 0x300)   /* <class 'int'>, not <type 'int'> */    \
	X(SETS_IN_BRACES, 0x300)      /* {1}, not set([1]) */                  \
	X(TEXT_AS_IT_IS, 0x300)	      /* not ASCII with escapes (PEP 3138) */  \
	X(MODULE_SPECS, 0x304)	      /* __spec__ (PEP 451) */                 \
	X(QUALIFIED_FUNCTIONS, 0x303) /* by __qualname__ (PEP 3155) */         \
	X(SUBCLASSES_NAMED, 0x307)    /* of deque, count ... (bpo-27541) */    \
	X(ONE_ARGUMENT, 0x307)	      /* without a comma (bpo-30399) */        \
	X(TIMEDELTA_NAMED, 0x307)     /* days=1 (bpo-30302) */                 \
	X(EMPTY_SLOTS_COLLECTED, 0x308) /* instances of any class (3.8.x) */   \
	X(ARENA_KEPT, 0x309) /* of pymalloc, an empty one (bpo-37257) */       \
	X(NAMESPACE_IN_ORDER, 0x309)  /* not sorted any more (bpo-39075) */    \
	X(ODICT_AS_DICT, 0x30c)	      /* not as a list of pairs (gh-101446) */ \
	X(WEAKREF_QUALIFIED, 0x30d)   /* modules before names (gh-111696) */   \
	X(ALIAS_OF_NONE, 0x30e)	      /* list[None], not NoneType */           \
	X(GEN_YIELD_FROM, 0x30d)      /* a frame state more (gh-104018) */     \
	X(OBJECT_HAS_NO_NAME, 0x30f)  /* in reprs of its descriptors */        \
	X(PARTIAL_QUALIFIED, 0x30d)   /* module before its name */             \
	X(CALLER_NAMED, 0x30d)	      /* operator.methodcaller: its name is */ \
	X(CALLER_BARE, 0x30e)	      /* ... the first argument, no more */    \
	X(NAMELESS_FLAGS, 0x30b)      /* <Access: 0>, not <Access.0: 0> */     \
	X(FILEIO_CREATED, 0x303)      /* a bit before the others; closefd */   \
	X(BYTEARRAY_AS_BYTES, 0x30f)  /* ' only where it must be */            \
	X(TYPE_TUPLE_VARIANCE, 0x30f) /* of typing.TypeVarTuple */             \
	X(FILEIO_TRUNCATE, 0x30f)     /* a bit more before closefd */          \
	X(FUTURE_EXCEPTION_TB, 0x30a06f0) /* a word of it more (3.10.6) */     \
	X(LINES_BY_RANGE, 0x30a)    /* co_linetable for co_lnotab (PEP 626) */ \
	X(LINES_BY_POSITION, 0x30b) /* with columns (PEP 657) */

enum pm_wording {
#define X(name, since) PM_WORDING_##name,
	PM_WORDINGS(X)
#undef X
};

/* Is the target of the release that brought this, or later? */
bool pm_wording_is(const struct pm_layout *l, enum pm_wording w);

#endif
