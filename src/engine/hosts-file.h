/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A container's /etc/hosts, of which some lines are ours and all others its own. */

#include "base/string-list.h"

/* What every one begins with. Free it. */
char *hosts_file_standard(void);

/* @text without the lines that equal one of @removed, and with @added, as far as they are not there
 * yet, at its end. Lines have no newline. Free it. */
char *hosts_file_edit(const char *text, const StringList *removed, const StringList *added);
