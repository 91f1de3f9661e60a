/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stable suite is three repositories: itself, its updates, its security updates. Each is looked
 * for where the host gets it; the two others need not exist (sid has none). The state of a
 * repository is the "Date" of its InRelease file.
 */

#include "image/debian-archive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/process.h"

#define APT_HELPER "/usr/lib/apt/apt-helper"
#define OUTPUT_MAX_SIZE (4 * 1024 * 1024)
#define RELEASE_FILE "InRelease"
#define SUITE_MAX_LENGTH 64
#define MIRROR_MAX_LENGTH 1024

static const struct {
    const char *suffix; /* of the suite's name */
    bool is_required;
} repositories[] = {
    { "", true },
    { "-updates", false },
    { "-security", false },
};

/* What the host's administrator decided about reaching and trusting mirrors. */
static const char *const inherited_options[] = {
    "Acquire::http::",     "Acquire::https::", "Acquire::ForceIPv", "Acquire::Check-Valid-Until",
    "Acquire::Check-Date", "Acquire::Retries",
};

void debian_archive_done(DebianArchive *archive)
{
    string_list_done(&archive->sources);
    string_list_done(&archive->apt_options);
    free(archive->architecture);
    *archive = (DebianArchive) {};
}

typedef struct ProgramOutput {
    int status; /* exit code */
    char *out;
    char *err;
} ProgramOutput;

static void program_output_done(ProgramOutput *output)
{
    free(output->out);
    free(output->err);
}

static int read_memory_file(int fd, char **ret)
{
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    return fd_read_all(fd, OUTPUT_MAX_SIZE, ret, NULL);
}

/* Run one of apt's programs to its end. Files in memory take the output: nothing can block. */
static int run(const char *const *arguments, ProgramOutput *ret, Error *err)
{
    _cleanup_close_ int out_fd = memfd_create("output", MFD_CLOEXEC);
    _cleanup_close_ int err_fd = memfd_create("errors", MFD_CLOEXEC);
    _cleanup_process_ Process process = PROCESS_INIT;
    SpawnOptions options = { .program = arguments[0],
                             .search = true,
                             .arguments = arguments,
                             .stdio = { -EBADF, out_fd, err_fd },
                             .die_with_parent = true };
    int r, status;

    if (out_fd < 0 || err_fd < 0)
        return error_errno(err, "run '%s'", arguments[0]);
    r = process_spawn(&options, &process, err);
    if (r == -ENOENT)
        return error_set(err, ERROR_UNAVAILABLE,
                         "a base image is made with apt, and '%s' is not installed: "
                         "use a Debian host, or import a root file system",
                         arguments[0]);
    if (r < 0)
        return r;
    r = process_wait(&process, &status);
    if (r < 0)
        return error_result(err, r, "run '%s'", arguments[0]);
    ret->status = process_status_to_code(status);
    r = read_memory_file(out_fd, &ret->out);
    if (r == 0)
        r = read_memory_file(err_fd, &ret->err);
    return r < 0 ? error_result(err, r, "read the output of '%s'", arguments[0]) : 0;
}

static int check_suite(const char *suite, Error *err)
{
    size_t length = strlen(suite);

    if (length == 0 || length > SUITE_MAX_LENGTH || suite[0] == '-' || suite[0] == '.' ||
        strspn(suite, "abcdefghijklmnopqrstuvwxyz0123456789.-") != length)
        return error_set(err, ERROR_INVALID, "invalid suite '%.80s': say 'bookworm' or the like",
                         suite);
    return 0;
}

/* It becomes part of the image, and of a line that blanks and brackets have a meaning in. */
static int check_mirror(const char *mirror, Error *err)
{
    static const char *const schemes[] = { "http://", "https://" };
    size_t length = strlen(mirror);
    bool is_known = false;

    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
        is_known |= strncmp(mirror, schemes[i], strlen(schemes[i])) == 0;
    if (!is_known)
        return error_set(err, ERROR_INVALID,
                         "invalid mirror '%.80s': it must begin with http:// or https://", mirror);
    for (size_t i = 0; i < length; i++)
        if (mirror[i] <= ' ' || mirror[i] > '~' || strchr("\"'`$\\[]{}|<>#", mirror[i]))
            return error_set(err, ERROR_INVALID,
                             "invalid mirror '%.80s': a character does not belong into a URL",
                             mirror);
    if (length > MIRROR_MAX_LENGTH)
        return error_set(err, ERROR_INVALID, "invalid mirror: longer than %d characters",
                         MIRROR_MAX_LENGTH);
    if (strchr(mirror, '@'))
        return error_set(err, ERROR_INVALID,
                         "a mirror with a password would put it into the image: "
                         "write it into /etc/apt/auth.conf instead");
    return 0;
}

/*
 * Where this host's apt gets @suite or, when it gets another one only, the repository of that with
 * the same @suffix: a mirror has them all. The caller frees it; NULL when apt knows neither.
 */
static char *host_mirror(const char *targets, const char *suite, const char *suffix)
{
    _cleanup_string_list_ StringList lines = {};
    const char *other = NULL;

    string_list_split(&lines, targets, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        size_t length = strcspn(line, " "), name = strcspn(line, "- ");

        if (line[length] != ' ' || check_mirror(line + length + 1, NULL) < 0)
            continue;
        if (strlen(suite) == length && strncmp(line, suite, length) == 0)
            return memory_strdup(line + length + 1);
        if (!other && strlen(suffix) == length - name &&
            strncmp(line + name, suffix, length - name) == 0)
            other = line + length + 1;
    }
    return memory_strdup(other);
}

/* "E: Failed to fetch URL  Reason" -> "Reason"; the caller frees it. */
static char *failure_reason(const char *errors)
{
    const char *line = strstr(errors, "E: ");
    const char *reason = line ? strstr(line, "  ") : NULL;

    if (!line)
        return memory_strdup("apt failed");
    reason = reason ? reason + strspn(reason, " ") : line + 3;
    return memory_strndup(reason, strcspn(reason, "\n"));
}

static int parse_date(const char *text, int64_t *ret)
{
    const char *date = strstr(text, "\nDate: ");
    struct tm tm = {};
    const char *end;

    if (!date)
        return -EINVAL;
    end = strptime(date + strlen("\nDate: "), "%a, %d %b %Y %H:%M:%S UTC", &tm);
    if (!end || *end != '\n')
        return -EINVAL;
    *ret = (int64_t)timegm(&tm);
    return 0;
}

/*
 * Fetch the InRelease file of @suite at @uri; *ret_state gets its date. Returns 1, or 0 when the
 * mirror does not have the suite.
 */
static int fetch_state(const char *uri, const char *suite, int scratch_fd, int64_t *ret_state,
                       Error *err)
{
    _cleanup_(program_output_done) ProgramOutput output = {};
    _cleanup_free_ char *url = memory_printf("%s/dists/%s/" RELEASE_FILE, uri, suite);
    _cleanup_free_ char *path =
        memory_printf("/proc/%d/fd/%d/" RELEASE_FILE, (int)getpid(), scratch_fd);
    /* The download's directory is closed to apt's own user; what is fetched is only a date. */
    const char *arguments[] = { APT_HELPER, "-oAPT::Sandbox::User=root", "download-file", url, path,
                                NULL };
    _cleanup_free_ char *reason = NULL;
    _cleanup_free_ char *text = NULL;
    int r;

    (void)unlinkat(scratch_fd, RELEASE_FILE, 0); /* of the repository before */
    r = run(arguments, &output, err);
    if (r < 0)
        return r;
    if (output.status != 0) {
        reason = failure_reason(output.err);
        if (strncmp(reason, "404", 3) == 0) /* apt has no other way to say it */
            return 0;
        return error_set(err, ERROR_UNAVAILABLE, "cannot reach the mirror '%s': %s", uri, reason);
    }
    r = file_read_at(scratch_fd, RELEASE_FILE, OUTPUT_MAX_SIZE, &text, NULL);
    if (r < 0)
        return error_result(err, r, "read '%s'", url);
    if (parse_date(text, ret_state) < 0)
        return error_set(err, ERROR_CORRUPT, "'%s' has no date", url);
    return 1;
}

static char *without_slash(const char *uri)
{
    size_t length = strlen(uri);

    while (length > 0 && uri[length - 1] == '/')
        length--;
    return memory_strndup(uri, length);
}

typedef struct Probe {
    const DebianArchiveOptions *options;
    const char *targets; /* "release uri" of all of Debian's that the host's apt knows */
    DebianArchive *archive;
} Probe;

/* Add the repository @index of the suite, if it is there. */
static int probe_repository(const Probe *probe, size_t index, Error *err)
{
    const char *mirror = probe->options->mirror;
    _cleanup_free_ char *suite =
        memory_printf("%s%s", probe->options->suite, repositories[index].suffix);
    _cleanup_free_ char *host = host_mirror(probe->targets, suite, repositories[index].suffix);
    _cleanup_free_ char *uri = NULL;
    int64_t state = 0;
    int r;

    if (!mirror && !host)
        return repositories[index].is_required
                   ? error_set(err, ERROR_UNAVAILABLE,
                               "apt on this host knows no Debian archive: name one with --mirror")
                   : 0;
    uri = without_slash(mirror ? mirror : host);
    r = fetch_state(uri, suite, probe->options->scratch_fd, &state, err);
    if (r < 0)
        return r;
    if (r == 0 && repositories[index].is_required)
        return error_set(err, ERROR_NOT_FOUND, "no such suite: '%s' is not at '%s'", suite, uri);
    if (r == 0)
        return 0;
    string_list_printf(&probe->archive->sources, "deb %s %s main", uri, suite);
    if (state > probe->archive->state)
        probe->archive->state = state;
    return 0;
}

/* The first line of what a program prints; the caller frees it. Fails where the program does. */
static int ask(const char *const *arguments, char **ret, Error *err)
{
    _cleanup_(program_output_done) ProgramOutput output = {};
    int r = run(arguments, &output, err);

    if (r < 0)
        return r;
    if (output.status != 0)
        return error_set(err, ERROR_UNAVAILABLE, "'%s' failed: %.*s", arguments[0],
                         (int)strcspn(output.err, "\n"), output.err);
    *ret = TAKE_PTR(output.out);
    return 0;
}

static int read_host(DebianArchive *archive, char **ret_targets, Error *err)
{
    static const char *const targets[] = { "apt-get",
                                           "indextargets",
                                           "--format",
                                           "$(RELEASE) $(REPO_URI)",
                                           "Created-By: Packages",
                                           "Origin: Debian",
                                           NULL };
    static const char *const options[] = { "apt-config", "dump",        "--no-empty",
                                           "--format",   "%f \"%v\"%n", NULL };
    static const char *const architecture[] = { "dpkg", "--print-architecture", NULL };
    _cleanup_string_list_ StringList lines = {};
    _cleanup_free_ char *dump = NULL;
    int r;

    r = ask(targets, ret_targets, err);
    if (r < 0)
        return r;
    r = ask(architecture, &archive->architecture, err);
    if (r < 0)
        return r;
    archive->architecture[strcspn(archive->architecture, "\n")] = '\0';
    r = ask(options, &dump, err);
    if (r < 0)
        return r;
    string_list_split(&lines, dump, '\n');
    for (size_t i = 0; i < lines.count; i++)
        for (size_t j = 0; j < ARRAY_SIZE(inherited_options); j++)
            if (strncmp(lines.items[i], inherited_options[j], strlen(inherited_options[j])) == 0)
                string_list_add(&archive->apt_options, lines.items[i]);
    return 0;
}

int debian_archive_probe(const DebianArchiveOptions *options, DebianArchive *ret, Error *err)
{
    _cleanup_debian_archive_ DebianArchive archive = {};
    _cleanup_free_ char *targets = NULL;
    Probe probe = { .options = options, .archive = &archive };
    int r;

    r = check_suite(options->suite, err);
    if (r < 0)
        return r;
    if (options->mirror) {
        r = check_mirror(options->mirror, err);
        if (r < 0)
            return r;
    }
    r = read_host(&archive, &targets, err);
    if (r < 0)
        return r;
    probe.targets = targets;
    for (size_t i = 0; i < ARRAY_SIZE(repositories); i++) {
        /* a mirror that was named holds one archive, and security updates are another */
        if (options->mirror && !repositories[i].is_required)
            continue;
        r = probe_repository(&probe, i, err);
        if (r < 0)
            return r;
    }
    *ret = archive;
    archive = (DebianArchive) {};
    return 0;
}
