/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of py-object. */
#ifndef PM_COMMAND_OBJECT_TABLES_H
#define PM_COMMAND_OBJECT_TABLES_H

#include "command/walking.h"
#include "object/object.h"

/* Every word by offset, width and name, then what is lost to its block. */
PM_CHECKED enum pm_status pm_show_fields(struct pm_run *r,
	const struct pm_object *x, const struct pm_measure *m,
	struct pm_error *err);
/* What the object holds under names; its status is of one object. */
PM_CHECKED enum pm_status pm_show_attributes(
	struct pm_run *r, const struct pm_object *x);
/* Memory outside its block that it owns. */
void pm_show_buffers(struct pm_run *r, const struct pm_measure *m);

#endif
