/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Recovery: finishing or undoing what a process that died had begun. Whoever takes the lock of a
 * container that nobody holds decides by its row and its exit record what became of it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/container-network.h"
#include "engine/container-private.h"
#include "engine/network.h"
#include "engine/volume-private.h"
#include "storage/snapshot.h"
#include "supervisor/shim-status.h"

/* In the runtime directory: stands for a look at the state directory since the last boot. */
#define SCANNED_NAME "../scanned"

int container_claim_load(ContainerClaim *claim, const char *id, Error *err)
{
    int r = container_row_load(claim->engine, id, &claim->container, err);

    if (r < 0)
        return r;
    claim->directory_fd =
        openat(claim->engine->containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return 0;
}

/*
 * Has the container run since its row was written? Its shim's last status or its exit record tell,
 * although nobody lived to write down that it started. One that has filled the disk has no such
 * record; what a new container wrote tells, and is not ours to drop.
 */
static bool has_run(const ContainerClaim *claim)
{
    const Container *container = claim->container;
    int64_t last_start = container->state == CONTAINER_CREATING ? 0 : container->started_at;
    _cleanup_shim_status_ ShimStatus status = {};
    _cleanup_shim_exit_ ShimExit record = {};
    _cleanup_error_ Error ignored = {};

    if (shim_status_read(claim->lock_fd, &status) >= 0 && status.started_at > last_start)
        return true;
    if (shim_exit_read(claim->directory_fd, &record, &ignored) >= 0)
        return record.started_at > last_start;
    return container->state == CONTAINER_CREATING && claim->directory_fd >= 0 &&
           snapshot_has_changes(claim->directory_fd);
}

/* The row says that nothing goes on, but whoever has started it may have died before its row was
 * written: then it is brought to running, so that its end is recorded. */
static int recover_settled(ContainerClaim *claim, Error *err)
{
    int r = container_kill_remains(claim, err);

    if (r < 0)
        return r;
    if (!has_run(claim)) {
        container_network_unplug(claim->engine, claim->container); /* a start that was cut short */
        return 0;
    }
    if (claim->container->spec.auto_remove)
        return container_claim_remove(claim, err);
    r = container_set_state(claim->container, CONTAINER_RUNNING, err);
    return r < 0 ? r : container_claim_record_exit(claim, NULL, err);
}

int container_claim_recover(ContainerClaim *claim, Error *err)
{
    Container *container = claim->container;
    int r;

    if (container->state == CONTAINER_CREATED || container->state == CONTAINER_EXITED)
        return recover_settled(claim, err);

    r = container_kill_remains(claim, err);
    if (r < 0)
        return r;
    if (container->state == CONTAINER_REMOVING || container->spec.auto_remove)
        return container_claim_remove(claim, err);
    if (container->state == CONTAINER_CREATING && !has_run(claim))
        return container_claim_remove(claim, err);
    return container_claim_record_exit(claim, NULL, err);
}

/* @id has no row. What it left is removed; the caller holds its lock, so nobody is making it. */
static int remove_orphan(ContainerClaim *claim, const char *id, Error *err)
{
    int r;

    claim->container = NEW(Container); /* stands for what is gone, so that the claim cleans up */
    (void)strncpy(claim->container->id, id, CONTAINER_ID_LENGTH);
    r = container_kill_remains(claim, err);
    if (r < 0)
        return r;
    r = path_remove_tree(claim->engine->containers_fd, id);
    if (r < 0)
        return error_result(err, r, "remove files of container '%.12s'", id);
    return 0;
}

/*
 * Somebody holds container @id. When that is only its shim any more, since who started it was
 * killed before it could write down that it runs, we do. A maker that lives writes the same.
 */
static int record_start(Engine *engine, const char *id, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    _cleanup_close_ int runtime_fd = -EBADF;

    if (container_row_load(engine, id, &container, NULL) < 0 ||
        container->state == CONTAINER_RUNNING || container->state == CONTAINER_REMOVING)
        return 0;
    runtime_fd = openat(engine->runtime_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (runtime_fd < 0 || shim_client_connect(runtime_fd, &shim, NULL) < 0 ||
        shim_client_started_at(shim) == 0)
        return 0; /* it is being made */
    return container_row_record_start(engine, id, shim_client_container_pid(shim),
                                      shim_client_started_at(shim), err);
}

static int recover_claimed(ContainerClaim *claim, const char *id, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = container_claim_load(claim, id, &problem);

    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return remove_orphan(claim, id, err);
    if (r >= 0)
        r = container_claim_recover(claim, &problem);
    if (r < 0)
        error_move(err, &problem);
    return r;
}

int container_recover(Engine *engine, const char *id, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    int r = container_claim_take(engine, id, false, &claim, err);

    if (r == -EWOULDBLOCK)
        r = record_start(engine, id, err);
    else if (r >= 0)
        r = recover_claimed(claim, id, err);
    return r < 0 ? r : container_update_finish(engine, id, err);
}

int container_recover_name(Engine *engine, const char *name, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_free_ char *id = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT id FROM container WHERE name = ? AND state NOT IN (?, ?)",
                             "sss", name, container_state_to_string(CONTAINER_CREATED),
                             container_state_to_string(CONTAINER_EXITED));

    if (r >= 0)
        r = statement_step(statement, err);
    if (r <= 0)
        return r;
    id = memory_strdup(statement_text(statement, 0));
    statement_free(TAKE_PTR(statement)); /* a reader would be in the way of its own writes */
    return container_recover(engine, id, err);
}

static bool is_container_id(const char *name)
{
    return strlen(name) == CONTAINER_ID_LENGTH &&
           strspn(name, "0123456789abcdef") == CONTAINER_ID_LENGTH;
}

/*
 * Ids that have a directory in @dir_fd; @ids may be NULL. What has a name that begins with a dot is
 * on its way in or out, and is removed in passing.
 */
static int list_directories(int dir_fd, StringList *ids, Error *err)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open_at(dir_fd, ".", &directory);

    while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
        if (ids && is_container_id(entry->d_name))
            string_list_add(ids, entry->d_name);
        else if (entry->d_name[0] == '.')
            (void)path_remove_tree(dir_fd, entry->d_name); /* tried again by the next command */
    }
    return r < 0 ? error_result(err, r, "list containers") : 0;
}

static void recover_one(Engine *engine, const char *id)
{
    _cleanup_error_ Error problem = {};

    /* One that cannot be recovered now must not keep the others, or the command, from going on. */
    if (container_recover(engine, id, &problem) < 0)
        log_warning("recover container '%.12s': %s", id, error_message(&problem));
}

/*
 * Directories without a row: only a power loss, which may undo what was committed last, leaves any.
 * So once after each boot is enough, when nothing is known of the runtime directory yet.
 */
static int recover_orphans(Engine *engine, Error *err)
{
    _cleanup_string_list_ StringList directories = {};
    int r;

    if (faccessat(engine->runtime_fd, SCANNED_NAME, F_OK, 0) == 0)
        return 0;
    r = list_directories(engine->containers_fd, &directories, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < directories.count; i++)
        if (!container_row_exists(engine, directories.items[i]))
            recover_one(engine, directories.items[i]);
    (void)mkdirat(engine->runtime_fd, SCANNED_NAME, 0700); /* else the next one looks again */
    return 0;
}

/* Ids of rows that say that something is going on, those that should be running by themselves. */
static int list_unsettled(Engine *engine, StringList *running, StringList *others, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    const char *running_name = container_state_to_string(CONTAINER_RUNNING);
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT id, state FROM container"
                             " WHERE state IN ('creating', 'running', 'removing') ORDER BY id",
                             "");

    if (r < 0)
        return r;
    while ((r = statement_step(statement, err)) > 0)
        string_list_add(strcmp(statement_text(statement, 1), running_name) == 0 ? running : others,
                        statement_text(statement, 0));
    return r;
}

/* Does anybody hold the container's lock? Costs no more than it must: it is asked of every running
 * container by every command that shows them. */
static bool is_held(const Engine *engine, const char *id)
{
    char path[CONTAINER_ID_LENGTH + sizeof("/" CONTAINER_LOCK_NAME)];
    _cleanup_close_ int fd = -EBADF;

    (void)snprintf(path, sizeof(path), "%s/" CONTAINER_LOCK_NAME, id);
    fd = openat(engine->runtime_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool contains_sorted(const StringList *ids, const char *id)
{
    return ids->count > 0 &&
           bsearch(&id, ids->items, ids->count, sizeof(ids->items[0]), compare_ids) != NULL;
}

static int recover(Engine *engine, bool with_running, Error *err)
{
    _cleanup_string_list_ StringList running = {}, others = {}, directories = {}, updating = {};
    _cleanup_error_ Error problem = {};
    int r = volume_recover_all(engine, err);

    if (r >= 0)
        r = network_recover_all(engine, err);
    if (r >= 0)
        r = recover_orphans(engine, err);
    /* Who is writing to the cache right now loses the file and does without: it is only a cache. */
    if (r >= 0)
        r = list_directories(engine->cache_fd, NULL, err);
    /* First the directories: what is started meanwhile is in the rows then. */
    if (r >= 0)
        r = list_directories(engine->runtime_fd, &directories, err);
    if (r >= 0)
        r = list_unsettled(engine, &running, &others, err);
    if (r >= 0)
        r = container_row_list_pending(engine, &updating, err);
    if (r < 0)
        return r;

    for (size_t i = 0; i < updating.count; i++)
        recover_one(engine, updating.items[i]);

    for (size_t i = 0; i < running.count && with_running; i++)
        if (!is_held(engine, running.items[i]))
            recover_one(engine, running.items[i]);
    for (size_t i = 0; i < others.count; i++)
        recover_one(engine, others.items[i]);
    /* A settled container has no runtime directory, unless who settled or started it was killed. */
    for (size_t i = 0; i < directories.count; i++)
        if (!contains_sorted(&running, directories.items[i]) &&
            !contains_sorted(&others, directories.items[i]))
            recover_one(engine, directories.items[i]);
    /* What cannot be repaired is no reason not to show, or stop, a container. */
    if (container_network_repair(engine, false, &problem) < 0)
        log_warning("%s", error_message(&problem));
    return 0;
}

int container_recover_all(Engine *engine, Error *err)
{
    return recover(engine, true, err);
}

int container_recover_others(Engine *engine, Error *err)
{
    return recover(engine, false, err);
}
