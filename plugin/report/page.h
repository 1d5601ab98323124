/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A page of HTML that stands alone: nothing in it is fetched from anywhere, and
   nothing in it runs.  It is well-formed XML, too.  Text is any text: it is
   escaped here, and has been made printable before (strbuf.h). */
#ifndef PM_REPORT_PAGE_H
#define PM_REPORT_PAGE_H

#include "base/strbuf.h"

/* Appends text so that it is text, between tags and within attributes. */
void pm_html_escaped(struct pm_strbuf *b, const char *text, size_t len);

/* The beginning of the page; below the title, a line about it. */
void pm_page_begin(struct pm_strbuf *b, const char *title, const char *about);
/* Links to the sections: begin, one each, end. */
void pm_page_contents_begin(struct pm_strbuf *b);
void pm_page_contents_item(
	struct pm_strbuf *b, const char *id, const char *heading);
void pm_page_contents_end(struct pm_strbuf *b);
/* A section; how: the command that shows the same.  What a command shows with
   PM_EMIT_HTML goes in between. */
void pm_page_section_begin(struct pm_strbuf *b, const char *id,
	const char *heading, const char *how);
void pm_page_problem(struct pm_strbuf *b, const char *text);
void pm_page_section_end(struct pm_strbuf *b);
void pm_page_end(struct pm_strbuf *b);

#endif
