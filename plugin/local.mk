# SPDX-License-Identifier: GPL-3.0-or-later
# libpymortem.la is everything but plugin/gdb: no symbol of GDB is in it, so
# tests, fuzzers and tools link it as it is.
noinst_LTLIBRARIES += libpymortem.la
libpymortem_la_SOURCES =

include plugin/base/local.mk
include plugin/target/local.mk
include plugin/malloc/local.mk
include plugin/layout/local.mk
include plugin/object/local.mk
include plugin/heap/local.mk
include plugin/query/local.mk
include plugin/graph/local.mk
include plugin/account/local.mk
include plugin/snapshot/local.mk
include plugin/trace/local.mk
include plugin/report/local.mk
include plugin/export/local.mk
include plugin/command/local.mk
include plugin/gdb/local.mk
