/* SPDX-License-Identifier: Apache-2.0 */

/* OCI layouts in the making. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "check.h"
#include "image/layout-writer.h"

typedef struct Place {
    char path[64];
    int fd;
} Place;

static int setup(void **state)
{
    Place *place = NEW(Place);

    (void)snprintf(place->path, sizeof(place->path), "/tmp/cay-layout-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(place->fd >= 0);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    Place *place = *state;

    fd_close(place->fd);
    assert_int_equal(path_remove_tree(AT_FDCWD, place->path), 0);
    free(place);
    return 0;
}

static int make_blob(const char *text, Descriptor *ret)
{
    Digest digest = digest_of(text, strlen(text));
    int fd = memfd_create("blob", MFD_CLOEXEC);

    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    *ret = (Descriptor) { .digest = memory_strdup(digest.text), .size = (int64_t)strlen(text) };
    return fd;
}

static RegistryDocument make_document(const char *text)
{
    return (RegistryDocument) { .text = memory_strdup(text),
                                .size = strlen(text),
                                .media_type = memory_strdup(MEDIA_TYPE_OCI_MANIFEST),
                                .digest = digest_of(text, strlen(text)) };
}

static void read_index(const Place *place, ManifestIndex *ret)
{
    _cleanup_free_ char *text = NULL;
    size_t size;

    assert_int_equal(file_read_at(place->fd, "index.json", 65536, &text, &size), 0);
    assert_int_equal(manifest_index_parse(text, size, ret, NULL), 0);
}

/* One image called @name (NULL: without a name), written by a writer of its own. */
static void write_image(const Place *place, const char *text, const char *name)
{
    _cleanup_(layout_writer_freep) LayoutWriter *writer = NULL;
    _cleanup_registry_document_ RegistryDocument document = make_document(text);
    _cleanup_string_map_ StringMap annotations = {};

    if (name)
        string_map_set(&annotations, ANNOTATION_REF_NAME, name);
    assert_int_equal(layout_writer_open(place->fd, false, &writer, NULL), 0);
    assert_int_equal(layout_writer_put_document(writer, &document, NULL), 0);
    layout_writer_add_image(writer, &document, &annotations);
    assert_int_equal(layout_writer_finish(writer, true, NULL), 0);
}

static void a_name_leads_to_the_image_that_got_it_last(void **state)
{
    const Place *place = *state;
    _cleanup_manifest_index_ ManifestIndex index = {};

    write_image(place, "{\"1\":1}", "one");
    write_image(place, "{\"2\":2}", "two");
    write_image(place, "{\"3\":3}", "one");
    write_image(place, "{\"4\":4}", NULL);
    write_image(place, "{\"4\":4}", NULL);
    read_index(place, &index);
    assert_int_equal(index.manifests.count, 3);
    assert_string_equal(string_map_get(&index.manifests.items[0].annotations, ANNOTATION_REF_NAME),
                        "two");
    assert_string_equal(index.manifests.items[1].digest, digest_of("{\"3\":3}", 7).text);
    assert_string_equal(index.manifests.items[2].digest, digest_of("{\"4\":4}", 7).text);
}

static void what_is_not_finished_is_gone(void **state)
{
    const Place *place = *state;
    LayoutWriter *writer = NULL;
    Descriptor blob = {};
    _cleanup_close_ int fd = make_blob("content", &blob);
    _cleanup_free_ char *path = memory_printf("blobs/sha256/%s", blob.digest + 7);

    assert_int_equal(layout_writer_open(place->fd, false, &writer, NULL), 0);
    assert_int_equal(layout_writer_put_blob(writer, &blob, fd, NULL), 0);
    assert_true(layout_writer_has_blob(writer, &blob));
    assert_int_equal(faccessat(place->fd, path, F_OK, 0), 0);
    layout_writer_free(writer);
    assert_true(faccessat(place->fd, path, F_OK, 0) < 0);
    assert_true(faccessat(place->fd, "index.json", F_OK, 0) < 0);
    free(blob.digest);
}

static void a_blob_of_another_digest_or_size_is_refused(void **state)
{
    const Place *place = *state;
    _cleanup_(layout_writer_freep) LayoutWriter *writer = NULL;
    Descriptor blob = {}, other = {};
    _cleanup_close_ int fd = make_blob("content", &blob);
    _cleanup_close_ int other_fd = make_blob("CONTENT", &other);
    Descriptor longer = { .digest = blob.digest, .size = blob.size + 1 };
    Error err = {};

    assert_int_equal(layout_writer_open(place->fd, true, &writer, NULL), 0);
    assert_true(layout_writer_put_blob(writer, &blob, other_fd, &err) < 0);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_true(layout_writer_put_blob(writer, &longer, fd, &err) < 0);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_false(layout_writer_has_blob(writer, &blob));
    error_done(&err);
    free(blob.digest);
    free(other.digest);
}

static void an_index_that_is_none_is_refused(void **state)
{
    const Place *place = *state;
    LayoutWriter *writer = NULL;
    Error err = {};

    assert_int_equal(file_write_at(place->fd, "index.json", "{}", 2, 0644, 0), 0);
    assert_true(layout_writer_open(place->fd, false, &writer, &err) < 0);
    assert_int_equal(err.kind, ERROR_INVALID);
    error_done(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_leads_to_the_image_that_got_it_last, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_not_finished_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blob_of_another_digest_or_size_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_index_that_is_none_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
