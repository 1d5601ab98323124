/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/page.h"

#include <string.h>

/* Classes .t, .w and .l0 to .l6 are those of pictures. */
static const char style[] =
	":root{color-scheme:light "
	"dark;--ink:#1d2126;--paper:#fff;--soft:#5b6570;"
	"--line:#d8dde3;--band:#f4f6f8;--warn:#8a4b00;--warnband:#fff4e0;"
	"--link:#0b57a4}\n"
	"@media "
	"(prefers-color-scheme:dark){:root{--ink:#e4e8ec;--paper:#15181c;"
	"--soft:#9aa5b1;--line:#343b43;--band:#1e2329;--warn:#ffc878;"
	"--warnband:#3a2b12;--link:#8cc4ff}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:1rem;max-width:78rem;color:var(--ink);"
	"background:var(--paper);font:15px/1.45 system-ui,sans-serif}\n"
	"h1{font-size:1.35rem;margin:0 0 .25rem;overflow-wrap:anywhere}\n"
	"h2{font-size:1.1rem;margin:0}\n"
	".about,.how{color:var(--soft);margin:0 0 "
	".5rem;overflow-wrap:anywhere}\n"
	".how{font:12px ui-monospace,monospace}\n"
	"a{color:var(--link)}\n"
	"nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:.5rem 0;"
	"border-bottom:1px solid var(--line)}\n"
	"section{margin:1.5rem 0;padding-top:.25rem}\n"
	"pre{margin:.5rem 0;font:12.5px/1.5 ui-monospace,monospace;"
	"white-space:pre-wrap;overflow-wrap:anywhere}\n"
	".wide{overflow-x:auto;margin:.5rem 0}\n"
	"table{border-collapse:collapse;font-size:13px;"
	"font-variant-numeric:tabular-nums}\n"
	"th,td{padding:.2rem .6rem;text-align:left;vertical-align:top;"
	"border-bottom:1px solid var(--line)}\n"
	"th{position:sticky;top:0;background:var(--band);font-weight:600;"
	"white-space:nowrap}\n"
	".num{text-align:right;white-space:nowrap}\n"
	"td:last-child{overflow-wrap:anywhere;min-width:12rem}\n"
	"tr.total td{font-weight:600;background:var(--band)}\n"
	".problem{color:var(--warn);background:var(--warnband);"
	"padding:.5rem .75rem;border-radius:4px;overflow-wrap:anywhere}\n"
	"svg{max-width:100%;height:auto}\n"
	"@media (max-width:40rem){body{padding:.6rem;font-size:14px}"
	"th,td{padding:.2rem .4rem}}\n"
	"@media print{body{max-width:none;padding:0;font-size:10pt}"
	"nav{display:none}.wide{overflow:visible}table{font-size:8pt}"
	"pre{font-size:8pt}tr,svg{break-inside:avoid}h2{break-after:avoid}"
	"td{overflow-wrap:anywhere}th{position:static}}\n";

void pm_html_escaped(struct pm_strbuf *b, const char *text, size_t len)
{
	const char *from = text, *end = text + len;
	for (const char *p = text; p < end; p++) {
		const char *as = *p == '<'    ? "&lt;"
				 : *p == '>'  ? "&gt;"
				 : *p == '&'  ? "&amp;"
				 : *p == '"'  ? "&quot;"
				 : *p == '\'' ? "&#39;"
					      : NULL;
		if (!as)
			continue;
		pm_strbuf_append(b, from, (size_t)(p - from));
		pm_strbuf_puts(b, as);
		from = p + 1;
	}
	pm_strbuf_append(b, from, (size_t)(end - from));
}

static void put(struct pm_strbuf *b, const char *begin, const char *text,
	const char *end)
{
	pm_strbuf_puts(b, begin);
	pm_html_escaped(b, text, strlen(text));
	pm_strbuf_puts(b, end);
}

void pm_page_begin(struct pm_strbuf *b, const char *title, const char *about)
{
	pm_strbuf_puts(b,
		"<!DOCTYPE html>\n"
		"<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
		"<meta http-equiv=\"Content-Security-Policy\" "
		"content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
		"<meta name=\"viewport\" "
		"content=\"width=device-width, initial-scale=1\"/>\n"
		"<meta name=\"generator\" content=\"pymortem\"/>\n");
	put(b, "<title>", title, "</title>\n<style>\n");
	pm_strbuf_puts(b, style);
	put(b, "</style></head>\n<body>\n<header><h1>", title, "</h1>\n");
	put(b, "<p class=\"about\">", about, "</p></header>\n");
}

void pm_page_contents_begin(struct pm_strbuf *b)
{
	pm_strbuf_puts(b, "<nav>");
}

void pm_page_contents_item(
	struct pm_strbuf *b, const char *id, const char *heading)
{
	put(b, "<a href=\"#", id, "\">");
	put(b, "", heading, "</a> ");
}

void pm_page_contents_end(struct pm_strbuf *b)
{
	pm_strbuf_puts(b, "</nav>\n<main>\n");
}

void pm_page_section_begin(struct pm_strbuf *b, const char *id,
	const char *heading, const char *how)
{
	put(b, "<section id=\"", id, "\">\n");
	put(b, "<h2>", heading, "</h2>\n");
	put(b, "<p class=\"how\">", how, "</p>\n");
}

void pm_page_problem(struct pm_strbuf *b, const char *text)
{
	put(b, "<p class=\"problem\">", text, "</p>\n");
}

void pm_page_section_end(struct pm_strbuf *b)
{
	pm_strbuf_puts(b, "</section>\n");
}

void pm_page_end(struct pm_strbuf *b)
{
	pm_strbuf_puts(b, "</main>\n</body></html>\n");
}
