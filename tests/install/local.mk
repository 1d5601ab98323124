# SPDX-License-Identifier: GPL-3.0-or-later
TESTS += %D%/staged.tap
EXTRA_DIST += %D%/staged.tap
