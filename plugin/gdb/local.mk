# SPDX-License-Identifier: GPL-3.0-or-later
# The module that users load.  It lives in a foreign process, so it exports
# two symbols, binds its own first (GDB exports xmalloc and obstacks),
# resolves all at once and is never unmapped.
pkglib_LTLIBRARIES += plugin/pymortem.la
plugin_pymortem_la_SOURCES = \
	%D%/bridge.c \
	%D%/channel.c \
	%D%/channel.h \
	%D%/debug-info.c \
	%D%/debug-info.h \
	%D%/facts.c \
	%D%/facts.h \
	%D%/host.c \
	%D%/host.h \
	%D%/operand.c \
	%D%/operand.h \
	%D%/progress.c \
	%D%/progress.h \
	%D%/request.c \
	%D%/request.h \
	%D%/response.c \
	%D%/response.h \
	%D%/script.c \
	%D%/script.h
plugin_pymortem_la_LDFLAGS = $(PM_LDFLAGS) -module -avoid-version -shared \
	-Wl,--version-script=$(top_srcdir)/%D%/exports.map $(PM_MODULE_LDFLAGS)
plugin_pymortem_la_LIBADD = libpymortem.la $(PM_LIBS)
EXTRA_plugin_pymortem_la_DEPENDENCIES = %D%/exports.map
EXTRA_DIST += %D%/exports.map

# Nobody links a GDB module: the .la file would only be in the way.
INSTALL_DATA_HOOKS += remove-module-la
UNINSTALL_HOOKS += remove-module
remove-module-la: install-pkglibLTLIBRARIES
	rm -f $(DESTDIR)$(pkglibdir)/pymortem.la
remove-module:
	rm -f $(DESTDIR)$(pkglibdir)/pymortem.so
.PHONY: remove-module-la remove-module
