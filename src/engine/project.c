/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Numbers are random: others that use projects of the same file system, and other installations,
 * know nothing of our rows, and what they count from one upwards is left to them.
 */

#include "engine/project.h"

#include "base/parse.h"
#include "base/random-id.h"
#include "engine/engine-private.h"
#include "storage/project-quota.h"

/* Above what administrators and other engines count up to, below what is negative to some tools. */
#define FIRST_PROJECT ((uint32_t)1 << 24)
#define LAST_PROJECT ((uint32_t)INT32_MAX)

/* Far from where sums of sizes overflow. */
#define SIZE_MAX_BYTES ((int64_t)1 << 60)

int project_parse_size(const char *text, int64_t *ret, Error *err)
{
    int64_t bytes;

    if (parse_size(text, &bytes) < 0)
        return error_set(err, ERROR_INVALID, "'%s' is not a size such as '10G'", text);
    if (bytes > SIZE_MAX_BYTES)
        return error_set(err, ERROR_INVALID, "'%s' is more than any disk has", text);
    if (bytes < PROJECT_QUOTA_MIN)
        return error_set(err, ERROR_INVALID, "'%s' is less than 1 MiB", text);
    *ret = bytes;
    return 0;
}

/* Returns 1 when a row has it, 0 or -errno. */
static int is_taken(Engine *engine, uint32_t project, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(engine->database, &statement, err,
                             "SELECT 1 FROM container WHERE project = ? AND project > 0"
                             " UNION ALL SELECT 1 FROM volume WHERE project = ? AND project > 0",
                             "ii", (int64_t)project, (int64_t)project);

    return r < 0 ? r : statement_step(statement, err);
}

int project_choose(Engine *engine, int fd, uint32_t *ret, Error *err)
{
    uint32_t project;
    int r = project_quota_check(fd, err);

    if (r < 0)
        return r;
    do {
        random_bytes(&project, sizeof(project));
        project = FIRST_PROJECT + project % (LAST_PROJECT - FIRST_PROJECT);
        r = is_taken(engine, project, err);
        if (r < 0)
            return r;
    } while (r > 0 || !project_quota_is_free(fd, project));

    *ret = project;
    return 0;
}
