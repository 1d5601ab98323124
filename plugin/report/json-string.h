/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings of JSON, for whoever writes a document piece by piece. */
#ifndef PM_REPORT_JSON_STRING_H
#define PM_REPORT_JSON_STRING_H

#include "base/strbuf.h"

/* Appends text with its quotes; bytes that are no UTF-8 become \xNN. */
void pm_json_string(struct pm_strbuf *out, const char *text, size_t len);

#endif
