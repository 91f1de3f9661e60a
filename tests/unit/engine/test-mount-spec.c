/* SPDX-License-Identifier: Apache-2.0 */

/* The texts of --volume, --mount and --tmpfs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json-fields.h"
#include "engine/container-spec.h"
#include "engine/mount-spec.h"

static void a_volume_makes_its_source_and_is_writable(void **state)
{
    _cleanup_container_mount_ ContainerMount mount = {};

    (void)state;
    assert_int_equal(mount_spec_parse_bind("/a:/b", NULL, &mount, NULL), 0);
    assert_string_equal(mount.type, "bind");
    assert_string_equal(mount.source, "/a");
    assert_string_equal(mount.target, "/b");
    assert_false(mount.read_only);
    assert_true(mount.create_source);
    assert_null(mount.propagation);
}

static void a_volume_takes_access_propagation_and_consistency(void **state)
{
    _cleanup_container_mount_ ContainerMount mount = {};

    (void)state;
    assert_int_equal(mount_spec_parse_bind("/a:/b:ro,rslave,cached", NULL, &mount, NULL), 0);
    assert_true(mount.read_only);
    assert_string_equal(mount.propagation, "rslave");
}

static void relative_sources_start_at_the_given_directory(void **state)
{
    static const struct {
        const char *text, *complete;
    } cases[] = {
        { ".:/b", "/here/dir:/b" },  { "./x:/b:ro", "/here/dir/x:/b:ro" },
        { "../x:/b", "/here/x:/b" }, { "..:/b", "/here:/b" },
        { "/a:/b:rw", "/a:/b:rw" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *complete = NULL;

        assert_int_equal(mount_spec_complete_bind(cases[i].text, "/here/dir", &complete, NULL), 0);
        assert_string_equal(complete, cases[i].complete);
    }
}

static void a_mount_takes_every_field(void **state)
{
    _cleanup_container_mount_ ContainerMount bind = {}, tmpfs = {}, plain = {};

    (void)state;
    assert_int_equal(mount_spec_parse_mount(
                         "type=bind,source=/a,destination=/b,ro=true,bind-propagation=rshared,"
                         "bind-nonrecursive,bind-create-src=true,consistency=cached",
                         NULL, &bind, NULL),
                     0);
    assert_true(bind.read_only && bind.non_recursive && bind.create_source);
    assert_string_equal(bind.propagation, "rshared");

    assert_int_equal(mount_spec_parse_mount("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770", NULL,
                                            &tmpfs, NULL),
                     0);
    assert_int_equal(tmpfs.tmpfs_size, 1 << 20);
    assert_int_equal(tmpfs.tmpfs_mode, 01770);

    assert_int_equal(
        mount_spec_parse_mount("type=bind,src=./x,target=/b,readonly=false,bind-recursive=writable",
                               "/here", &plain, NULL),
        0);
    assert_string_equal(plain.source, "/here/x");
    assert_false(plain.read_only || plain.create_source || plain.non_recursive);
    assert_true(plain.read_only_non_recursive);
}

static void a_volume_is_named_or_not(void **state)
{
    _cleanup_container_mount_ ContainerMount named = {}, anonymous = {};

    (void)state;
    assert_int_equal(mount_spec_parse_bind("data:/b:ro,nocopy", NULL, &named, NULL), 0);
    assert_string_equal(named.type, "volume");
    assert_string_equal(named.source, "data");
    assert_string_equal(named.mode, "ro,nocopy");
    assert_true(named.read_only && named.volume_no_copy);
    assert_false(named.create_source);

    assert_int_equal(mount_spec_parse_bind("/b", NULL, &anonymous, NULL), 0);
    assert_string_equal(anonymous.type, "volume");
    assert_string_equal(anonymous.target, "/b");
    assert_null(anonymous.source);
}

static void mounts_of_volumes_and_images_take_every_field(void **state)
{
    _cleanup_container_mount_ ContainerMount volume = {}, image = {}, plain = {};

    (void)state;
    assert_int_equal(
        mount_spec_parse_mount("type=volume,src=data,dst=/b,volume-driver=local,volume-nocopy,"
                               "volume-opt=type=tmpfs,volume-opt=o,volume-label=a=b=c,"
                               "volume-subpath=x/y",
                               NULL, &volume, NULL),
        0);
    assert_string_equal(volume.volume_driver, "local");
    assert_string_equal(volume.volume_subpath, "x/y");
    assert_string_equal(string_map_get(&volume.volume_options, "type"), "tmpfs");
    assert_string_equal(string_map_get(&volume.volume_options, "o"), "");
    assert_string_equal(string_map_get(&volume.volume_labels, "a"), "b=c");
    assert_true(volume.volume_no_copy);

    assert_int_equal(mount_spec_parse_mount("type=image,src=debian:12,dst=/b,image-subpath=usr",
                                            NULL, &image, NULL),
                     0);
    assert_string_equal(image.source, "debian:12");
    assert_string_equal(image.image_subpath, "usr");

    assert_int_equal(mount_spec_parse_mount("dst=/b,src=", NULL, &plain, NULL), 0);
    assert_string_equal(plain.type, "volume");
    assert_null(plain.source);
}

static void a_copied_mount_is_equal_in_every_member(void **state)
{
    _cleanup_container_mount_ ContainerMount mount = {}, copy = {};

    (void)state;
    assert_int_equal(
        mount_spec_parse_mount("src=data,dst=/b,ro,volume-opt=type=tmpfs,volume-subpath=x", NULL,
                               &mount, NULL),
        0);
    container_mount_copy(&mount, &copy);
    assert_string_equal(copy.source, "data");
    assert_string_equal(copy.volume_subpath, "x");
    assert_string_equal(string_map_get(&copy.volume_options, "type"), "tmpfs");
    assert_true(copy.read_only);
}

static void volumes_come_from_a_container_with_a_mode(void **state)
{
    static const struct {
        const char *text, *container;
        bool read_only;
    } good[] = { { "web", "web", false }, { "web:ro", "web", true }, { "web:rw,z", "web", false } };
    static const char *const bad[] = { "", ":ro", "web:", "web:nocopy", "web:rslave" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        _cleanup_free_ char *container = NULL;
        bool read_only;

        assert_int_equal(mount_spec_parse_volumes_from(good[i].text, &container, &read_only, NULL),
                         0);
        assert_string_equal(container, good[i].container);
        assert_int_equal(read_only, good[i].read_only);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_error_ Error error = {};
        char *container;
        bool read_only;

        assert_true(mount_spec_parse_volumes_from(bad[i], &container, &read_only, &error) < 0);
        assert_int_equal(error.kind, ERROR_INVALID);
    }
}

static void recursion_has_four_modes(void **state)
{
    static const struct {
        const char *text;
        bool non_recursive, read_only_non_recursive;
    } cases[] = {
        { "type=bind,src=/a,dst=/b,bind-recursive=enabled", false, false },
        { "type=bind,src=/a,dst=/b,bind-recursive=disabled", true, false },
        { "type=bind,src=/a,dst=/b,ro,bind-recursive=writable", false, true },
        { "type=bind,src=/a,dst=/b,ro,bind-propagation=rprivate,bind-recursive=readonly", false,
          false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_mount_ ContainerMount mount = {};

        assert_int_equal(mount_spec_parse_mount(cases[i].text, NULL, &mount, NULL), 0);
        assert_int_equal(mount.non_recursive, cases[i].non_recursive);
        assert_int_equal(mount.read_only_non_recursive, cases[i].read_only_non_recursive);
    }
}

static void quotes_protect_commas_and_quotes(void **state)
{
    _cleanup_container_mount_ ContainerMount mount = {};

    (void)state;
    assert_int_equal(
        mount_spec_parse_mount("type=bind,\"src=/a,b \"\"c\"\"\",dst=/d", NULL, &mount, NULL), 0);
    assert_string_equal(mount.source, "/a,b \"c\"");
    assert_string_equal(mount.target, "/d");
}

typedef int (*Parser)(const char *text, const char *directory, ContainerMount *ret, Error *err);

typedef struct BadCase {
    const char *text;
    ErrorKind kind;
    const char *message;
} BadCase;

static void check_bad(Parser parser, const BadCase *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ContainerMount mount = {};
        _cleanup_error_ Error error = {};

        assert_true(parser(cases[i].text, NULL, &mount, &error) < 0);
        assert_string_equal(error_message(&error), cases[i].message);
        assert_int_equal(error.kind, cases[i].kind);
        assert_null(mount.target);
    }
}

static void bad_volumes_are_refused(void **state)
{
    static const BadCase cases[] = {
        { "", ERROR_INVALID, "the mount has no target" },
        { "b", ERROR_INVALID, "the target 'b' is not an absolute path" },
        { "v/w:/b", ERROR_INVALID,
          "invalid volume name 'v/w': it has to match [a-zA-Z0-9][a-zA-Z0-9_.-]+" },
        { "/b:ro", ERROR_INVALID, "the target 'ro' is not an absolute path" },
        { "data:/b:rslave", ERROR_INVALID, "'bind-*' options do not go with type 'volume'" },
        { "/a:/proc/1", ERROR_INVALID,
          "the target '/proc/1' cannot be mounted over: it is inside of '/proc'" },
        { ":/b", ERROR_INVALID, "the source is empty" },
        { "/a:", ERROR_INVALID, "the mount has no target" },
        { "/a:b", ERROR_INVALID, "the target 'b' is not an absolute path" },
        { "/a:/", ERROR_INVALID,
          "the target '/' cannot be mounted over: it is the container's root" },
        { "/a:/b/..", ERROR_INVALID,
          "the target '/b/..' cannot be mounted over: it is the container's root" },
        { "./a:/b", ERROR_INVALID, "the source './a' is not an absolute path" },
        { "/a:/b:ro:x", ERROR_INVALID,
          "too many colons, write [SOURCE:]TARGET or SOURCE:TARGET:OPTIONS" },
        { "/a:/b:", ERROR_INVALID,
          "unknown option '', use ro, rw, z, Z, nocopy or a propagation such as rslave" },
        { "/a:/b:ro,rw", ERROR_INVALID, "option 'rw' contradicts or repeats another one" },
        { "/a:/b:rslave,rslave", ERROR_INVALID,
          "option 'rslave' contradicts or repeats another one" },
        { "/a:/b:nocopy", ERROR_INVALID, "'volume-*' options do not go with type 'bind'" },
    };

    (void)state;
    check_bad(mount_spec_parse_bind, cases, ARRAY_SIZE(cases));
}

static void bad_mounts_are_refused(void **state)
{
    static const BadCase cases[] = {
        { "", ERROR_INVALID,
          "unknown field '', there are type, source, target, readonly, match-user, bind-*, "
          "volume-*, tmpfs-* and image-*" },
        { "type=bind,color=red", ERROR_INVALID,
          "unknown field 'color=red', there are type, source, target, readonly, match-user, "
          "bind-*, volume-*, tmpfs-* and image-*" },
        { "type", ERROR_INVALID, "field 'type' needs a value: type=VALUE" },
        { "type=bind,src=/a", ERROR_INVALID, "the mount has no target" },
        { "type=bind,dst=/b", ERROR_INVALID, "the mount has no source" },
        { "type=bind,src=a,dst=/b", ERROR_INVALID, "the source 'a' is not an absolute path" },
        { "type=bind,src=/a,dst=/b,ro=2", ERROR_INVALID,
          "invalid value '2' for 'ro': use true or false" },
        { "type=bind,src=/a,dst=/b,bind-propagation=none", ERROR_INVALID,
          "unknown propagation 'none', use one of private rprivate shared rshared slave rslave" },
        { "type=bind,src=/a,dst=/b,bind-recursive=no", ERROR_INVALID,
          "invalid value 'no' for 'bind-recursive': use enabled, disabled, writable or readonly" },
        { "type=bind,src=/a,dst=/b,bind-recursive=readonly", ERROR_INVALID,
          "'bind-recursive=readonly' needs 'readonly' as well" },
        { "type=bind,src=/a,dst=/b,ro,bind-recursive=readonly", ERROR_INVALID,
          "'bind-recursive=readonly' needs 'bind-propagation=rprivate' as well" },
        { "type=bind,src=/a,dst=/b,tmpfs-size=1", ERROR_INVALID,
          "'tmpfs-*' options do not go with type 'bind'" },
        { "type=tmpfs,dst=/b,bind-propagation=shared", ERROR_INVALID,
          "'bind-*' options do not go with type 'tmpfs'" },
        { "type=tmpfs,dst=/b,bind-nonrecursive=false", ERROR_INVALID,
          "'bind-*' options do not go with type 'tmpfs'" },
        { "type=tmpfs,src=/a,dst=/b", ERROR_INVALID,
          "a mount of type tmpfs has no source, but got '/a'" },
        { "type=tmpfs,dst=/b,tmpfs-size=big", ERROR_INVALID,
          "invalid value 'big' for 'tmpfs-size': write bytes, or '64m', '1g'" },
        { "type=tmpfs,dst=/b,tmpfs-mode=999", ERROR_INVALID,
          "invalid value '999' for 'tmpfs-mode': write an octal mode such as 1770" },
        { "type=bind,src=/a,dst=/b,consistency=odd", ERROR_INVALID,
          "invalid value 'odd' for 'consistency': use consistent, cached or delegated" },
        { "type=cluster,src=x,dst=/b", ERROR_INVALID,
          "unknown mount type 'cluster', use bind, volume, tmpfs or image" },
        { "src=./x,dst=/b", ERROR_INVALID, "the source './x' is not an absolute path" },
        { "src=/a,dst=/b", ERROR_INVALID,
          "invalid volume name '/a': it has to match [a-zA-Z0-9][a-zA-Z0-9_.-]+; a directory is "
          "bound by its path" },
        { "type=bind,src=/a,dst=/b,volume-nocopy", ERROR_INVALID,
          "'volume-*' options do not go with type 'bind'" },
        { "dst=/b,match-user", ERROR_INVALID, "'bind-*' options do not go with type 'volume'" },
        { "dst=/b,volume-label==x", ERROR_INVALID,
          "invalid value '=x' for 'volume-label': write KEY=VALUE" },
        { "dst=/b,volume-subpath=/x", ERROR_INVALID,
          "the subpath '/x' is not a relative path below the mount's own root" },
        { "type=image,src=x,dst=/b,image-subpath=a/../../b", ERROR_INVALID,
          "the subpath 'a/../../b' is not a relative path below the mount's own root" },
        { "type=image,dst=/b", ERROR_INVALID, "the mount has no source: name an image" },
        { "type=bind,\"src=/a,dst=/b", ERROR_INVALID, "a '\"' is not closed" },
        { "type=bind,\"src=/a\"x,dst=/b", ERROR_INVALID, "text after a closing '\"'" },
        { "type=bind,src=\"/a\",dst=/b", ERROR_INVALID,
          "a '\"' inside of a field: quote the whole field, and write '\"\"' for it" },
    };

    (void)state;
    check_bad(mount_spec_parse_mount, cases, ARRAY_SIZE(cases));
}

static void a_source_with_a_colon_cannot_be_written_as_a_volume(void **state)
{
    _cleanup_error_ Error error = {};
    char *complete = NULL;

    (void)state;
    assert_true(mount_spec_complete_bind("./x:/b", "/with:colon", &complete, &error) < 0);
    assert_string_equal(error_message(&error),
                        "the source '/with:colon/x' has a colon: use --mount type=bind instead");
}

static void tmpfs_options_are_those_that_docker_allows(void **state)
{
    static const struct {
        const char *options, *message;
    } bad[] = {
        { "lazytime", "unknown tmpfs option 'lazytime'" },
        { "size=", "invalid value in tmpfs option 'size='" },
        { "size=%", "invalid value in tmpfs option 'size=%'" },
        { "mode=8", "invalid value in tmpfs option 'mode=8'" },
        { "uid=root", "invalid value in tmpfs option 'uid=root'" },
        { "ro,,rw", "unknown tmpfs option ''" },
        { "size", "unknown tmpfs option 'size'" },
    };

    (void)state;
    assert_int_equal(mount_spec_validate_tmpfs("/t", NULL, NULL), 0);
    assert_int_equal(
        mount_spec_validate_tmpfs(
            "/t", "rw,noexec,nosuid,size=64m,mode=1777,uid=1,gid=2,nr_inodes=4k", NULL),
        0);
    assert_int_equal(mount_spec_validate_tmpfs("/t", "size=50%", NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_error_ Error error = {};

        assert_true(mount_spec_validate_tmpfs("/t", bad[i].options, &error) < 0);
        assert_string_equal(error_message(&error), bad[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_volume_makes_its_source_and_is_writable),
        cmocka_unit_test(a_volume_takes_access_propagation_and_consistency),
        cmocka_unit_test(relative_sources_start_at_the_given_directory),
        cmocka_unit_test(a_mount_takes_every_field),
        cmocka_unit_test(a_volume_is_named_or_not),
        cmocka_unit_test(mounts_of_volumes_and_images_take_every_field),
        cmocka_unit_test(a_copied_mount_is_equal_in_every_member),
        cmocka_unit_test(volumes_come_from_a_container_with_a_mode),
        cmocka_unit_test(recursion_has_four_modes),
        cmocka_unit_test(quotes_protect_commas_and_quotes),
        cmocka_unit_test(bad_volumes_are_refused),
        cmocka_unit_test(bad_mounts_are_refused),
        cmocka_unit_test(a_source_with_a_colon_cannot_be_written_as_a_volume),
        cmocka_unit_test(tmpfs_options_are_those_that_docker_allows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
