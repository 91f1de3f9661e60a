/* SPDX-License-Identifier: Apache-2.0 */

/* Who has the files of volumes: a table of drivers. */

#include <string.h>

#include "engine/volume-private.h"

static const struct {
    const char *name;
    const VolumeDriver *driver;
} drivers[] = {
    { VOLUME_DRIVER_LOCAL, &volume_local_driver },
};

int volume_driver_find(Engine *engine, const char *name, const VolumeDriver **ret, Error *err)
{
    (void)engine;
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        if (strcmp(drivers[i].name, name) == 0) {
            *ret = drivers[i].driver;
            return 0;
        }
    }
    return error_set(err, ERROR_NOT_FOUND, "no such volume driver: '%s'", name);
}
