/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/* The name of the user @uid in /etc/passwd, or "#1000" for one who is not there; free it. */
char *user_name_of(uid_t uid);
