# SPDX-License-Identifier: GPL-3.0-or-later
live_tests += %D%/layout.tap
EXTRA_DIST += %D%/layout.tap
