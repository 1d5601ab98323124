# SPDX-License-Identifier: GPL-3.0-or-later
# The script that loads the module, twice: one to use in the build tree, one to
# install.  They differ in where the module is.
nodist_pkgdata_DATA = gdbinit/install/pymortem.gdb
noinst_DATA = gdbinit/pymortem.gdb
EXTRA_DIST += %D%/pymortem.gdb.in
CLEANFILES += gdbinit/pymortem.gdb gdbinit/install/pymortem.gdb

gdbinit_script = $(srcdir)/gdbinit/pymortem.gdb.in
gdbinit/pymortem.gdb: $(gdbinit_script) Makefile
	$(AM_V_GEN)$(MKDIR_P) gdbinit && \
	$(SED) 's|@moduledir[@]|$(abs_builddir)/plugin/.libs|' \
		$(gdbinit_script) >$@
gdbinit/install/pymortem.gdb: $(gdbinit_script) Makefile
	$(AM_V_GEN)$(MKDIR_P) gdbinit/install && \
	$(SED) 's|@moduledir[@]|$(pkglibdir)|' $(gdbinit_script) >$@

# configure --with-gdb-init-dir: every GDB of this machine has the commands.
if INSTALL_GDB_INIT_DIR
INSTALL_DATA_HOOKS += install-gdb-init
UNINSTALL_HOOKS += uninstall-gdb-init
install-gdb-init:
	$(MKDIR_P) '$(DESTDIR)$(gdb_init_dir)'
	echo 'source $(pkgdatadir)/pymortem.gdb' \
		>'$(DESTDIR)$(gdb_init_dir)/pymortem.gdb'
uninstall-gdb-init:
	rm -f '$(DESTDIR)$(gdb_init_dir)/pymortem.gdb'
endif

# configure --with-gdb-auto-load-dir: GDB has them once it meets a Python: it
# looks there for the full name of each file of the program, with "-gdb.gdb".
if INSTALL_GDB_AUTO_LOAD_DIR
INSTALL_DATA_HOOKS += install-gdb-auto-load
UNINSTALL_HOOKS += uninstall-gdb-auto-load
gdb_pythons = for python in /usr/bin/python3.[0-9]* \
		/usr/lib/*/libpython3.[0-9]*.so.1.0; do \
	case $$python in *-config|*'*'*) continue;; esac; \
	test ! -L "$$python" || continue; \
	script='$(DESTDIR)$(gdb_auto_load_dir)'$$python-gdb.gdb
install-gdb-auto-load:
	@$(gdb_pythons); \
		echo "auto-load file $$script"; \
		$(MKDIR_P) "$${script%/*}" && \
		echo 'source $(pkgdatadir)/pymortem.gdb' >"$$script" || exit; \
	done
uninstall-gdb-auto-load:
	@$(gdb_pythons); rm -f "$$script"; done
endif
