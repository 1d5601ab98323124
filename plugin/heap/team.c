/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/team.h"

#include <pthread.h>
#include <signal.h>

unsigned pm_team_size(bool parallel)
{
	return parallel && sysconf(_SC_NPROCESSORS_ONLN) > 1 ? PM_TEAM_MAX : 1;
}

struct member {
	struct pm_team *team;
	unsigned who;
};

static void work(struct pm_team *t, unsigned who)
{
	for (unsigned n = 1;; n++) {
		if (n % t->batch == 0 && pm_now() > t->deadline)
			return;
		size_t i = atomic_fetch_add(&t->next, 1);
		if (i >= t->total || !t->unit(t->arg, who, i))
			return;
	}
}

static void *member_main(void *arg)
{
	struct member *m = arg;
	work(m->team, m->who);
	return NULL;
}

bool pm_team_run(struct pm_team *t)
{
	pthread_t threads[PM_TEAM_MAX];
	struct member members[PM_TEAM_MAX];
	unsigned started = 0;
	if (t->total > atomic_load(&t->next) + 1)
		for (unsigned i = 1; i < t->size; i++) {
			sigset_t all, old;
			sigfillset(&all);
			pthread_sigmask(SIG_SETMASK, &all, &old);
			members[started] = (struct member){t, i};
			int e = pthread_create(&threads[started], NULL,
				member_main, &members[started]);
			pthread_sigmask(SIG_SETMASK, &old, NULL);
			started += e == 0;
		}
	work(t, 0);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return atomic_load(&t->next) >= t->total;
}

void pm_team_progress(
	const struct pm_team *t, uint64_t *ret_done, uint64_t *ret_total)
{
	/* Each thread takes a number more than there are. */
	size_t next = atomic_load(&t->next);
	*ret_total = t->total;
	*ret_done = next < t->total ? next : t->total;
}
