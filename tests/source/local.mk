# SPDX-License-Identifier: GPL-3.0-or-later
TESTS += %D%/syntax-check.tap
EXTRA_DIST += %D%/syntax-check.tap
