# SPDX-License-Identifier: GPL-3.0-or-later
# For developers: nothing here is needed to build or to use pymortem.
EXTRA_DIST += maint/syntax-check maint/lint

# The rules of HACKING that a machine can check.
syntax-check: libpymortem.la
	PM_LIBRARY=.libs/libpymortem.a $(top_srcdir)/maint/syntax-check $(top_srcdir)

# Generated rows are formatted by their generator.
format-check:
	@cd $(top_srcdir) && find plugin tests doc -name '*.[ch]' \
		! -path '*/rows/*' | sort | \
		xargs '$(CLANG_FORMAT)' --dry-run -Werror
format:
	@cd $(top_srcdir) && find plugin tests doc -name '*.[ch]' \
		! -path '*/rows/*' | sort | xargs '$(CLANG_FORMAT)' -i

# Any finding fails.
lint:
	CPPCHECK='$(CPPCHECK)' SHELLCHECK='$(SHELLCHECK)' \
		$(top_srcdir)/maint/lint

# Bare Debian in ./.testbed: a stranger's ./demo and ./run-tests.
newcomer:
	$(top_srcdir)/tests/newcomer

.PHONY: syntax-check format-check format lint newcomer
