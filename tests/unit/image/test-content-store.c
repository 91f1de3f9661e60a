/* SPDX-License-Identifier: Apache-2.0 */

/* The content store: whole verified blobs, staging that outlives nobody. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "check.h"

static ContentStore *content_of(void **state)
{
    StoreFixture *fixture = *state;

    return image_store_content(fixture->store);
}

static int lock(void **state, ContentLock mode)
{
    int fd = -EBADF;

    assert_int_equal(content_store_lock(content_of(state), mode, true, &fd, NULL), 0);
    return fd;
}

static bool exists(void **state, const char *path)
{
    StoreFixture *fixture = *state;

    return faccessat(fixture->state_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void overwrite_blob(void **state, const Digest *digest, const char *text)
{
    StoreFixture *fixture = *state;
    _cleanup_free_ char *path = memory_printf("content/blobs/sha256/%s", digest_hex(digest));
    _cleanup_close_ int fd = openat(fixture->state_fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void the_first_lock_makes_a_valid_layout(void **state)
{
    StoreFixture *fixture = *state;
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    _cleanup_free_ char *layout = NULL;

    assert_true(lock_fd >= 0);
    assert_int_equal(file_read_at(fixture->state_fd, "content/oci-layout", 100, &layout, NULL), 0);
    assert_string_equal(layout, "{\"imageLayoutVersion\":\"1.0.0\"}");
    assert_true(exists(state, "content/index.json"));
    assert_true(exists(state, "content/blobs/sha256"));
}

static void a_layout_of_another_version_is_left_alone(void **state)
{
    StoreFixture *fixture = *state;
    static const char text[] = "{\"imageLayoutVersion\":\"2.0.0\"}";
    _cleanup_close_ int content_fd = openat(fixture->state_fd, "content", O_RDONLY | O_CLOEXEC);
    _cleanup_error_ Error err = {};
    int fd = -EBADF;

    assert_int_equal(file_write_at(content_fd, "oci-layout", text, strlen(text), 0600, 0), 0);
    assert_true(content_store_lock(content_of(state), CONTENT_LOCK_ADD, true, &fd, &err) < 0);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

static void a_blob_is_read_back_verified(void **state)
{
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    _cleanup_free_ char *data = NULL;
    size_t size;
    Digest digest;

    (void)lock_fd;
    assert_int_equal(content_store_put(content_of(state), "hello", 5, &digest, NULL), 0);
    assert_int_equal(content_store_read(content_of(state), &digest, &data, &size, NULL), 0);
    assert_int_equal(size, 5);
    assert_memory_equal(data, "hello", 5);
}

static void a_damaged_blob_is_noticed_and_replaced(void **state)
{
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    _cleanup_free_ char *data = NULL;
    _cleanup_error_ Error err = {};
    Digest digest;

    (void)lock_fd;
    assert_int_equal(content_store_put(content_of(state), "hello", 5, &digest, NULL), 0);
    overwrite_blob(state, &digest, "jello");
    assert_false(content_store_verify(content_of(state), &digest, NULL));
    assert_true(content_store_read(content_of(state), &digest, &data, NULL, &err) < 0);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_int_equal(content_store_put(content_of(state), "hello", 5, &digest, NULL), 0);
    assert_true(content_store_verify(content_of(state), &digest, NULL));
}

static void a_missing_or_oversized_blob_is_an_error_of_its_kind(void **state)
{
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    _cleanup_free_ char *data = NULL;
    _cleanup_error_ Error err = {};
    _cleanup_free_ char *large = memory_new(1, CONTENT_READ_MAX_SIZE + 1);
    Digest digest = digest_of("x", 1);

    (void)lock_fd;
    assert_true(content_store_read(content_of(state), &digest, &data, NULL, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(
        content_store_put(content_of(state), large, CONTENT_READ_MAX_SIZE + 1, &digest, NULL), 0);
    assert_true(content_store_read(content_of(state), &digest, &data, NULL, &err) < 0);
    assert_int_equal(err.kind, ERROR_CORRUPT);
}

static void stage(ContentStaging *staging, const char *name, const char *text)
{
    _cleanup_close_ int fd = -EBADF;

    assert_int_equal(content_staging_create(staging, name, &fd, NULL), 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void a_staged_file_becomes_a_blob_only_with_the_right_digest(void **state)
{
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    _cleanup_(content_staging_freep) ContentStaging *staging = NULL;
    Digest right = digest_of("data", 4), wrong = digest_of("other", 5);
    _cleanup_error_ Error err = {};
    int64_t size;

    (void)lock_fd;
    assert_int_equal(content_staging_begin(content_of(state), &staging, NULL), 0);
    stage(staging, "f", "data");
    assert_true(content_staging_commit(staging, "f", &wrong, NULL, &err) < 0);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_false(content_store_verify(content_of(state), &wrong, NULL));
    assert_int_equal(content_staging_commit(staging, "f", &right, &size, NULL), 0);
    assert_int_equal(size, 4);
    assert_true(content_store_verify(content_of(state), &right, NULL));
}

static size_t count_entries(void **state, const char *path)
{
    StoreFixture *fixture = *state;
    _cleanup_free_ char *full = memory_printf("%s/%s", fixture->path, path);
    struct stat st;

    assert_int_equal(stat(full, &st), 0);
    return (size_t)st.st_nlink - 2; /* subdirectories */
}

static void staging_of_the_living_stays_and_of_the_dead_goes(void **state)
{
    StoreFixture *fixture = *state;
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    _cleanup_(content_staging_freep) ContentStaging *alive = NULL;
    _cleanup_(content_staging_freep) ContentStaging *next = NULL;

    (void)lock_fd;
    assert_int_equal(content_staging_begin(content_of(state), &alive, NULL), 0);
    stage(alive, "f", "data");
    assert_int_equal(mkdirat(fixture->state_fd, "content/staging/dead", 0700), 0);
    assert_int_equal(mkdirat(fixture->state_fd, "content/staging/dead/sub", 0700), 0);
    assert_int_equal(content_staging_begin(content_of(state), &next, NULL), 0);
    assert_false(exists(state, "content/staging/dead"));
    assert_int_equal(count_entries(state, "content/staging"), 2);
    assert_int_equal(faccessat(content_staging_fd(alive), "f", F_OK, 0), 0);
}

static void freed_staging_leaves_nothing(void **state)
{
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    ContentStaging *staging = NULL;

    (void)lock_fd;
    assert_int_equal(content_staging_begin(content_of(state), &staging, NULL), 0);
    stage(staging, "f", "data");
    content_staging_free(staging);
    assert_int_equal(count_entries(state, "content/staging"), 0);
}

static void sweeping_removes_what_is_not_needed_and_halves_of_files(void **state)
{
    StoreFixture *fixture = *state;
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_REMOVE);
    _cleanup_digest_set_ DigestSet kept = {};
    _cleanup_close_ int fd = -EBADF;
    Digest needed, needless;

    (void)lock_fd;
    assert_int_equal(content_store_put(content_of(state), "a", 1, &needed, NULL), 0);
    assert_int_equal(content_store_put(content_of(state), "b", 1, &needless, NULL), 0);
    fd = openat(fixture->state_fd, "content/blobs/sha256/.tmp-1", O_CREAT | O_RDWR | O_CLOEXEC,
                0600);
    assert_true(fd >= 0);
    digest_set_add(&kept, &needed);
    assert_int_equal(content_store_sweep(content_of(state), &kept, NULL), 0);
    assert_true(content_store_verify(content_of(state), &needed, NULL));
    assert_false(content_store_verify(content_of(state), &needless, NULL));
    assert_false(exists(state, "content/blobs/sha256/.tmp-1"));
    assert_true(exists(state, "content/index.json"));
}

static void adders_share_the_lock_and_the_remover_waits(void **state)
{
    StoreFixture other;
    _cleanup_close_ int first = lock(state, CONTENT_LOCK_ADD);
    _cleanup_close_ int second = -EBADF;
    _cleanup_close_ int third = -EBADF;

    store_fixture_reopen(*state, &other);
    assert_true(first >= 0);
    assert_int_equal(content_store_lock(image_store_content(other.store), CONTENT_LOCK_ADD, false,
                                        &second, NULL),
                     0);
    assert_int_equal(content_store_lock(image_store_content(other.store), CONTENT_LOCK_REMOVE,
                                        false, &third, NULL),
                     -EAGAIN);
    first = fd_close(first);
    second = fd_close(second);
    assert_int_equal(content_store_lock(image_store_content(other.store), CONTENT_LOCK_REMOVE,
                                        false, &third, NULL),
                     0);
    store_fixture_close(&other);
}

static ContentPartial *take_partial(void **state, const Digest *digest)
{
    ContentPartial *partial = NULL;

    assert_int_equal(content_partial_open(content_of(state), digest, false, &partial, NULL), 0);
    return partial;
}

static void a_partial_blob_survives_who_fetches_it(void **state)
{
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    Digest digest = digest_of("whole", 5);
    ContentPartial *partial = take_partial(state, &digest);
    char buffer[8] = {};

    assert_int_equal(fd_write_all(content_partial_fd(partial), "who", 3), 0);
    content_partial_free(partial);
    partial = take_partial(state, &digest);
    assert_int_equal(pread(content_partial_fd(partial), buffer, sizeof(buffer), 0), 3);
    assert_string_equal(buffer, "who");
    assert_int_equal(content_partial_discard(partial, NULL), 0);
    assert_int_equal(pread(content_partial_fd(partial), buffer, sizeof(buffer), 0), 0);
    content_partial_free(partial);
    assert_true(lock_fd >= 0);
}

static void a_partial_blob_becomes_the_blob(void **state)
{
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    Digest digest = digest_of("whole", 5);
    ContentPartial *partial = take_partial(state, &digest);

    assert_int_equal(fd_write_all(content_partial_fd(partial), "whole", 5), 0);
    assert_false(content_store_has(content_of(state), &digest, 5));
    assert_int_equal(content_partial_commit(partial, false, NULL), 0);
    content_partial_free(partial);
    assert_true(content_store_verify(content_of(state), &digest, NULL));
    assert_true(content_store_has(content_of(state), &digest, 5));
    assert_false(content_store_has(content_of(state), &digest, 4));
    assert_true(lock_fd >= 0);
}

static void a_partial_blob_has_one_owner_at_a_time(void **state)
{
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_ADD);
    Digest digest = digest_of("whole", 5);
    ContentPartial *partial = take_partial(state, &digest), *other = NULL;
    _cleanup_error_ Error err = {};

    assert_int_equal(content_partial_open(content_of(state), &digest, false, &other, &err),
                     -EAGAIN);
    assert_false(error_is_set(&err));
    assert_int_equal(content_store_drop_partials(content_of(state), NULL), 0);
    assert_int_equal(content_partial_commit(partial, false, NULL), 0);
    content_partial_free(partial);
    other = take_partial(state, &digest); /* another file: the first is the blob by now */
    content_partial_free(other);
    assert_true(content_store_has(content_of(state), &digest, 0));
    assert_true(lock_fd >= 0);
}

/* Is there anything in content/partial/? */
static bool has_partial(void **state, const Digest *digest)
{
    _cleanup_free_ char *path = memory_printf("content/partial/%s", digest_hex(digest));

    return exists(state, path);
}

static void partial_blobs_go_when_nobody_has_taken_them_up_for_a_week(void **state)
{
    _cleanup_close_ int lock_fd = lock(state, CONTENT_LOCK_REMOVE);
    const struct timespec long_ago[2] = {};
    Digest old = digest_of("old", 3), recent = digest_of("new", 3), empty = digest_of("", 0);
    ContentPartial *partial = take_partial(state, &old);
    _cleanup_digest_set_ DigestSet kept = {};

    assert_int_equal(fd_write_all(content_partial_fd(partial), "o", 1), 0);
    assert_int_equal(futimens(content_partial_fd(partial), long_ago), 0);
    assert_int_equal(content_store_sweep(content_of(state), &kept, NULL), 0);
    assert_true(has_partial(state, &old)); /* somebody is at it */
    content_partial_free(partial);
    partial = take_partial(state, &recent);
    assert_int_equal(fd_write_all(content_partial_fd(partial), "n", 1), 0);
    content_partial_free(partial);
    content_partial_free(take_partial(state, &empty));

    assert_int_equal(content_store_sweep(content_of(state), &kept, NULL), 0);
    assert_false(has_partial(state, &old));
    assert_true(has_partial(state, &recent));
    assert_false(has_partial(state, &empty));
    assert_int_equal(content_store_drop_partials(content_of(state), NULL), 0);
    assert_false(has_partial(state, &recent));
    assert_true(lock_fd >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(the_first_lock_makes_a_valid_layout),
        store_test(a_layout_of_another_version_is_left_alone),
        store_test(a_blob_is_read_back_verified),
        store_test(a_damaged_blob_is_noticed_and_replaced),
        store_test(a_missing_or_oversized_blob_is_an_error_of_its_kind),
        store_test(a_staged_file_becomes_a_blob_only_with_the_right_digest),
        store_test(staging_of_the_living_stays_and_of_the_dead_goes),
        store_test(freed_staging_leaves_nothing),
        store_test(sweeping_removes_what_is_not_needed_and_halves_of_files),
        store_test(adders_share_the_lock_and_the_remover_waits),
        store_test(a_partial_blob_survives_who_fetches_it),
        store_test(a_partial_blob_becomes_the_blob),
        store_test(a_partial_blob_has_one_owner_at_a_time),
        store_test(partial_blobs_go_when_nobody_has_taken_them_up_for_a_week),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
