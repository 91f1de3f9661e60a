/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Variables before the clone, /etc/passwd after it: line by line through one buffer. No
 * getpwuid(3): that one allocates, and loads libraries that would be the container's.
 */

#include "sandbox/environment-private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"

#define HOME_PREFIX "HOME="
#define HOME_DEFAULT "/"

#define PASSWD_SIZE_MAX (1U << 20)
#define PASSWD_LINE_MAX 4096
#define FIELD_UID 2
#define FIELD_HOME 5

/* A line of /etc/passwd, as far as it fits. */
typedef struct Line {
    char text[PASSWD_LINE_MAX];
    size_t length;
    bool is_cut;
} Line;

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

void environment_plan(const RuntimeProcess *process, unsigned n_sockets, Environment *ret)
{
    StringList *variables = &ret->variables;
    bool has_home = false;

    for (size_t i = 0; i < process->env.count; i++) {
        const char *variable = process->env.items[i];

        if (strcmp(variable, HOME_PREFIX) == 0 ||
            (n_sockets > 0 &&
             (starts_with(variable, "LISTEN_FDS=") || starts_with(variable, "LISTEN_PID="))))
            continue;
        has_home |= starts_with(variable, HOME_PREFIX);
        string_list_add(variables, variable);
    }
    if (n_sockets > 0) {
        string_list_printf(variables, "LISTEN_FDS=%u", n_sockets);
        string_list_add(variables, "LISTEN_PID=1");
    }
    if (!has_home) {
        ret->home = memory_new(sizeof(HOME_PREFIX) + ENVIRONMENT_HOME_MAX, 1);
        memcpy(ret->home, HOME_PREFIX HOME_DEFAULT, sizeof(HOME_PREFIX HOME_DEFAULT));
        string_list_take(variables, ret->home);
    }
}

void environment_done(Environment *environment)
{
    string_list_done(&environment->variables);
    environment->home = NULL; /* it was one of them */
}

/* Cut the line at its colons, in place. Returns the field, NULL where the line has fewer. */
static char *find_field(char *line, unsigned number)
{
    for (char *next; number > 0; number--, line = next + 1) {
        next = strchr(line, ':');
        if (!next)
            return NULL;
    }
    line[strcspn(line, ":")] = '\0';
    return line;
}

/* Take the home directory of a line that is the user's. Returns true if it was. */
static bool take_line(Environment *environment, Line *line, uid_t uid)
{
    char *home, *number;
    uint32_t value;

    line->text[line->length] = '\0';
    if (line->is_cut)
        return false;
    home = find_field(line->text, FIELD_HOME); /* first: the other one ends the text earlier */
    number = find_field(line->text, FIELD_UID);
    if (!home || !number || parse_u32(number, &value) < 0 || value != uid)
        return false;
    if (*home)
        memcpy(environment->home + strlen(HOME_PREFIX), home, strlen(home) + 1);
    return true;
}

static void search(Environment *environment, int fd, uid_t uid)
{
    Line line = {};
    char data[PASSWD_LINE_MAX];

    for (size_t total = 0; total < PASSWD_SIZE_MAX;) {
        ssize_t n = fd_read_full(fd, data, sizeof(data));

        for (ssize_t i = 0; i < n; i++) {
            if (data[i] != '\n') {
                line.is_cut |= line.length == sizeof(line.text) - 1;
                if (!line.is_cut)
                    line.text[line.length++] = data[i];
                continue;
            }
            if (take_line(environment, &line, uid))
                return;
            line.length = 0;
            line.is_cut = false;
        }
        if (n < (ssize_t)sizeof(data))
            break;
        total += (size_t)n;
    }
    (void)take_line(environment, &line, uid); /* a last line without an end, or of nobody */
}

void environment_find_home(Environment *environment, int root_fd, uid_t uid)
{
    _cleanup_close_ int fd = -EBADF;
    struct stat st;

    if (!environment->home)
        return;
    /* O_NONBLOCK: the image may have put a pipe there that nobody ever writes to. */
    fd = path_open_in_root(root_fd, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        search(environment, fd, uid);
}
