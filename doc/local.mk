# SPDX-License-Identifier: GPL-3.0-or-later
# The chapter on commands and the manual page come from the rows of the
# commands, by a tool that links the library.
noinst_PROGRAMS += %D%/dump-commands
doc_dump_commands_LDFLAGS = $(PM_LDFLAGS)
doc_dump_commands_LDADD = libpymortem.la $(PM_LIBS)

doc_generated = %D%/commands.texi %D%/version.texi
doc_makeinfo = $(MAKEINFO) -I %D% -I $(srcdir)/%D% -o $@
manual_infodir = $(infodir)
if HAVE_MAKEINFO
manual_info_DATA = %D%/pymortem.info
endif
%D%/pymortem.info: %D%/manual.texi %D%/matrix.texi $(doc_generated)
	$(AM_V_GEN)$(doc_makeinfo) --no-split $(srcdir)/%D%/manual.texi
%D%/pymortem.html: %D%/manual.texi %D%/matrix.texi $(doc_generated)
	$(AM_V_GEN)$(doc_makeinfo) --html --no-split $(srcdir)/%D%/manual.texi
html-local: %D%/pymortem.html

%D%/commands.texi: %D%/dump-commands$(EXEEXT)
	$(AM_V_GEN)$(EMULATOR) %D%/dump-commands$(EXEEXT) texi >$@.new && mv $@.new $@
%D%/version.texi: $(top_srcdir)/configure.ac
	$(AM_V_GEN)$(MKDIR_P) %D% && echo '@set VERSION $(VERSION)' >$@

man_MANS = %D%/pymortem.7
man_parts = %D%/pymortem.7.in %D%/pymortem.7.end
%D%/pymortem.7: $(man_parts) %D%/dump-commands$(EXEEXT)
	$(AM_V_GEN){ cat $(srcdir)/%D%/pymortem.7.in && \
		$(EMULATOR) %D%/dump-commands$(EXEEXT) man && \
		cat $(srcdir)/%D%/pymortem.7.end; } | \
		$(SED) -e 's|@VERSION[@]|$(VERSION)|g' \
		-e 's|@pkgdatadir[@]|$(pkgdatadir)|g' \
		-e 's|@pkglibdir[@]|$(pkglibdir)|g' >$@.new && mv $@.new $@

EXTRA_DIST += $(man_parts) %D%/manual.texi %D%/matrix.texi
CLEANFILES += $(doc_generated) %D%/pymortem.7 %D%/pymortem.info \
	%D%/pymortem.html
