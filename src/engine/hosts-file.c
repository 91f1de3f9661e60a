/* SPDX-License-Identifier: Apache-2.0 */

/* hosts(5): lines that come and go with a container's networks. */

#include "engine/hosts-file.h"

#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"

char *hosts_file_standard(void)
{
    return memory_strdup("127.0.0.1\tlocalhost\n"
                         "::1\tlocalhost ip6-localhost ip6-loopback\n"
                         "fe00::\tip6-localnet\n"
                         "ff00::\tip6-mcastprefix\n"
                         "ff02::1\tip6-allnodes\n"
                         "ff02::2\tip6-allrouters\n");
}

static void add_line(StringBuffer *buffer, const char *line)
{
    string_buffer_add(buffer, line);
    string_buffer_add_char(buffer, '\n');
}

char *hosts_file_edit(const char *text, const StringList *removed, const StringList *added)
{
    _cleanup_string_buffer_ StringBuffer buffer = {};
    _cleanup_string_list_ StringList lines = {};

    string_list_split(&lines, text, '\n');
    if (lines.count > 0 && lines.items[lines.count - 1][0] == '\0')
        free(lines.items[--lines.count]); /* behind the last newline there is no line */
    for (size_t i = 0; i < lines.count; i++)
        if (!string_list_contains(removed, lines.items[i]))
            add_line(&buffer, lines.items[i]);
    for (size_t i = 0; i < added->count; i++)
        if (string_list_contains(removed, added->items[i]) ||
            !string_list_contains(&lines, added->items[i]))
            add_line(&buffer, added->items[i]);
    return string_buffer_take(&buffer);
}
