/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/throw.h"

namespace {
struct quit {};
}

void throw_now(void)
{
	throw quit();
}

int throw_caught(void (*f)(void *arg), void *arg)
{
	try {
		f(arg);
	} catch (const quit &) {
		return 1;
	}
	return 0;
}
