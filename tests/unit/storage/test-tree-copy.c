/* SPDX-License-Identifier: Apache-2.0 */

/* Copies of trees: what is kept, what is replaced, what is refused, and what a racer gets. */

#include "check.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "scratch.h"
#include "storage/tree-copy.h"

#define MEBIBYTE (1 << 20)
#define DEEP_LEVELS 3000 /* beyond PATH_MAX and any usual RLIMIT_NOFILE */
#define ROUNDS 500
#define FIRST_ID 100000 /* of a user namespace, on the host */
#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define CAPABILITY "security.capability"

static const TreeCopyOptions as_it_is = { .flags = TREE_COPY_OWNERS };

/* "source" and "target" in the scratch directory. */
typedef struct Trees {
    int fd;
    int source_fd;
    int target_fd;
} Trees;

static void trees_done(Trees *trees)
{
    fd_close(trees->source_fd);
    fd_close(trees->target_fd);
}

static Trees trees_open(void **state)
{
    Trees trees = { .fd = ((Scratch *)*state)->fd };

    trees.source_fd = path_open_directory(trees.fd, "source", 0755);
    trees.target_fd = path_open_directory(trees.fd, "target", 0755);
    assert_true(trees.source_fd >= 0 && trees.target_fd >= 0);
    return trees;
}
#define _cleanup_trees_ _cleanup_(trees_done)

static void copy_with(const Trees *trees, const TreeCopyOptions *options)
{
    _cleanup_error_ Error error = {};

    if (tree_copy(trees->source_fd, trees->target_fd, options, &error) < 0)
        fail_msg("%s", error_message(&error));
}

static void copy(const Trees *trees)
{
    copy_with(trees, &as_it_is);
}

static struct stat status_of(int dir_fd, const char *path)
{
    struct stat status;

    assert_return_code(fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW), errno);
    return status;
}

static void assert_content(int dir_fd, const char *path, const char *expected)
{
    _cleanup_free_ char *text = scratch_read(dir_fd, path);

    assert_non_null(text);
    assert_string_equal(text, expected);
}

static void set_attribute(int dir_fd, const char *path, const char *name, const void *value,
                          size_t size)
{
    _cleanup_close_ int fd = path_open_beneath(dir_fd, path, O_RDONLY, 0);

    assert_return_code(fsetxattr(fd, name, value, size, 0), errno);
}

/* Returns its size or -1. */
static ssize_t get_attribute(int dir_fd, const char *path, const char *name, void *value,
                             size_t size)
{
    _cleanup_close_ int fd = path_open_beneath(dir_fd, path, O_RDONLY, 0);

    return fgetxattr(fd, name, value, size);
}

static void each_type_is_copied_with_mode_owner_and_times(void **state)
{
    const char *const names[] = { "file", "suid", "link", "fifo", "device", "socket", "dir" };
    const struct timespec times[] = { { 1000000000, 123456789 }, { 1234567890, 987654321 } };
    _cleanup_trees_ Trees trees = trees_open(state);

    scratch_write(trees.source_fd, "file", "text");
    scratch_write(trees.source_fd, "suid", "text");
    assert_return_code(symlinkat("nowhere/at all", trees.source_fd, "link"), errno);
    assert_return_code(mknodat(trees.source_fd, "fifo", S_IFIFO | 0600, 0), errno);
    assert_return_code(mknodat(trees.source_fd, "device", S_IFCHR | 0600, makedev(1, 3)), errno);
    assert_return_code(mknodat(trees.source_fd, "socket", S_IFSOCK | 0600, 0), errno);
    scratch_mkdir(trees.source_fd, "dir", 0755);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        assert_return_code(fchownat(trees.source_fd, names[i], i + 1, i + 2, AT_SYMLINK_NOFOLLOW),
                           errno);
        if (i != 2)
            assert_return_code(fchmodat(trees.source_fd, names[i], i == 1 ? 06751 : 01642, 0),
                               errno);
        assert_return_code(utimensat(trees.source_fd, names[i], times, AT_SYMLINK_NOFOLLOW), errno);
    }
    copy(&trees);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct stat source = status_of(trees.source_fd, names[i]);
        struct stat target = status_of(trees.target_fd, names[i]);

        assert_int_equal(target.st_mode, source.st_mode);
        assert_int_equal(target.st_uid, source.st_uid);
        assert_int_equal(target.st_gid, source.st_gid);
        assert_int_equal(target.st_rdev, source.st_rdev);
        assert_int_equal(target.st_size, source.st_size);
        assert_memory_equal(&target.st_mtim, &times[1], sizeof(times[1]));
    }
    assert_content(trees.target_fd, "file", "text");
}

static void the_directory_itself_is_copied_with_its_properties(void **state)
{
    const struct timespec times[] = { { 1, 2 }, { 3, 4 } };
    _cleanup_trees_ Trees trees = trees_open(state);
    struct stat target;

    scratch_write(trees.source_fd, "file", "text");
    assert_return_code(fchown(trees.source_fd, 5, 6), errno);
    assert_return_code(fchmod(trees.source_fd, 02750), errno);
    assert_return_code(futimens(trees.source_fd, times), errno);
    copy(&trees);
    target = status_of(trees.target_fd, ".");
    assert_int_equal(target.st_mode & 07777, 02750);
    assert_int_equal(target.st_uid, 5);
    assert_int_equal(target.st_gid, 6);
    assert_int_equal(target.st_mtim.tv_sec, 3);
}

static void nothing_of_the_process_is_changed_afterwards(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    mode_t mask = umask(027);
    struct stat made;

    scratch_write(trees.source_fd, "file", "text");
    assert_return_code(fchmodat(trees.source_fd, "file", 0666, 0), errno);
    assert_return_code(fchownat(trees.source_fd, "file", 7, 8, 0), errno);
    copy(&trees);
    assert_int_equal(status_of(trees.target_fd, "file").st_mode & 07777, 0666);
    assert_return_code(mkdirat(trees.fd, "made", 0777), errno);
    made = status_of(trees.fd, "made");
    assert_int_equal(umask(mask), 027);
    assert_int_equal(made.st_uid, 0);
    assert_int_equal(made.st_gid, 0);
}

static void holes_stay_holes(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int fd = openat(trees.source_fd, "sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    _cleanup_close_ int copied_fd = -EBADF;
    char text[8] = "";
    struct stat target;

    assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
    assert_int_equal(pwrite(fd, "middle", 6, (off_t)512 * MEBIBYTE), 6);
    assert_return_code(ftruncate(fd, (off_t)1024 * MEBIBYTE), errno);
    copy(&trees);
    target = status_of(trees.target_fd, "sparse");
    assert_int_equal(target.st_size, (off_t)1024 * MEBIBYTE);
    assert_true(target.st_blocks < 2048);
    copied_fd = openat(trees.target_fd, "sparse", O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(copied_fd, text, 6, (off_t)512 * MEBIBYTE), 6);
    assert_string_equal(text, "middle");
    assert_int_equal(pread(copied_fd, text, 5, 0), 5);
    assert_memory_equal(text, "begin", 5);
}

static void a_large_file_is_copied_whole(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int fd = openat(trees.source_fd, "large", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    _cleanup_free_ uint32_t *data = NEW_ARRAY(uint32_t, MEBIBYTE);
    _cleanup_free_ char *copied = NULL;
    const size_t size = MEBIBYTE * sizeof(*data);
    size_t copied_size;

    for (uint32_t i = 0; i < MEBIBYTE; i++)
        data[i] = i;
    assert_int_equal(fd_write_all(fd, data, size), 0);
    assert_int_equal(fd_write_all(fd, "end", 3), 0);
    copy(&trees);
    assert_int_equal(file_read_at(trees.target_fd, "large", size * 2, &copied, &copied_size), 0);
    assert_int_equal(copied_size, size + 3);
    assert_memory_equal(copied, data, size);
    assert_memory_equal(copied + size, "end", 3);
}

static void names_of_one_file_are_names_of_one_file(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    struct stat first, other;

    /* a directory that is there is merged, one that is not is made under another name first */
    scratch_mkdir(trees.target_fd, "b", 0755);
    for (const char *name = "abcd"; *name; name++)
        scratch_mkdir(trees.source_fd, (char[]) { *name, '\0' }, 0755);
    scratch_write(trees.source_fd, "a/1", "text");
    for (int i = 0; i < 4; i++) {
        char path[] = { (char)('a' + i), '/', '2', '\0' };

        assert_return_code(linkat(trees.source_fd, "a/1", trees.source_fd, path, 0), errno);
    }
    assert_return_code(linkat(trees.source_fd, "a/1", trees.source_fd, "top", 0), errno);
    assert_return_code(symlinkat("x", trees.source_fd, "a/link"), errno);
    assert_return_code(linkat(trees.source_fd, "a/link", trees.source_fd, "d/link", 0), errno);
    scratch_write(trees.target_fd, "b/2", "another one");
    copy(&trees);

    first = status_of(trees.target_fd, "a/1");
    assert_int_equal(first.st_nlink, 6);
    for (int i = 0; i < 4; i++) {
        other = status_of(trees.target_fd, (char[]) { (char)('a' + i), '/', '2', '\0' });
        assert_int_equal(other.st_ino, first.st_ino);
    }
    assert_int_equal(status_of(trees.target_fd, "top").st_ino, first.st_ino);
    assert_int_equal(status_of(trees.target_fd, "a/link").st_ino,
                     status_of(trees.target_fd, "d/link").st_ino);
    copy(&trees); /* once more, where they are names of one file already */
    assert_int_equal(status_of(trees.target_fd, "top").st_nlink, 6);
    assert_int_equal(scratch_count(trees.target_fd, "."), 5);
}

static void attributes_are_copied_but_those_of_the_file_system_are_not(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    char value[16] = "";

    scratch_write(trees.source_fd, "file", "text");
    scratch_mkdir(trees.source_fd, "dir", 0755);
    set_attribute(trees.source_fd, "file", "user.colour", "red", 3);
    set_attribute(trees.source_fd, "dir", "trusted.colour", "blue", 4);
    set_attribute(trees.source_fd, "dir", "trusted.overlay.opaque", "y", 1);
    copy(&trees);
    assert_int_equal(get_attribute(trees.target_fd, "file", "user.colour", value, 16), 3);
    assert_string_equal(value, "red");
    assert_int_equal(get_attribute(trees.target_fd, "dir", "trusted.colour", value, 16), 4);
    assert_int_equal(get_attribute(trees.target_fd, "dir", "trusted.overlay.opaque", value, 16),
                     -1);
}

/* "user:7:rwx", and what has to come with it. */
static void make_acl(uint32_t id, unsigned char acl[static 44])
{
    const struct {
        uint16_t tag, permissions;
        uint32_t id;
    } entries[] = {
        { 0x01, 7, UINT32_MAX }, { 0x02, 7, id },         { 0x04, 5, UINT32_MAX },
        { 0x10, 7, UINT32_MAX }, { 0x20, 5, UINT32_MAX },
    };
    const uint32_t version = htole32(2);

    memcpy(acl, &version, sizeof(version));
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        const uint16_t tag = htole16(entries[i].tag), bits = htole16(entries[i].permissions);
        const uint32_t entry_id = htole32(entries[i].id);

        memcpy(acl + 4 + i * 8, &tag, 2);
        memcpy(acl + 6 + i * 8, &bits, 2);
        memcpy(acl + 8 + i * 8, &entry_id, 4);
    }
}

static void acls_are_copied_and_none_is_inherited(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    unsigned char acl[44], copied[64];

    make_acl(7, acl);
    scratch_write(trees.source_fd, "with", "text");
    scratch_write(trees.source_fd, "without", "text");
    scratch_mkdir(trees.source_fd, "dir", 0755);
    scratch_write(trees.source_fd, "dir/without", "text");
    assert_return_code(mknodat(trees.source_fd, "fifo", S_IFIFO | 0640, 0), errno);
    set_attribute(trees.source_fd, "with", ACL_ACCESS, acl, sizeof(acl));
    set_attribute(trees.target_fd, ".", ACL_DEFAULT, acl, sizeof(acl));
    copy(&trees);
    assert_int_equal(get_attribute(trees.target_fd, "with", ACL_ACCESS, copied, 64), sizeof(acl));
    assert_memory_equal(copied, acl, sizeof(acl));
    assert_int_equal(get_attribute(trees.target_fd, "without", ACL_ACCESS, copied, 64), -1);
    assert_int_equal(get_attribute(trees.target_fd, "dir", ACL_ACCESS, copied, 64), -1);
    assert_int_equal(get_attribute(trees.target_fd, "dir", ACL_DEFAULT, copied, 64), -1);
    assert_int_equal(get_attribute(trees.target_fd, "dir/without", ACL_ACCESS, copied, 64), -1);
    assert_int_equal(status_of(trees.target_fd, "without").st_mode & 07777, 0644);
    assert_int_equal(status_of(trees.target_fd, "fifo").st_mode & 07777, 0640);
}

static void a_directory_that_hands_its_group_on_does_not_change_owners(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);

    scratch_write(trees.source_fd, "file", "text");
    scratch_mkdir(trees.source_fd, "dir", 0755);
    scratch_write(trees.source_fd, "dir/file", "text");
    assert_return_code(symlinkat("x", trees.source_fd, "dir/link"), errno);
    assert_return_code(fchown(trees.target_fd, 0, 99), errno);
    assert_return_code(fchmod(trees.target_fd, 02755), errno);
    copy(&trees);
    assert_int_equal(status_of(trees.target_fd, "file").st_gid, 0);
    assert_int_equal(status_of(trees.target_fd, "dir").st_gid, 0);
    assert_int_equal(status_of(trees.target_fd, "dir").st_mode & 07777, 0755);
    assert_int_equal(status_of(trees.target_fd, "dir/file").st_gid, 0);
    assert_int_equal(status_of(trees.target_fd, "dir/link").st_gid, 0);
}

static void set_capabilities(int dir_fd, const char *path, uint32_t version, uint32_t root)
{
    struct vfs_ns_cap_data data = { .magic_etc = htole32(version | VFS_CAP_FLAGS_EFFECTIVE),
                                    .data = { { .permitted = htole32(1 << CAP_NET_RAW) } },
                                    .rootid = htole32(root) };

    set_attribute(dir_fd, path, CAPABILITY, &data,
                  version == VFS_CAP_REVISION_2 ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3);
}

/* The id for whose namespace they are, 0: ours. */
static uint32_t capabilities_of(int dir_fd, const char *path)
{
    struct vfs_ns_cap_data data = {};
    ssize_t size = get_attribute(dir_fd, path, CAPABILITY, &data, sizeof(data));

    assert_true(size == XATTR_CAPS_SZ_2 || size == XATTR_CAPS_SZ_3);
    assert_int_equal(le32toh(data.data[0].permitted), 1 << CAP_NET_RAW);
    return le32toh(data.rootid);
}

static void owners_and_capabilities_are_translated(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_id_map_ IdMap map = {};
    unsigned char acl[44], copied[44];
    const TreeCopyOptions out = { .flags = TREE_COPY_OWNERS, .source_ids = &map };
    const TreeCopyOptions in = { .flags = TREE_COPY_OWNERS, .target_ids = &map };

    id_map_add(&map, 0, FIRST_ID, 65536);
    scratch_write(trees.source_fd, "file", "text");
    assert_return_code(fchownat(trees.source_fd, "file", 3, 4, 0), errno);
    make_acl(7, acl);
    set_attribute(trees.source_fd, "file", ACL_ACCESS, acl, sizeof(acl));
    set_capabilities(trees.source_fd, "file", VFS_CAP_REVISION_2, 0);
    copy_with(&trees, &in);
    assert_int_equal(status_of(trees.target_fd, "file").st_uid, FIRST_ID + 3);
    assert_int_equal(status_of(trees.target_fd, "file").st_gid, FIRST_ID + 4);
    assert_int_equal(capabilities_of(trees.target_fd, "file"), FIRST_ID);
    assert_int_equal(get_attribute(trees.target_fd, "file", ACL_ACCESS, copied, 44), 44);
    make_acl(FIRST_ID + 7, acl);
    assert_memory_equal(copied, acl, sizeof(acl));

    scratch_mkdir(trees.fd, "back", 0755);
    trees_done(&trees);
    trees.source_fd = openat(trees.fd, "target", O_RDONLY | O_CLOEXEC);
    trees.target_fd = openat(trees.fd, "back", O_RDONLY | O_CLOEXEC);
    copy_with(&trees, &out);
    assert_int_equal(status_of(trees.target_fd, "file").st_uid, 3);
    assert_int_equal(capabilities_of(trees.target_fd, "file"), 0);
}

static void without_owners_all_belongs_to_one(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_id_map_ IdMap map = {};
    const TreeCopyOptions options = { .uid = 10, .gid = 20, .target_ids = &map };

    id_map_add(&map, 0, FIRST_ID, 1000);
    scratch_mkdir(trees.source_fd, "dir", 0755);
    scratch_write(trees.source_fd, "dir/file", "text");
    assert_return_code(fchownat(trees.source_fd, "dir/file", 5000, 5000, 0), errno);
    copy_with(&trees, &options);
    assert_int_equal(status_of(trees.target_fd, "dir").st_uid, FIRST_ID + 10);
    assert_int_equal(status_of(trees.target_fd, "dir/file").st_gid, FIRST_ID + 20);
}

static void an_owner_without_an_id_in_the_target_is_refused(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_error_ Error error = {};
    _cleanup_id_map_ IdMap map = {};
    const TreeCopyOptions options = { .flags = TREE_COPY_OWNERS, .target_ids = &map };

    id_map_add(&map, 0, FIRST_ID, 1000);
    scratch_write(trees.source_fd, "file", "text");
    assert_return_code(fchownat(trees.source_fd, "file", 1000, 0, 0), errno);
    assert_true(tree_copy(trees.source_fd, trees.target_fd, &options, &error) < 0);
    check_error(&error, ERROR_INVALID,
                "copy 'file': its owner 1000:0 has no id in the target's user namespace");
    assert_int_equal(scratch_count(trees.target_fd, "."), 0);
}

static void what_is_there_is_replaced_and_directories_are_merged(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int old_fd = -EBADF;
    _cleanup_free_ char *old = NULL;

    scratch_mkdir(trees.source_fd, "dir", 0700);
    scratch_write(trees.source_fd, "dir/file", "new");
    scratch_write(trees.source_fd, "link", "no link any more");
    assert_return_code(symlinkat("new", trees.source_fd, "file"), errno);
    scratch_mkdir(trees.target_fd, "dir", 0755);
    scratch_write(trees.target_fd, "dir/file", "old");
    scratch_write(trees.target_fd, "dir/other", "other");
    scratch_write(trees.target_fd, "file", "old");
    assert_return_code(symlinkat("dir/other", trees.target_fd, "link"), errno);
    old_fd = openat(trees.target_fd, "dir/file", O_RDONLY | O_CLOEXEC);
    copy(&trees);
    assert_content(trees.target_fd, "dir/file", "new");
    assert_content(trees.target_fd, "dir/other", "other");
    assert_content(trees.target_fd, "link", "no link any more");
    assert_true(S_ISLNK(status_of(trees.target_fd, "file").st_mode));
    assert_int_equal(status_of(trees.target_fd, "dir").st_mode & 07777, 0700);
    assert_int_equal(fd_read_all(old_fd, 16, &old, NULL), 0);
    assert_string_equal(old, "old"); /* whoever has it open keeps it */
    assert_int_equal(scratch_count(trees.target_fd, "."), 3);
    assert_int_equal(scratch_count(trees.target_fd, "dir"), 2);
}

static void what_is_there_is_left_alone_where_that_is_asked_for(void **state)
{
    const TreeCopyOptions options = { .flags = TREE_COPY_OWNERS | TREE_COPY_SKIP_EXISTING };
    _cleanup_trees_ Trees trees = trees_open(state);

    scratch_mkdir(trees.source_fd, "dir", 0700);
    scratch_write(trees.source_fd, "dir/file", "new");
    scratch_write(trees.source_fd, "dir/more", "new");
    assert_return_code(symlinkat("new", trees.source_fd, "link"), errno);
    scratch_mkdir(trees.target_fd, "dir", 0755);
    scratch_write(trees.target_fd, "dir/file", "old");
    scratch_write(trees.target_fd, "link", "old");
    copy_with(&trees, &options);
    assert_content(trees.target_fd, "dir/file", "old");
    assert_content(trees.target_fd, "dir/more", "new");
    assert_content(trees.target_fd, "link", "old");
    assert_int_equal(status_of(trees.target_fd, "dir").st_mode & 07777, 0755);
}

static void directories_that_are_there_keep_their_properties_where_that_is_asked_for(void **state)
{
    const TreeCopyOptions options = { .flags = TREE_COPY_OWNERS | TREE_COPY_KEEP_DIRECTORIES };
    _cleanup_trees_ Trees trees = trees_open(state);

    scratch_mkdir(trees.source_fd, "dir", 0755);
    scratch_write(trees.source_fd, "dir/file", "new");
    scratch_mkdir(trees.source_fd, "made", 0711);
    scratch_mkdir(trees.target_fd, "dir", 0700);
    scratch_write(trees.target_fd, "dir/file", "old");
    assert_return_code(fchmod(trees.target_fd, 0750), errno);
    copy_with(&trees, &options);
    assert_content(trees.target_fd, "dir/file", "new");
    assert_int_equal(status_of(trees.target_fd, "dir").st_mode & 07777, 0700);
    assert_int_equal(status_of(trees.target_fd, "made").st_mode & 07777, 0711);
    assert_int_equal(status_of(trees.target_fd, ".").st_mode & 07777, 0750);
}

static void a_directory_and_a_file_do_not_replace_each_other(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    Error error = {};

    scratch_write(trees.source_fd, "a", "text");
    scratch_mkdir(trees.source_fd, "b", 0755);
    scratch_mkdir(trees.target_fd, "a", 0755);
    scratch_write(trees.target_fd, "b", "text");
    assert_true(tree_copy_entry(trees.source_fd, "a", trees.target_fd, "a", &as_it_is, &error) < 0);
    check_error(&error, ERROR_CONFLICT, "cannot overwrite directory 'a' with a non-directory");
    assert_true(tree_copy_entry(trees.source_fd, "b", trees.target_fd, "b", &as_it_is, &error) < 0);
    check_error(&error, ERROR_CONFLICT, "cannot overwrite non-directory 'b' with a directory");
    assert_int_equal(scratch_count(trees.target_fd, "."), 2);
}

static void one_entry_is_copied_under_another_name(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    Error error = {};
    TreeCopyTotals totals = {};
    const TreeCopyOptions options = { .flags = TREE_COPY_OWNERS, .totals = &totals };

    scratch_mkdir(trees.source_fd, "dir", 0755);
    scratch_write(trees.source_fd, "dir/file", "text");
    assert_int_equal(
        tree_copy_entry(trees.source_fd, "dir", trees.target_fd, "other", &options, &error), 0);
    assert_content(trees.target_fd, "other/file", "text");
    assert_int_equal(totals.bytes, 4);
    assert_int_equal(totals.archive_bytes, 3 * 512);
    assert_int_equal(
        tree_copy_entry(trees.source_fd, "none", trees.target_fd, "x", &options, &error), -ENOENT);
    check_error(&error, ERROR_NOT_FOUND, "copy 'none': No such file or directory");
}

static void a_directory_is_not_copied_into_itself(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int inside_fd = -EBADF;
    Error error = {};

    scratch_mkdir(trees.source_fd, "dir", 0755);
    inside_fd = path_open_directory(trees.source_fd, "dir", 0755);
    assert_true(tree_copy_entry(trees.fd, "source", inside_fd, "copy", &as_it_is, &error) < 0);
    check_error(&error, ERROR_CONFLICT, "cannot copy directory 'dir' into itself");
    assert_int_equal(scratch_count(inside_fd, "."), 0);
    assert_true(tree_copy(trees.source_fd, trees.source_fd, &as_it_is, &error) < 0);
    check_error(&error, ERROR_CONFLICT, "cannot copy a directory into itself");
}

static void of_what_is_mounted_below_only_the_place_is_copied(void **state)
{
    const TreeCopyOptions options = { .flags = TREE_COPY_OWNERS | TREE_COPY_ONE_MOUNT };
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_free_ char *path = memory_printf("%s/source/mounted", ((Scratch *)*state)->path);

    scratch_mkdir(trees.source_fd, "mounted", 0755);
    assert_return_code(mount("tmpfs", path, "tmpfs", 0, NULL), errno);
    scratch_write(trees.source_fd, "mounted/file", "text");
    copy_with(&trees, &options);
    assert_int_equal(scratch_count(trees.target_fd, "mounted"), 0);
    copy(&trees);
    assert_content(trees.target_fd, "mounted/file", "text");
    assert_return_code(umount(path), errno);
}

static void what_is_mounted_on_is_not_replaced(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_free_ char *path = memory_printf("%s/target/file", ((Scratch *)*state)->path);
    Error error = {};

    scratch_write(trees.source_fd, "file", "new");
    scratch_write(trees.target_fd, "file", "old");
    assert_return_code(mount(path, path, NULL, MS_BIND, NULL), errno);
    assert_true(tree_copy(trees.source_fd, trees.target_fd, &as_it_is, &error) < 0);
    check_error(&error, ERROR_CONFLICT, "cannot replace 'file', which is a mount point");
    assert_return_code(umount(path), errno);
    assert_content(trees.target_fd, "file", "old");
    assert_int_equal(scratch_count(trees.target_fd, "."), 1);
}

static void a_file_is_copied_by_its_handle(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int fd = -EBADF, dir_fd = -EBADF;

    scratch_mkdir(trees.source_fd, "dir", 0700);
    scratch_write(trees.source_fd, "dir/file", "text");
    assert_return_code(symlinkat("x", trees.source_fd, "link"), errno);
    fd = openat(trees.source_fd, "link", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    dir_fd = openat(trees.source_fd, "dir", O_PATH | O_CLOEXEC);
    assert_int_equal(tree_copy_handle(fd, trees.target_fd, "l", &as_it_is, NULL), 0);
    assert_int_equal(tree_copy_handle(dir_fd, trees.target_fd, "d", &as_it_is, NULL), 0);
    assert_true(S_ISLNK(status_of(trees.target_fd, "l").st_mode));
    assert_content(trees.target_fd, "d/file", "text");
}

static void the_kernels_own_files_are_never_read(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_free_ char *path = memory_printf("%s/source/proc", ((Scratch *)*state)->path);
    _cleanup_close_ int proc_fd = open("/proc", O_PATH | O_CLOEXEC);
    Error error = {};

    scratch_mkdir(trees.source_fd, "proc", 0755);
    assert_return_code(mount("proc", path, "proc", 0, NULL), errno);
    copy(&trees);
    assert_int_equal(scratch_count(trees.target_fd, "proc"), 0);
    assert_return_code(umount(path), errno);
    assert_true(tree_copy_entry(proc_fd, "kmsg", trees.target_fd, "x", &as_it_is, &error) < 0);
    check_error(&error, ERROR_UNSUPPORTED, "files of the kernel's own file systems are not copied");
}

/* Returns how deep the chain of directories "d" is. */
static int depth_of(int dir_fd)
{
    int fd = dup(dir_fd), depth = 0, next;

    while ((next = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0) {
        fd_close(fd);
        fd = next;
        depth++;
    }
    assert_int_equal(faccessat(fd, "bottom", F_OK, 0), 0);
    fd_close(fd);
    return depth;
}

static void a_tree_of_any_depth_is_copied_with_few_descriptors(void **state)
{
    const struct rlimit few = { 256, 256 };
    _cleanup_trees_ Trees trees = trees_open(state);
    int fd = dup(trees.source_fd);
    struct rlimit before;

    for (int i = 0; i < DEEP_LEVELS; i++) {
        int next;

        scratch_mkdir(fd, "d", 0755);
        next = scratch_open(fd, "d");
        fd_close(fd);
        fd = next;
    }
    assert_return_code(mknodat(fd, "bottom", S_IFIFO | 0600, 0), errno);
    fd_close(fd);
    assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &(struct rlimit) { few.rlim_cur, before.rlim_max }),
                       errno);
    copy(&trees); /* made anew, then merged */
    assert_int_equal(depth_of(trees.target_fd), DEEP_LEVELS);
    copy(&trees);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
    assert_int_equal(depth_of(trees.target_fd), DEEP_LEVELS);
}

static void a_full_file_system_leaves_the_old_file_and_nothing_else(void **state)
{
    Scratch *scratch = *state, *small = scratch_new("size=1m");
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int fd = openat(trees.source_fd, "large", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    _cleanup_free_ char *data = NEW_ARRAY(char, 4 * MEBIBYTE);
    Error error = {};

    (void)scratch;
    memset(data, 'x', 4 * MEBIBYTE);
    assert_int_equal(fd_write_all(fd, data, 4 * MEBIBYTE), 0);
    scratch_write(small->fd, "large", "old");
    assert_true(tree_copy(trees.source_fd, small->fd, &as_it_is, &error) < 0);
    check_error(&error, ERROR_EXHAUSTED, "copy 'large': No space left on device");
    assert_content(small->fd, "large", "old");
    assert_true(tree_copy_entry(trees.fd, "source", small->fd, "dir", &as_it_is, &error) < 0);
    check_error(&error, ERROR_EXHAUSTED, "copy 'dir/large': No space left on device");
    assert_int_equal(scratch_count(small->fd, "."), 1);
    scratch_free(small);
}

static void what_a_killed_copy_has_left_goes_with_the_next(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int locked_fd = -EBADF;

    scratch_mkdir(trees.target_fd, TREE_COPY_PREFIX "0123456789abcdef", 0700);
    scratch_write(trees.target_fd, TREE_COPY_PREFIX "0123456789abcdef/file", "half");
    scratch_write(trees.target_fd, TREE_COPY_PREFIX "0000000000000001", "half");
    assert_return_code(symlinkat("x", trees.target_fd, TREE_COPY_PREFIX "0000000000000002"), errno);
    scratch_mkdir(trees.target_fd, TREE_COPY_PREFIX "0000000000000003", 0700);
    scratch_write(trees.target_fd, TREE_COPY_PREFIX "mine", "another one's");
    locked_fd = openat(trees.target_fd, TREE_COPY_PREFIX "0000000000000003",
                       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(flock(locked_fd, LOCK_EX | LOCK_NB), errno);
    copy(&trees);
    assert_int_equal(scratch_count(trees.target_fd, "."), 2);
    assert_content(trees.target_fd, TREE_COPY_PREFIX "mine", "another one's");
    assert_return_code(faccessat(locked_fd, ".", F_OK, 0), errno);
}

/* --- somebody who changes what is copied meanwhile --- */

typedef struct Race {
    int source_fd; /* "name" in it and "name" in other_fd change places all the time */
    int other_fd;
    const char *name;
    atomic_bool stop;
} Race;

static void *swap(void *data)
{
    Race *race = data;

    while (!atomic_load(&race->stop))
        (void)renameat2(race->source_fd, race->name, race->other_fd, race->name, RENAME_EXCHANGE);
    return NULL;
}

static void race(Race *race, void (*round)(void *), void *data)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, swap, race), 0);
    for (int i = 0; i < ROUNDS; i++)
        round(data);
    atomic_store(&race->stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* What was swapped for a link is copied as a link, and never as what that leads to. */
static void copy_what_is_swapped(void *data)
{
    const Trees *trees = data;
    struct stat status;

    assert_int_equal(path_remove_tree(trees->target_fd, "name"), 0);
    (void)tree_copy_entry(trees->source_fd, "name", trees->target_fd, "name", &as_it_is, NULL);
    if (fstatat(trees->target_fd, "name", &status, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (S_ISREG(status.st_mode))
        assert_content(trees->target_fd, "name", "plain");
    if (S_ISDIR(status.st_mode))
        assert_content(trees->target_fd, "name/file", "plain");
}

static void a_file_or_directory_that_is_swapped_for_a_link_gives_nothing_away(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int other_fd = path_open_directory(trees.fd, "other", 0755);
    const struct {
        const char *link;
        bool is_directory;
    } cases[] = { { "../outside/file", false }, { "../outside", true } };

    scratch_mkdir(trees.fd, "outside", 0755);
    scratch_write(trees.fd, "outside/file", "secret");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Race racer = { .source_fd = trees.source_fd, .other_fd = other_fd, .name = "name" };

        assert_int_equal(path_remove_tree(trees.source_fd, "name"), 0);
        assert_int_equal(path_remove_tree(other_fd, "name"), 0);
        if (cases[i].is_directory) {
            scratch_mkdir(trees.source_fd, "name", 0755);
            scratch_write(trees.source_fd, "name/file", "plain");
        } else {
            scratch_write(trees.source_fd, "name", "plain");
        }
        assert_return_code(symlinkat(cases[i].link, other_fd, "name"), errno);
        race(&racer, copy_what_is_swapped, &trees);
    }
}

static void a_file_that_is_swapped_for_a_fifo_is_not_waited_for(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int other_fd = path_open_directory(trees.fd, "other", 0755);
    Race racer = { .source_fd = trees.source_fd, .other_fd = other_fd, .name = "name" };

    scratch_write(trees.source_fd, "name", "plain");
    assert_return_code(mknodat(other_fd, "name", S_IFIFO | 0600, 0), errno);
    race(&racer, copy_what_is_swapped, &trees);
}

/* Into a directory that changes places with a link to another one. */
static void copy_into_what_is_swapped(void *data)
{
    const Trees *trees = data;

    (void)tree_copy_entry(trees->source_fd, "name", trees->target_fd, "name", &as_it_is, NULL);
}

static void a_target_that_is_swapped_for_a_link_leads_nowhere(void **state)
{
    _cleanup_trees_ Trees trees = trees_open(state);
    _cleanup_close_ int other_fd = path_open_directory(trees.fd, "other", 0755);
    Race racer = { .source_fd = trees.target_fd, .other_fd = other_fd, .name = "name" };
    struct stat outside;

    scratch_mkdir(trees.source_fd, "name", 0777);
    scratch_mkdir(trees.source_fd, "name/sub", 0777);
    scratch_write(trees.source_fd, "name/file", "plain");
    assert_return_code(fchownat(trees.source_fd, "name", 5, 5, 0), errno);
    scratch_mkdir(trees.fd, "outside", 0700);
    scratch_write(trees.fd, "outside/file", "secret");
    scratch_mkdir(trees.target_fd, "name", 0755);
    assert_return_code(symlinkat("../outside", other_fd, "name"), errno);
    race(&racer, copy_into_what_is_swapped, &trees);

    outside = status_of(trees.fd, "outside");
    assert_int_equal(outside.st_mode & 07777, 0700);
    assert_int_equal(outside.st_uid, 0);
    assert_content(trees.fd, "outside/file", "secret");
    assert_int_equal(scratch_count(trees.fd, "outside"), 1);
}

int main(void)
{
#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, scratch_setup_disk, scratch_teardown)
    const struct CMUnitTest tests[] = {
        ON_DISK(each_type_is_copied_with_mode_owner_and_times),
        ON_DISK(the_directory_itself_is_copied_with_its_properties),
        ON_DISK(nothing_of_the_process_is_changed_afterwards),
        ON_DISK(holes_stay_holes),
        ON_DISK(a_large_file_is_copied_whole),
        ON_DISK(names_of_one_file_are_names_of_one_file),
        ON_DISK(attributes_are_copied_but_those_of_the_file_system_are_not),
        ON_DISK(acls_are_copied_and_none_is_inherited),
        ON_DISK(a_directory_that_hands_its_group_on_does_not_change_owners),
        ON_DISK(owners_and_capabilities_are_translated),
        ON_DISK(without_owners_all_belongs_to_one),
        ON_DISK(an_owner_without_an_id_in_the_target_is_refused),
        ON_DISK(what_is_there_is_replaced_and_directories_are_merged),
        ON_DISK(what_is_there_is_left_alone_where_that_is_asked_for),
        ON_DISK(directories_that_are_there_keep_their_properties_where_that_is_asked_for),
        ON_DISK(a_directory_and_a_file_do_not_replace_each_other),
        ON_DISK(one_entry_is_copied_under_another_name),
        ON_DISK(a_directory_is_not_copied_into_itself),
        ON_DISK(of_what_is_mounted_below_only_the_place_is_copied),
        ON_DISK(what_is_mounted_on_is_not_replaced),
        ON_DISK(a_file_is_copied_by_its_handle),
        ON_DISK(the_kernels_own_files_are_never_read),
        ON_DISK(a_tree_of_any_depth_is_copied_with_few_descriptors),
        ON_DISK(a_full_file_system_leaves_the_old_file_and_nothing_else),
        ON_DISK(what_a_killed_copy_has_left_goes_with_the_next),
        ON_DISK(a_file_or_directory_that_is_swapped_for_a_link_gives_nothing_away),
        ON_DISK(a_file_that_is_swapped_for_a_fifo_is_not_waited_for),
        ON_DISK(a_target_that_is_swapped_for_a_link_leads_nowhere),
    };

    return cmocka_run_group_tests(tests, scratch_enter_namespace, NULL);
}
