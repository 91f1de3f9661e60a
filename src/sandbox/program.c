/* SPDX-License-Identifier: Apache-2.0 */

/*
 * execvp(3) as the container's user inside its root: the candidates are laid out before the clone,
 * the child only tries them.
 */

#include "sandbox/program-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *find_variable(const StringList *environment, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = environment->count; i > 0; i--) {
        const char *item = environment->items[i - 1];

        if (strncmp(item, name, length) == 0 && item[length] == '=')
            return item + length + 1;
    }
    return NULL;
}

void program_plan(const RuntimeProcess *process, StringList *ret)
{
    const char *name = process->args.items[0];
    const char *path = find_variable(&process->env, "PATH");
    _cleanup_string_list_ StringList directories = {};

    if (strchr(name, '/') || *name == '\0') {
        string_list_add(ret, name);
        return;
    }
    string_list_split(&directories, path ? path : DEFAULT_PATH, ':');
    for (size_t i = 0; i < directories.count; i++) {
        const char *directory = directories.items[i];

        /* An empty part of PATH is the working directory, for execvp(3) as for every shell. */
        string_list_printf(ret, "%s/%s", *directory ? directory : ".", name);
    }
}

static const struct {
    int errnum;
    const char *text;
} unusable[] = {
    { EACCES, "permission denied" },
    { EPERM, "operation not permitted" },
    { ENOEXEC, "exec format error" },
    { EISDIR, "is a directory" },
    { EINVAL, "invalid executable" },
    { ELIBBAD, "its interpreter is not executable" },
    { ETXTBSY, "text file busy" },
    { E2BIG, "argument list too long" },
    { ELOOP, "too many levels of symbolic links" },
    { ENAMETOOLONG, "file name too long" },
};

static int report_missing(const char *name, int errnum, Report *report)
{
    if (!strchr(name, '/'))
        return report_set(report, ERROR_PROGRAM_MISSING, "exec: \"", name,
                          "\": executable file not found in $PATH");
    return report_set(report, ERROR_PROGRAM_MISSING, "exec: \"", name,
                      "\": ", errnum == ENOTDIR ? "not a directory" : "no such file or directory");
}

static int report_failure(const char *name, int errnum, Report *report)
{
    for (size_t i = 0; i < ARRAY_SIZE(unusable); i++)
        if (unusable[i].errnum == errnum)
            return report_set(report, ERROR_PROGRAM_UNUSABLE, "exec: \"", name,
                              "\": ", unusable[i].text);
    return report_record(report, ERROR_SYSTEM, -errnum,
                         (const char *const[]) { "exec: \"", name, "\"", NULL });
}

/* What execve(2) leaves unsaid: which file of a script is missing, and what a directory is. */
static int refine_errno(const char *path, int errnum)
{
    struct stat st;

    if ((errnum != ENOENT && errnum != EACCES) || stat(path, &st) < 0)
        return errnum;
    if (errnum == ENOENT)
        return ENOPKG;
    return S_ISDIR(st.st_mode) ? EISDIR : errnum;
}

typedef struct Attempt {
    const RuntimeProcess *process;
    const Environment *environment; /* NULL: only look */
} Attempt;

/*
 * Whether execve(2) would take it, as far as its file tells: 0 or the errno. One that we cannot
 * look at may be there for the user (NFS).
 */
static int examine(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? errno : 0;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    return S_ISREG(st.st_mode) && st.st_mode & 0111 ? 0 : EACCES;
}

/* Returns 0 for a program that was found, or the errno; does not return where it is executed. */
static int attempt_one(const Attempt *attempt, const char *path)
{
    if (!attempt->environment)
        return examine(path);
    (void)execve(path, attempt->process->args.items, attempt->environment->variables.items);
    return refine_errno(path, errno);
}

static int attempt_all(const Attempt *attempt, const StringList *candidates, Report *report)
{
    const char *name = attempt->process->args.items[0];
    bool is_search = !strchr(name, '/');
    int result = ENOENT;

    for (size_t i = 0; i < candidates->count; i++) {
        const char *path = candidates->items[i];
        int errnum = attempt_one(attempt, path);

        if (errnum == 0)
            return 0;
        if (is_search && (errnum == ENOENT || errnum == ENOTDIR || errnum == EISDIR))
            continue;
        if (errnum == ENOPKG)
            return report_set(report, ERROR_PROGRAM_MISSING, "exec: \"", path,
                              "\": its interpreter is missing: no such file or directory");
        /* What must not be executed does not hide what may be, in a later directory. */
        result = errnum;
        if (errnum != EACCES)
            break;
    }

    return result == ENOENT || result == ENOTDIR ? report_missing(name, result, report)
                                                 : report_failure(name, result, report);
}

int program_find(const RuntimeProcess *process, const StringList *candidates, Report *report)
{
    return attempt_all(&(Attempt) { .process = process }, candidates, report);
}

int program_execute(const RuntimeProcess *process, const Environment *environment,
                    const StringList *candidates, Report *report)
{
    return attempt_all(&(Attempt) { process, environment }, candidates, report);
}
