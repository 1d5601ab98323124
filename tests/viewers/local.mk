# SPDX-License-Identifier: GPL-3.0-or-later
# What py-heap-export writes in the programs it is for: memlab, Chromium.  Not in
# the default run; NODE_PATH=FOLDER/node_modules (viewers.tap says what of).
viewer_tests = %D%/viewers.tap
EXTRA_DIST += %D%/viewers.tap %D%/memlab.js %D%/devtools.js

check-viewers: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(viewer_tests)'
.PHONY: check-viewers
