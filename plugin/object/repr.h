/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bounded repr() of an object, from outside: as Python prints it for builtin
   types, "<name object at 0x...>" for others.  Never fails: what can't be read
   is said in place. */
#ifndef PM_OBJECT_REPR_H
#define PM_OBJECT_REPR_H

#include "base/strbuf.h"
#include "object/object.h"

/* limit: characters, about; a longer one ends in "...". */
void pm_repr(const struct pm_objects *o, pm_addr addr, size_t limit,
	struct pm_strbuf *out);

#endif
