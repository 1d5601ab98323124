# SPDX-License-Identifier: GPL-3.0-or-later
TESTS += %D%/check-docs.tap
EXTRA_DIST += %D%/check-docs.tap
