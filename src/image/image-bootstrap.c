/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmdebstrap does the work; this file decides what it sees. Its clock is the state of the archive,
 * its environment and locale are fixed, and what it copies from the host (host name, resolver, apt
 * options) is taken out again before the tar is written, so that only the archive shows.
 *
 * All its scratch files lie in a staging directory whose lock it inherits: if everything is killed
 * half-way, the next one who stages something clears them away.
 */

#include "image/image-bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/process.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "image/debian-archive.h"
#include "image/image-import-private.h"
#include "image/platform.h"

#define DEFAULT_SUITE "bookworm"
#define TAR_FILE "rootfs.tar"
#define LINE_MAX_LENGTH 4096
#define PACKAGE_MAX_LENGTH 128

/* The root of the new system is $1; what the image's apt shall read comes by the environment. */
#define CLEAN_HOOK                                                                                 \
    "rm -f \"$1/etc/hostname\" \"$1/etc/resolv.conf\" \"$1/etc/apt/apt.conf.d/99mmdebstrap\" "     \
    "\"$1\"/etc/apt/sources.list.d/*; printf '%s\\n' \"$CAY_APT_SOURCES\" "                        \
    ">\"$1/etc/apt/sources.list\""

typedef struct Bootstrap {
    ImageStore *store;
    const ImageBootstrapOptions *options;
    const char *suite;
    DebianArchive archive;
    ContentStaging *staging;
    char *scratch; /* path of the staging directory */
    char *failure; /* the first error that mmdebstrap printed */
} Bootstrap;

static void bootstrap_done(Bootstrap *bootstrap)
{
    debian_archive_done(&bootstrap->archive);
    if (bootstrap->staging)
        content_staging_free(bootstrap->staging);
    free(bootstrap->scratch);
    free(bootstrap->failure);
}

static void tell(const Bootstrap *bootstrap, const char *line)
{
    if (bootstrap->options->progress)
        bootstrap->options->progress(bootstrap->options->progress_data, line);
}

/* A name, perhaps with ":architecture", "=version" or "/suite"; nothing that apt takes for more. */
static int check_packages(const StringList *packages, Error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789+.:~=/-";

    for (size_t i = 0; packages && i < packages->count; i++) {
        const char *name = packages->items[i];
        size_t length = strlen(name);

        if (length == 0 || length > PACKAGE_MAX_LENGTH || !strchr(allowed, name[0]) ||
            strchr("+.:~=/-", name[0]) || strspn(name, allowed) != length)
            return error_set(err, ERROR_INVALID, "invalid package name '%.80s'", name);
    }
    return 0;
}

/* Programs need a path where we have a handle; only our own state lies there. */
static int find_scratch(Bootstrap *bootstrap, Error *err)
{
    char link[32], path[PATH_MAX];
    ssize_t length =
        readlink(path_of_fd(link, content_staging_fd(bootstrap->staging)), path, sizeof(path) - 1);

    if (length < 0)
        return error_errno(err, "find the staging directory");
    path[length] = '\0';
    bootstrap->scratch = memory_strdup(path);
    return 0;
}

static void add_arguments(const Bootstrap *bootstrap, StringList *arguments)
{
    const StringList *packages = bootstrap->options->include;
    const DebianArchive *archive = &bootstrap->archive;

    string_list_add(arguments, "mmdebstrap");
    string_list_add(arguments, "--variant=minbase");
    string_list_add(arguments, "--format=tar");
    string_list_add(arguments, geteuid() == 0 ? "--mode=root" : "--mode=unshare");
    string_list_printf(arguments, "--customize-hook=%s", CLEAN_HOOK);
    for (size_t i = 0; i < archive->apt_options.count; i++)
        string_list_printf(arguments, "--aptopt=%s", archive->apt_options.items[i]);
    for (size_t i = 0; packages && i < packages->count; i++)
        string_list_printf(arguments, "--include=%s", packages->items[i]);
    string_list_add(arguments, bootstrap->suite);
    string_list_add(arguments, "-");
    for (size_t i = 0; i < archive->sources.count; i++)
        string_list_add(arguments, archive->sources.items[i]);
}

/* What the user's network needs; all else is fixed. */
static void add_environment(const Bootstrap *bootstrap, StringList *environment)
{
    static const char *const inherited[] = { "http_proxy", "https_proxy", "no_proxy",
                                             "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY" };
    _cleanup_free_ char *sources = string_list_join(&bootstrap->archive.sources, "\n");

    string_list_add(environment,
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    string_list_add(environment, "HOME=/root");
    string_list_add(environment, "LC_ALL=C.UTF-8");
    string_list_add(environment, "TZ=UTC");
    string_list_add(environment, "DEBIAN_FRONTEND=noninteractive");
    string_list_printf(environment, "TMPDIR=%s", bootstrap->scratch);
    string_list_printf(environment, "SOURCE_DATE_EPOCH=%lld", (long long)bootstrap->archive.state);
    string_list_printf(environment, "CAY_APT_SOURCES=%s", sources);
    for (size_t i = 0; i < ARRAY_SIZE(inherited); i++) {
        const char *value = getenv(inherited[i]);

        if (value)
            string_list_printf(environment, "%s=%s", inherited[i], value);
    }
}

/* What mmdebstrap is doing that takes time; the rest of what it says is its own business. */
static const char *const stages[] = {
    "running apt-get update",        "downloading packages",          "extracting archives",
    "installing essential packages", "installing remaining packages", "creating tarball",
};

/* "I: extracting archives..." is progress, the first "E: " is what went wrong. */
static void take_line(Bootstrap *bootstrap, const char *line)
{
    if (strncmp(line, "I: ", 3) == 0) {
        for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
            if (strncmp(line + 3, stages[i], strlen(stages[i])) == 0)
                tell(bootstrap, stages[i]);
    } else if (strncmp(line, "E: ", 3) == 0 && !bootstrap->failure) {
        bootstrap->failure = memory_strdup(line + 3);
    }
}

static void take_output(Bootstrap *bootstrap, StringBuffer *pending, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n' && pending->length < LINE_MAX_LENGTH) {
            string_buffer_add_char(pending, data[i] ? data[i] : ' ');
        } else if (data[i] == '\n') {
            take_line(bootstrap, string_buffer_get(pending));
            string_buffer_done(pending);
        }
    }
}

/* Until the program has ended: something it left running may hold the pipe for longer. */
static int follow_output(Bootstrap *bootstrap, int fd, const Process *process, Error *err)
{
    _cleanup_string_buffer_ StringBuffer pending = {};
    struct pollfd polled[] = { { .fd = fd, .events = POLLIN },
                               { .fd = process->pidfd, .events = POLLIN } };
    char data[4096];
    ssize_t n;

    for (;;) {
        if (poll(polled, ARRAY_SIZE(polled), -1) < 0) {
            if (errno == EINTR)
                continue;
            return error_errno(err, "wait for mmdebstrap");
        }
        if (polled[0].revents == 0)
            return 0; /* ended, and nothing more to read */
        n = read(fd, data, sizeof(data));
        if (n < 0 && errno != EINTR)
            return error_errno(err, "read what mmdebstrap says");
        if (n == 0)
            return 0;
        if (n > 0)
            take_output(bootstrap, &pending, data, (size_t)n);
    }
}

/* Start mmdebstrap; its root file system goes to @tar_fd, what it says can be read from *ret_fd. */
static int spawn(Bootstrap *bootstrap, int tar_fd, Process *ret, int *ret_fd, Error *err)
{
    int staging_fd = content_staging_fd(bootstrap->staging);
    _cleanup_string_list_ StringList arguments = {};
    _cleanup_string_list_ StringList environment = {};
    _cleanup_close_ int read_fd = -EBADF;
    _cleanup_close_ int write_fd = -EBADF;
    SpawnOptions options;
    int pipe_fds[2];
    int r;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_errno(err, "make a pipe");
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    add_arguments(bootstrap, &arguments);
    add_environment(bootstrap, &environment);
    options = (SpawnOptions) { .program = "mmdebstrap",
                               .search = true,
                               .arguments = (const char *const *)arguments.items,
                               .environment = (const char *const *)environment.items,
                               .stdio = { -EBADF, tar_fd, write_fd },
                               .fds = &staging_fd,
                               .n_fds = 1,
                               .new_mounts = true };
    r = process_spawn(&options, ret, err);
    if (r == -ENOENT)
        return error_set(err, ERROR_UNAVAILABLE,
                         "mmdebstrap is not installed: install the package 'mmdebstrap'");
    if (r < 0)
        return r;
    *ret_fd = TAKE_FD(read_fd);
    return 0;
}

static int run_mmdebstrap(Bootstrap *bootstrap, int tar_fd, Error *err)
{
    _cleanup_process_ Process process = PROCESS_INIT;
    _cleanup_close_ int output_fd = -EBADF;
    int r, status;

    r = spawn(bootstrap, tar_fd, &process, &output_fd, err);
    if (r < 0)
        return r;
    r = follow_output(bootstrap, output_fd, &process, err);
    if (r < 0)
        return r;
    r = process_wait(&process, &status);
    if (r < 0)
        return error_result(err, r, "wait for mmdebstrap");
    if (process_status_to_code(status) != 0)
        return error_set(err, ERROR_UNAVAILABLE, "mmdebstrap failed: %s",
                         bootstrap->failure ? bootstrap->failure : "it did not say why");
    if (lseek(tar_fd, 0, SEEK_SET) < 0)
        return error_errno(err, "read what mmdebstrap made");
    return 0;
}

static int make_config(const Bootstrap *bootstrap, ImageConfig *config, Error *err)
{
    _cleanup_free_ char *created_by = NULL;
    _cleanup_free_ char *packages = NULL;
    _cleanup_platform_ Platform platform = {};
    int r;

    r = platform_parse(bootstrap->archive.architecture, &platform, err);
    if (r < 0)
        return r;
    config->os = TAKE_PTR(platform.os);
    config->architecture = TAKE_PTR(platform.architecture);
    config->variant = TAKE_PTR(platform.variant);
    config->created = time_to_rfc3339(bootstrap->archive.state * NANOSECONDS_PER_SECOND);
    string_list_add(&config->config.environment,
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    string_list_add(&config->config.command, "bash");

    packages = bootstrap->options->include ? string_list_join(bootstrap->options->include, ",")
                                           : memory_strdup("");
    created_by = memory_printf("mmdebstrap --variant=minbase%s%s %s",
                               *packages ? " --include=" : "", packages, bootstrap->suite);
    image_config_add_history(config, created_by, NULL);
    return 0;
}

static int probe(Bootstrap *bootstrap, Error *err)
{
    _cleanup_free_ char *line = NULL;
    DebianArchiveOptions options = { .suite = bootstrap->suite,
                                     .mirror = bootstrap->options->mirror,
                                     .scratch_fd = content_staging_fd(bootstrap->staging) };
    int r = debian_archive_probe(&options, &bootstrap->archive, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < bootstrap->archive.sources.count; i++) {
        free(line);
        line = memory_printf("from %s", bootstrap->archive.sources.items[i] + strlen("deb "));
        tell(bootstrap, line);
    }
    return 0;
}

static int import(Bootstrap *bootstrap, int tar_fd, Digest *ret_id, Error *err)
{
    _cleanup_image_config_ ImageConfig config = {};
    RootfsSource source = { .staging = bootstrap->staging,
                            .fd = tar_fd,
                            .reference = bootstrap->options->reference };
    int r = make_config(bootstrap, &config, err);

    if (r < 0)
        return r;
    tell(bootstrap, "unpacking the image");
    return image_import_rootfs(bootstrap->store, &source, &config, ret_id, err);
}

static int bootstrap_locked(ImageStore *store, const ImageBootstrapOptions *options, Digest *ret_id,
                            Error *err)
{
    _cleanup_(bootstrap_done) Bootstrap bootstrap = {
        .store = store, .options = options, .suite = options->suite ? options->suite : DEFAULT_SUITE
    };
    _cleanup_close_ int lock_fd = -EBADF;
    _cleanup_close_ int tar_fd = -EBADF;
    int r;

    if (options->reference && digest_is_set(&options->reference->digest))
        return error_set(err, ERROR_INVALID, "a new image cannot be named by a digest");
    r = check_packages(options->include, err);
    if (r < 0)
        return r;
    r = content_store_lock(image_store_content(store), CONTENT_LOCK_ADD, true, &lock_fd, err);
    if (r < 0)
        return r;
    r = content_staging_begin(image_store_content(store), &bootstrap.staging, err);
    if (r < 0)
        return r;
    r = find_scratch(&bootstrap, err);
    if (r < 0)
        return r;
    r = probe(&bootstrap, err);
    if (r < 0)
        return r;
    r = content_staging_create(bootstrap.staging, TAR_FILE, &tar_fd, err);
    if (r < 0)
        return r;
    r = run_mmdebstrap(&bootstrap, tar_fd, err);
    if (r < 0)
        return error_wrap(err, r, "bootstrap '%s'", bootstrap.suite);
    return import(&bootstrap, tar_fd, ret_id, err);
}

int image_bootstrap(ImageStore *store, const ImageBootstrapOptions *options, Digest *ret_id,
                    Error *err)
{
    int r = bootstrap_locked(store, options, ret_id, err);

    /* Layers that came to nothing, here or where one was killed. While others add, it waits. */
    (void)image_store_collect(store, false, NULL);
    return r;
}
