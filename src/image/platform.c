/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms in the words of Go. One table holds every architecture: Go's name, its other names
 * (uname(2), dpkg), and the variant that is meant when none is given.
 */

#include "image/platform.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/memory.h"

#define LINUX "linux"

static const JsonField platform_fields[] = {
    JSON_FIELD_FLAGS(Platform, architecture, "architecture", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(Platform, os, "os", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(Platform, variant, "variant", JSON_TYPE_STRING),
    JSON_FIELD(Platform, os_version, "os.version", JSON_TYPE_STRING),
    JSON_FIELD(Platform, os_features, "os.features", JSON_TYPE_STRING_LIST),
};
const JsonStruct platform_json = JSON_STRUCT(Platform, platform_fields);

static const struct {
    const char *alias; /* lower case; the name itself is listed too */
    const char *name;
    const char *variant; /* implied by the alias; NULL: none */
} architectures[] = {
    { "amd64", "amd64", NULL },
    { "x86_64", "amd64", NULL },
    { "x86-64", "amd64", NULL },
    { "386", "386", NULL },
    { "i386", "386", NULL },
    { "i686", "386", NULL },
    { "arm64", "arm64", NULL },
    { "aarch64", "arm64", NULL },
    { "arm", "arm", "v7" },
    { "armhf", "arm", "v7" },
    { "armv7l", "arm", "v7" },
    { "armel", "arm", "v6" },
    { "armv6l", "arm", "v6" },
    { "ppc64le", "ppc64le", NULL },
    { "ppc64el", "ppc64le", NULL },
    { "s390x", "s390x", NULL },
    { "riscv64", "riscv64", NULL },
    { "loong64", "loong64", NULL },
    { "loongarch64", "loong64", NULL },
    { "mips64le", "mips64le", NULL },
    { "mips64el", "mips64le", NULL },
};

static const char *const operating_systems[] = { LINUX,     "windows", "darwin",
                                                 "freebsd", "netbsd",  "openbsd" };

void platform_done(Platform *platform)
{
    json_struct_done(&platform_json, platform);
}

/* Fill in architecture and variant from any name of it; false for an unknown one. */
static bool set_architecture(Platform *platform, const char *name, const char *variant)
{
    for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
        if (strcasecmp(architectures[i].alias, name) != 0)
            continue;
        platform->architecture = memory_strdup(architectures[i].name);
        platform->variant = memory_strdup(variant ? variant : architectures[i].variant);
        return true;
    }
    return false;
}

static bool is_operating_system(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(operating_systems); i++)
        if (strcasecmp(operating_systems[i], name) == 0)
            return true;
    return false;
}

void platform_host(Platform *ret)
{
    struct utsname host = {};

    *ret = (Platform) { .os = memory_strdup(LINUX) };
    (void)uname(&host); /* fails for a bad address only */
    if (!set_architecture(ret, host.machine, NULL))
        ret->architecture = memory_strdup(host.machine);
}

static bool part_is_valid(const char *part)
{
    size_t length = strlen(part);

    return length > 0 && strspn(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_.-") == length;
}

static int parse_error(Error *err, const char *text)
{
    return error_set(err, ERROR_INVALID,
                     "invalid platform '%s': say os/architecture, as in 'linux/arm64'", text);
}

/* One word alone is an operating system or an architecture that must be known. */
static int parse_word(const char *word, const char *text, Platform *platform, Error *err)
{
    _cleanup_platform_ Platform host = {};

    if (is_operating_system(word)) {
        platform_host(&host);
        platform->architecture = TAKE_PTR(host.architecture);
        platform->variant = TAKE_PTR(host.variant);
    } else if (!set_architecture(platform, word, NULL)) {
        return parse_error(err, text);
    }
    platform->os = memory_strdup(is_operating_system(word) ? word : LINUX);
    return 0;
}

int platform_parse(const char *text, Platform *ret, Error *err)
{
    _cleanup_platform_ Platform platform = {};
    _cleanup_string_list_ StringList parts = {};
    int r;

    string_list_split(&parts, text, '/');
    if (parts.count < 1 || parts.count > 3)
        return parse_error(err, text);
    for (size_t i = 0; i < parts.count; i++)
        if (!part_is_valid(parts.items[i]))
            return parse_error(err, text);

    if (parts.count == 1) {
        r = parse_word(parts.items[0], text, &platform, err);
        if (r < 0)
            return r;
    } else {
        const char *variant = parts.count == 3 ? parts.items[2] : NULL;

        platform.os = memory_strdup(parts.items[0]);
        if (!set_architecture(&platform, parts.items[1], variant)) {
            platform.architecture = memory_strdup(parts.items[1]);
            platform.variant = memory_strdup(variant);
        }
    }
    *ret = platform;
    platform = (Platform) {};
    return 0;
}

int platform_choose(const char *text, Platform *ret, Error *err)
{
    if (text)
        return platform_parse(text, ret, err);
    platform_host(ret);
    return 0;
}

/* Variants of one architecture that build on each other, and the one that is meant where none is
 * said; 0: any, as images for ARM that say nothing are of all kinds. */
static const struct {
    const char *architecture;
    int usual;
} variants[] = { { "amd64", 1 }, { "arm", 0 }, { "arm64", 8 } };

/* "v7" -> 7; 0: any. */
static int variant_number(const Platform *platform)
{
    const char *variant = platform->variant;
    int usual = 0;

    for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
        if (strcmp(variants[i].architecture, platform->architecture) == 0)
            usual = variants[i].usual;
    if (!variant)
        return usual;
    if (*variant == 'v')
        variant++;
    return *variant >= '1' && *variant <= '9' && variant[1] == '\0' ? *variant - '0' : usual;
}

int platform_rank(const Platform *wanted, const Platform *image)
{
    int wanted_variant, image_variant;

    if (!image->os || !image->architecture || strcmp(wanted->os, image->os) != 0 ||
        strcmp(wanted->architecture, image->architecture) != 0)
        return 0;
    wanted_variant = variant_number(wanted);
    image_variant = variant_number(image);
    /* an older variant runs on a newer one */
    if (wanted_variant != 0 && image_variant > wanted_variant)
        return 0;
    return 1 + image_variant;
}

bool platform_matches(const Platform *wanted, const Platform *image)
{
    return platform_rank(wanted, image) > 0;
}

char *platform_to_string(const Platform *platform)
{
    return memory_printf("%s/%s%s%s", platform->os, platform->architecture,
                         platform->variant ? "/" : "", platform->variant ? platform->variant : "");
}
