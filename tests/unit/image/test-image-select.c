/* SPDX-License-Identifier: Apache-2.0 */

/* From a source's top document to the manifest for a platform. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "check.h"
#include "image/image-select.h"

#define MAX_DOCUMENTS 64
#define CONFIG                                                                                     \
    "\"config\":{\"mediaType\":\"" MEDIA_TYPE_OCI_CONFIG "\",\"size\":2,\"digest\":\"sha256:"      \
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"}"

/* A source of documents in memory; the last one added is its top. */
typedef struct MemorySource {
    ImageSource source;
    char *documents[MAX_DOCUMENTS];
    size_t count;
    size_t reads;
    const char *top_type; /* what is said of the top; NULL: nothing */
} MemorySource;

static int memory_read(ImageSource *source, const Digest *digest, RegistryDocument *ret, Error *err)
{
    MemorySource *memory = (MemorySource *)source;

    memory->reads++;
    for (size_t i = memory->count; i > 0; i--) {
        const char *text = memory->documents[i - 1];
        Digest own = digest_of(text, strlen(text));

        if (digest && !digest_equal(digest, &own))
            continue;
        *ret = (RegistryDocument) { .text = memory_strdup(text), .size = strlen(text) };
        if (!digest)
            ret->media_type = memory_strdup(memory->top_type);
        return 0;
    }
    return error_set(err, ERROR_NOT_FOUND, "nothing there");
}

static const ImageSourceOps memory_ops = { .read_manifest = memory_read };

static MemorySource *source_new(void)
{
    MemorySource *memory = NEW(MemorySource);

    memory->source.ops = &memory_ops;
    return memory;
}

static void source_free(MemorySource *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        free(memory->documents[i]);
    free(memory);
}
DEFINE_CLEANUP(MemorySource *, source_free);

static void add(MemorySource *memory, char *text)
{
    memory->documents[memory->count++] = text;
}

/* A manifest that differs by @seed. Returns an index's entry for it; @platform NULL: none is said.
 */
static char *add_manifest(MemorySource *memory, const char *seed, const char *platform)
{
    char *text = memory_printf("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
                               "\"," CONFIG ",\"layers\":[],\"annotations\":{\"seed\":\"%s\"}}",
                               seed);
    Digest digest = digest_of(text, strlen(text));

    add(memory, text);
    return memory_printf(
        "{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"size\":%zu,\"digest\":\"%s\"%s%s}",
        strlen(text), digest.text, platform ? ",\"platform\":" : "", platform ? platform : "");
}

/* An index of @entries, separated by commas. Returns an entry for it in another one. */
static char *add_index(MemorySource *memory, const char *entries)
{
    char *text = memory_printf("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX
                               "\",\"manifests\":[%s]}",
                               entries);
    Digest digest = digest_of(text, strlen(text));

    add(memory, text);
    return memory_printf("{\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX
                         "\",\"size\":%zu,\"digest\":\"%s\"}",
                         strlen(text), digest.text);
}

/* The seed of the manifest that was chosen, or "!kind: message". */
static char *chosen(StoreFixture *fixture, MemorySource *memory, const char *platform)
{
    _cleanup_platform_ Platform wanted = {};
    _cleanup_image_selection_ ImageSelection selection = {};
    _cleanup_error_ Error err = {};
    ImageSelectOptions options = { .source = &memory->source,
                                   .content = image_store_content(fixture->store),
                                   .platform = &wanted,
                                   .name = "x:1" };

    assert_int_equal(platform_parse(platform, &wanted, NULL), 0);
    if (image_select(&options, &selection, &err) < 0)
        return memory_printf("!%s: %s", error_kind_to_string(err.kind), err.message);
    return memory_strdup(string_map_get(&selection.manifest.annotations, "seed"));
}

static void assert_chosen(void **state, MemorySource *memory, const char *platform,
                          const char *expected)
{
    _cleanup_free_ char *result = chosen(*state, memory, platform);

    if (expected[0] == '!' ? !strstr(result, expected) : strcmp(result, expected) != 0)
        fail_msg("'%s' is not '%s'", result, expected);
}

#define ARM(variant) "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"" variant "\"}"
#define LINUX(architecture) "{\"os\":\"linux\",\"architecture\":\"" architecture "\"}"

/* An index of three entries as the top. */
static MemorySource *index_of(const char *first, const char *second, const char *third)
{
    MemorySource *memory = source_new();
    _cleanup_free_ char *one = add_manifest(memory, "1", first);
    _cleanup_free_ char *two = add_manifest(memory, "2", second);
    _cleanup_free_ char *three = add_manifest(memory, "3", third);
    _cleanup_free_ char *entries = memory_printf("%s,%s,%s", one, two, three);

    free(add_index(memory, entries));
    return memory;
}

static void a_manifest_is_taken_whatever_the_platform(void **state)
{
    _cleanup_(source_freep) MemorySource *memory = source_new();

    free(add_manifest(memory, "alone", NULL));
    assert_chosen(state, memory, "linux/riscv64", "alone");
}

static void the_nearest_variant_that_runs_is_chosen(void **state)
{
    _cleanup_(source_freep) MemorySource *memory = index_of(ARM("v5"), ARM("v7"), ARM("v6"));

    assert_chosen(state, memory, "linux/arm/v7", "2");
    assert_chosen(state, memory, "linux/arm/v6", "3");
    assert_chosen(state, memory, "linux/arm/v5", "1");
    assert_chosen(state, memory, "linux/arm/v4",
                  "!not-found: no image for platform 'linux/arm/v4'");
}

static void what_says_a_platform_comes_before_what_says_none(void **state)
{
    _cleanup_(source_freep) MemorySource *memory = index_of(NULL, LINUX("amd64"), LINUX("arm64"));

    assert_chosen(state, memory, "linux/amd64", "2");
    assert_chosen(state, memory, "linux/s390x", "1");
}

static void a_missing_platform_is_answered_with_those_there_are(void **state)
{
    _cleanup_(source_freep) MemorySource *memory = index_of(
        LINUX("amd64"), "{\"os\":\"unknown\",\"architecture\":\"unknown\"}", LINUX("arm64"));

    assert_chosen(state, memory, "linux/s390x",
                  "!not-found: no image for platform 'linux/s390x' in the manifest of 'x:1', there "
                  "are: linux/amd64, linux/arm64");
}

/* An index in an index, so many times, around one manifest. */
static MemorySource *nested(int depth)
{
    MemorySource *memory = source_new();
    char *entry = add_manifest(memory, "deep", LINUX("amd64"));

    for (int i = 0; i < depth; i++) {
        char *outer = add_index(memory, entry);

        free(entry);
        entry = outer;
    }
    free(entry);
    return memory;
}

static void indexes_are_followed_to_a_depth(void **state)
{
    _cleanup_(source_freep) MemorySource *four = nested(4), *five = nested(5);

    assert_chosen(state, four, "linux/amd64", "deep");
    assert_chosen(state, five, "linux/amd64", "!invalid: image index: nested more than 4 times");
}

static void an_index_that_amplifies_is_given_up(void **state)
{
    _cleanup_(source_freep) MemorySource *memory = source_new();
    char *entries = memory_strdup("");

    for (int i = 0; i < 40; i++) {
        _cleanup_free_ char *seed = memory_printf("%d", i);
        _cleanup_free_ char *manifest = add_manifest(memory, seed, LINUX("amd64"));
        _cleanup_free_ char *inner = NULL;
        char *longer;

        free(TAKE_PTR(memory->documents[--memory->count])); /* nothing is there */
        inner = add_index(memory, manifest);
        longer = memory_printf("%s%s%s", entries, *entries ? "," : "", inner);
        free(entries);
        entries = longer;
    }
    free(add_index(memory, entries));
    free(entries);
    assert_chosen(state, memory, "linux/s390x", "!invalid: image index: it leads to more than 32");
    assert_int_equal(memory->reads, 32);
}

static void a_document_that_contradicts_its_descriptor_is_refused(void **state)
{
    _cleanup_(source_freep) MemorySource *memory = source_new();
    _cleanup_free_ char *entry = add_manifest(memory, "1", LINUX("amd64"));
    char *size = strstr(entry, "\"size\":");

    size[strlen("\"size\":")] ^= 1; /* another digit */
    free(add_index(memory, entry));
    assert_chosen(state, memory, "linux/amd64", "!corrupt: manifest 'sha256:");

    memory->top_type = MEDIA_TYPE_OCI_MANIFEST;
    assert_chosen(state, memory, "linux/amd64", "!invalid: image manifest 'sha256:");
}

static void what_is_no_image_is_refused(void **state)
{
    _cleanup_(source_freep) MemorySource *memory = source_new();

    assert_chosen(state, memory, "linux/amd64", "!not-found: manifest for 'x:1' not found");
    add(memory, memory_strdup("{\"schemaVersion\":1,\"name\":\"x\"}"));
    assert_chosen(state, memory, "linux/amd64", "!unsupported: its manifest has Docker's schema");
    add(memory, memory_strdup("{\"schemaVersion\":2,\"mediaType\":\"text/x\"}"));
    assert_chosen(state, memory, "linux/amd64", "!unsupported: it is no image, but something of");
    add(memory, memory_strdup("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"text/x\",\"size\":"
                              "2,\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77"
                              "e8310c060f61caaff8a\"},\"layers\":[]}"));
    assert_chosen(state, memory, "linux/amd64", "!unsupported: it is no image, but an artifact of");
}

static void a_manifest_that_is_here_is_not_asked_for(void **state)
{
    StoreFixture *fixture = *state;
    _cleanup_(source_freep) MemorySource *memory = index_of(LINUX("amd64"), LINUX("arm64"), NULL);
    int lock_fd = -EBADF;
    Digest digest;

    assert_int_equal(content_store_lock(image_store_content(fixture->store), CONTENT_LOCK_ADD, true,
                                        &lock_fd, NULL),
                     0);
    assert_int_equal(content_store_put(image_store_content(fixture->store), memory->documents[0],
                                       strlen(memory->documents[0]), &digest, NULL),
                     0);
    (void)close(lock_fd);
    assert_chosen(state, memory, "linux/amd64", "1");
    assert_int_equal(memory->reads, 1);
    assert_chosen(state, memory, "linux/arm64", "2");
    assert_int_equal(memory->reads, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(a_manifest_is_taken_whatever_the_platform),
        store_test(the_nearest_variant_that_runs_is_chosen),
        store_test(what_says_a_platform_comes_before_what_says_none),
        store_test(a_missing_platform_is_answered_with_those_there_are),
        store_test(indexes_are_followed_to_a_depth),
        store_test(an_index_that_amplifies_is_given_up),
        store_test(a_document_that_contradicts_its_descriptor_is_refused),
        store_test(what_is_no_image_is_refused),
        store_test(a_manifest_that_is_here_is_not_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
