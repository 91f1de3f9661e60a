/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds layers of well-formed entries to the unpacking: a few names that lie in, beside and below
 * each other, marked deleted and opaque in any order. Each pair of bytes is an entry: its kind and
 * its name. What is deleted or opaque afterwards is what an entry marked so, and the marks
 * themselves are no files.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/worker/unpack.h"
#include "stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_ENTRIES 64
#define MARK ".wh."
#define OPAQUE ".wh..wh..opq"

static const char *const names[] = {
    "a",
    "a/b",
    "a/b/c",
    "a/b/c/d",
    "c",
    "l",
    "l/x",
    "a/l",
    ".wh.a",
    "a/.wh.b",
    "a/b/.wh.c",
    ".wh.c",
    ".wh.l",
    "l/.wh.x",
    "a/.wh.l",
    OPAQUE,
    "a/" OPAQUE,
    "a/b/" OPAQUE,
    "l/" OPAQUE,
    ".wh.",
    "a/.wh..",
    ".wh..wh.plnk",
    ".wh..wh.x/y",
    ".wh.a/b",
    "a/b/c/.wh.d",
    "./a/.wh.b",
    ".wh..wh..opq/x",
    "a/l/.wh..wh..opq",
    "c/.wh.x",
    "a//b",
};

static const struct {
    char type;
    const char *link;
} kinds[] = {
    { '0', "" }, { '5', "" },    { '2', "a" },   { '2', ".." }, { '2', "/" },
    { '3', "" }, { '1', "a/b" }, { '1', "l/x" }, { '6', "" },   { '1', "c" },
};

static const ImageLimits limits = {
    .max_bytes = 1 << 20,
    .max_entries = MAX_ENTRIES,
    .max_ratio = 100,
    .ratio_floor = 1 << 20,
    .max_path = 1000,
    .max_depth = 32,
    .max_xattr_bytes = 4096,
};

/* POSIX.1-2017, pax, "ustar Interchange Format" */
typedef struct Header {
    char name[100];
    char mode[8], uid[8], gid[8];
    char size[12], mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[8];
    char owner[32], group[32];
    char major[8], minor[8];
    char prefix[155];
    char padding[12];
} Header;
_Static_assert(sizeof(Header) == 512, "a block of tar");

static void make_header(const uint8_t *entry, Header *ret)
{
    size_t kind = entry[0] % ARRAY_SIZE(kinds);
    unsigned sum = 0;

    *ret = (Header) { .mode = "0000755",
                      .uid = "0000000",
                      .gid = "0000000",
                      .size = "00000000000",
                      .mtime = "00000000000",
                      .type = kinds[kind].type,
                      .major = "0000001",
                      .minor = "0000003" };
    memcpy(ret->magic,
           "ustar\0"
           "00",
           sizeof(ret->magic));
    snprintf(ret->name, sizeof(ret->name), "%s", names[entry[1] % ARRAY_SIZE(names)]);
    snprintf(ret->link, sizeof(ret->link), "%s", kinds[kind].link);
    memset(ret->checksum, ' ', sizeof(ret->checksum));
    for (size_t i = 0; i < sizeof(*ret); i++)
        sum += ((const uint8_t *)ret)[i];
    snprintf(ret->checksum, sizeof(ret->checksum), "%06o", sum);
}

static int make_layer(const uint8_t *data, size_t count)
{
    _cleanup_close_ int fd = memfd_create("layer", MFD_CLOEXEC);
    static const uint8_t end[1024];
    Header header;

    if (fd < 0)
        abort();
    for (size_t i = 0; i < count; i++) {
        make_header(data + 2 * i, &header);
        if (fd_write_all(fd, &header, sizeof(header)) < 0)
            abort();
    }
    if (fd_write_all(fd, end, sizeof(end)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        abort();
    return TAKE_FD(fd);
}

/* Is @directory/@name, or @directory itself where @name is the opaque mark, in the archive? */
static bool has_entry(const uint8_t *data, size_t count, const char *directory, const char *name)
{
    _cleanup_free_ char *wanted = memory_printf("/%s%s%s", directory, *directory ? "/" : "", name);

    for (size_t i = 0; i < count; i++) {
        _cleanup_free_ char *given =
            memory_printf("/%s", names[data[2 * i + 1] % ARRAY_SIZE(names)]);
        _cleanup_free_ char *clean = path_clean(given);

        if (strcmp(clean, wanted) == 0)
            return true;
    }
    return false;
}

static bool is_opaque(int fd)
{
    return fgetxattr(fd, "trusted.overlay.opaque", NULL, 0) > 0 ||
           fgetxattr(fd, "user.overlay.opaque", NULL, 0) > 0;
}

/* The directory @path at @fd (taken), @parent/@name, and all below it. */
static void check_tree(const uint8_t *data, size_t count, int fd, const char *parent,
                       const char *name)
{
    _cleanup_free_ char *path = memory_printf("%s%s%s", parent, *parent ? "/" : "", name);
    _cleanup_free_ char *hidden = memory_printf(MARK "%s", name);
    DIR *directory = fdopendir(fd);
    struct dirent *entry;
    struct stat st;

    if (!directory || (is_opaque(fd) && !has_entry(data, count, path, OPAQUE) &&
                       (*name == '\0' || !has_entry(data, count, parent, hidden))))
        abort();
    while ((entry = readdir(directory))) {
        _cleanup_free_ char *mark = memory_printf(MARK "%s", entry->d_name);

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (strncmp(entry->d_name, MARK, strlen(MARK)) == 0 ||
            fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            abort();
        if (S_ISCHR(st.st_mode) && st.st_rdev == 0 && !has_entry(data, count, path, mark))
            abort();
        if (S_ISDIR(st.st_mode))
            check_tree(data, count, openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                       path, entry->d_name);
    }
    (void)closedir(directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = size / 2 < MAX_ENTRIES ? size / 2 : MAX_ENTRIES;
    _cleanup_close_ int input_fd = make_layer(data, count);
    _cleanup_close_ int target_fd = stage_begin();
    _cleanup_unpack_result_ UnpackResult result = {};
    UnpackOptions options = {
        .input_fd = input_fd,
        .target_fd = target_fd,
        .blob_fd = -EBADF,
        .apply_whiteouts = true,
        .caller_finishes = true,
        .limits = &limits,
    };

    (void)unpack(&options, &result, NULL); /* whatever was made until it failed is checked, too */
    check_tree(data, count, openat(target_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", "");
    stage_end();
    return 0;
}
