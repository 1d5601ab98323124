# SPDX-License-Identifier: GPL-3.0-or-later
# configure CC=clang --enable-fuzzing --enable-asan --enable-ubsan; then
#   make fuzz FUZZ_SECONDS=600
# runs each target on its corpus, which it makes and keeps in the build tree.
fuzz_targets = \
	%D%/fuzz-core \
	%D%/fuzz-layout \
	%D%/fuzz-maps \
	%D%/fuzz-snapshot \
	%D%/fuzz-text
fuzz_ldflags = $(PM_LDFLAGS) -fsanitize=fuzzer
fuzz_ldadd = libpymortem.la $(PM_LIBS)

if FUZZING
noinst_PROGRAMS += $(fuzz_targets)
tests_fuzz_fuzz_core_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_core_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_layout_SOURCES = \
	%D%/fuzz-layout.c \
	tests/lib/mini-python.c \
	tests/lib/mini-python.h
# Flags of its own give it objects of its own: libtest.la has others.
tests_fuzz_fuzz_layout_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_layout_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_layout_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_maps_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_maps_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_snapshot_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_snapshot_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_text_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_text_LDADD = $(fuzz_ldadd)

FUZZ_SECONDS = 60
fuzz: $(fuzz_targets)
	for target in $(fuzz_targets); do \
		echo "$$target"; \
		$(MKDIR_P) $$target.corpus && \
		$$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
			-artifact_prefix=$$target. $$target.corpus \
			2>$$target.log || { tail -n 60 $$target.log; exit 1; }; \
		tail -n 1 $$target.log; \
	done
endif
.PHONY: fuzz
EXTRA_DIST += %D%/fuzz-core.c %D%/fuzz-layout.c \
	%D%/fuzz-maps.c %D%/fuzz-snapshot.c %D%/fuzz-text.c
