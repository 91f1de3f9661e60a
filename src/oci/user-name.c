/* SPDX-License-Identifier: Apache-2.0 */

/* /etc/passwd alone: getpwuid(3) would load libraries, which a static program must not. */

#include "oci/user-name.h"

#include <pwd.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/memory.h"

static void file_closep(FILE **file)
{
    if (*file)
        (void)fclose(*file); /* it was only read */
}

char *user_name_of(uid_t uid)
{
    _cleanup_(file_closep) FILE *file = fopen("/etc/passwd", "re");
    const struct passwd *entry;

    while (file && (entry = fgetpwent(file)))
        if (entry->pw_uid == uid)
            return memory_strdup(entry->pw_name);
    return memory_printf("#%u", uid);
}
