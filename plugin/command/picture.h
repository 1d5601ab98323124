/* SPDX-License-Identifier: GPL-3.0-or-later */
/* -dot FILE and -svg FILE: what py-refs, py-backrefs and py-path show, drawn:
   level by level, so that what is near is there when it must be cut. */
#ifndef PM_COMMAND_PICTURE_H
#define PM_COMMAND_PICTURE_H

#include "base/map.h"
#include "command/neighbours.h"
#include "graph/expression.h"
#include "report/dot.h"

#define PM_PICTURE_OPTIONS                                                     \
	{.name = "dot",                                                        \
		.type = PM_ARG_FILE,                                           \
		.value = "FILE",                                               \
		.help = "Also write a picture of it, for graphviz's dot."},    \
	{                                                                      \
		.name = "svg", .type = PM_ARG_FILE, .value = "FILE",           \
		.help = "Also draw it, when graphviz is there."                \
	}

struct pm_graphviz;

struct pm_drawing {
	struct pm_neighbourhood h;
	uint64_t deepest;
	struct pm_picture picture;
	PM_VEC(pm_addr) objects; /* of the picture's nodes; 0: none */
	struct pm_map by_addr;	 /* to the node, plus 1 */
	struct pm_neighbours level;
	uint32_t at;	 /* the node that is opened */
	uint64_t closed; /* objects that are not opened, for want of room */
	uint64_t drawn;
	bool searched;
	struct pm_strbuf dot;
	struct pm_graphviz *job;
};

/* Is a picture asked for? */
bool pm_drawing_wanted(const struct pm_run *r);
/* Before work begins: is what it takes there? */
PM_CHECKED enum pm_status pm_drawing_check(
	const struct pm_run *r, struct pm_error *err);

/* Of the surroundings of r->addr. */
void pm_drawing_init(struct pm_drawing *d, const struct pm_neighbourhood *h,
	uint64_t deepest);
/* Of the paths that were found; nothing is looked for then. */
PM_CHECKED enum pm_status pm_drawing_paths(struct pm_drawing *d,
	struct pm_run *r, struct pm_path_job *job, struct pm_vias *vias,
	struct pm_error *err);
/* *ret_done: the files are written, the result is said. */
PM_CHECKED enum pm_status pm_drawing_step(
	struct pm_drawing *d, bool *ret_done, struct pm_error *err);
void pm_drawing_deinit(struct pm_drawing *d);

#endif
