/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A C++ exception, as GDB throws one for Ctrl-C through whoever reads. */
#ifndef TESTS_LIB_THROW_H
#define TESTS_LIB_THROW_H

#ifdef __cplusplus
extern "C" {
#endif

void throw_now(void);
/* Whether f(arg) ended by throw_now. */
int throw_caught(void (*f)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
