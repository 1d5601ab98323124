# SPDX-License-Identifier: GPL-3.0-or-later
# Macros of configure.ac, so that it reads as a list of facts.

# PM_ARG_FEATURE(NAME, HELP): --enable-NAME, off by default.
AC_DEFUN([PM_ARG_FEATURE],
[AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [],
  [enable_$1=no])])

# PM_ARG_DIR(NAME, DEFAULT, HELP): --with-NAME[=DIR], off by default; given
# without a folder it is DEFAULT.  Sets the AC_SUBST variable and conditional
# of that name in C spelling.
AC_DEFUN([PM_ARG_DIR],
[m4_pushdef([pm_var], [m4_translit([$1], [-a-z], [_a-z])])dnl
AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1@<:@=DIR@:>@],
  [$3 @<:@$2@:>@])], [], [with_]pm_var[=no])
AS_CASE([$with_]pm_var, [yes], [with_]pm_var[=$2], [no|/*], [],
  [AC_MSG_ERROR([--with-$1 wants an absolute folder name])])
AC_SUBST(pm_var, [$with_]pm_var)
AM_CONDITIONAL([INSTALL_]m4_translit([$1], [-a-z], [_A-Z]),
  [test "$with_]pm_var[" != no])
m4_popdef([pm_var])])

# PM_WITH_FLAG(VARIABLE, FLAG, PROGRAM, IF-OK, IF-NOT): tries FLAG with
# warnings as errors, which is how clang tells of a flag it ignores.
AC_DEFUN([PM_WITH_FLAG],
[AC_MSG_CHECKING([whether $CC takes $2])
pm_saved_$1=$$1
$1="$$1 $2 -Werror"
AC_LINK_IFELSE([AC_LANG_SOURCE([$3])], [pm_flag_ok=yes], [pm_flag_ok=no])
$1=$pm_saved_$1
AC_MSG_RESULT([$pm_flag_ok])
AS_IF([test $pm_flag_ok = yes], [$4], [$5])])

AC_DEFUN([PM_TRY_CFLAG],
[PM_WITH_FLAG([CFLAGS], [$1], [int main(void) { return 0; }],
  [PM_CFLAGS="$PM_CFLAGS $1"], [])])

AC_DEFUN([PM_REQUIRE_CFLAG],
[PM_WITH_FLAG([CFLAGS], [$1], [int main(void) { return 0; }],
  [PM_CFLAGS="$PM_CFLAGS $1"],
  [AC_MSG_ERROR([$CC does not take $1; m4_default([$2],
    [use gcc or clang])])])])

AC_DEFUN([PM_REQUIRE_SANITIZER],
[PM_WITH_FLAG([CFLAGS], [$1], [int main(void) { return 0; }],
  [PM_CFLAGS="$PM_CFLAGS $1" PM_LDFLAGS="$PM_LDFLAGS $1"],
  [AC_MSG_ERROR([$CC cannot build and link with $1])])])

AC_DEFUN([PM_TRY_MODULE_LDFLAG],
[PM_WITH_FLAG([LDFLAGS], [-shared -fPIC $1], [int pm_f(void) { return 0; }],
  [PM_MODULE_LDFLAGS="$PM_MODULE_LDFLAGS $1"], [])])

# Threads: -pthread where it is needed; glibc 2.34 and musl have them in libc.
AC_DEFUN([AX_PM_THREADS],
[AC_SEARCH_LIBS([pthread_create], [pthread], [],
  [AC_MSG_ERROR([no POSIX threads])])])

# PM_REQUIRE_LIB(NAME, LIB, STATIC-NEEDS, HEADER, EXPRESSION, DEBIAN-PACKAGE)
# Appends to PM_LIBS.  An archive is preferred when it can go into a shared
# object: users load the module into any GDB of the machine, so it should
# need few libraries.  The archive may need others (STATIC-NEEDS, those that
# exist are tried), which are taken as archives as well if possible.
AC_DEFUN([PM_REQUIRE_LIB],
[AC_CHECK_HEADER([$4], [], [AC_MSG_ERROR([
*** $4 of $1 was not found (Debian: apt install $6)])])
AC_MSG_CHECKING([how to link $1])
pm_how=
pm_saved_LIBS=$LIBS pm_saved_LDFLAGS=$LDFLAGS
LDFLAGS="$LDFLAGS -shared -fPIC -Wl,-Bsymbolic -Wl,-z,defs"
pm_try="-l$2"
AS_IF([test "$enable_static_deps" = yes || test "$2" = iberty],
  [pm_try="-l:lib$2.a"
   m4_foreach_w([pm_need], [$3],
     [pm_try="$pm_try|-l:lib$2.a -l:lib[]pm_need.a|-l:lib$2.a -l[]pm_need"
     ])
   pm_try="$pm_try|-l:lib$2.a[]m4_foreach_w([pm_need], [$3],
     [ -l:lib[]pm_need.a])|-l$2"])
pm_saved_IFS=$IFS; IFS='|'
for pm_one in $pm_try; do
  IFS=$pm_saved_IFS
  AS_IF([test -z "$pm_how"],
    [LIBS="$pm_one $pm_saved_LIBS"
     AC_LINK_IFELSE([AC_LANG_SOURCE([
#include <stddef.h>
#include <$4>
int pm_f(void);
int pm_f(void) { $5; return 0; }])], [pm_how=$pm_one])])
done
IFS=$pm_saved_IFS
LIBS=$pm_saved_LIBS LDFLAGS=$pm_saved_LDFLAGS
AC_MSG_RESULT([${pm_how:-not found}])
AS_IF([test -z "$pm_how"], [AC_MSG_ERROR([
*** $1 cannot be linked into a shared object (Debian: apt install $6)])])
PM_LIBS="$PM_LIBS $pm_how"
AS_CASE([$pm_how], [*.a*], [pm_linkage="$pm_linkage $1 (static)"],
  [pm_linkage="$pm_linkage $1 (shared)"])])
