/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Settings to control files. What the kernel refuses is tried again after the rest, because some
 * limits bound each other (memory and memory plus swap, quota and period) and only one order works,
 * which depends on what was there before. What cannot be met is an error that names the field.
 */

#include "sandbox/cgroup-settings-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"

#define CONTROL_SIZE_MAX 65536

void settings_done(Settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free((char *)settings->items[i].file);
        free((char *)settings->items[i].text);
        free((char *)settings->items[i].other_file);
        free((char *)settings->items[i].other_text);
    }
    free(settings->items);
}

void settings_add(Settings *settings, Setting setting)
{
    settings->items =
        memory_grow(settings->items, &settings->capacity, settings->count + 1, sizeof(Setting));
    setting.file = memory_strdup(setting.file);
    setting.text = memory_strdup(setting.text);
    setting.other_file = memory_strdup(setting.other_file);
    setting.other_text = memory_strdup(setting.other_text);
    settings->items[settings->count++] = setting;
}

bool settings_is_v2(const Settings *settings, CgroupController controller)
{
    const CgroupHierarchy *hierarchy = cgroup_find_controller(settings->cgroup, controller);

    return !hierarchy || hierarchy->is_v2;
}

static bool is_denied(const Cgroup *cgroup, CgroupController controller)
{
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        const CgroupHierarchy *hierarchy = &cgroup->layout.items[i];

        if (hierarchy->is_denied &&
            (hierarchy->is_v2 || hierarchy->controllers & CGROUP_BIT(controller)))
            return true;
    }
    return false;
}

/* No hierarchy has it: because it was not permitted, or because there is none. */
static int report_no_place(const Cgroup *cgroup, const Setting *setting, Error *err)
{
    if (is_denied(cgroup, setting->controller))
        return error_set(err, ERROR_DENIED,
                         "limit '%s': no permission to make a cgroup: have one delegated, or run "
                         "without limits",
                         setting->field);
    if (setting->controller == CGROUP_UNIFIED)
        return error_set(err, ERROR_UNSUPPORTED,
                         "limit 'unified.%s': this host has no cgroup2 hierarchy", setting->file);
    if (cgroup_unified(cgroup) && cgroup->layout.count == 1)
        return error_set(err, ERROR_UNSUPPORTED, "limit '%s': cgroup '%s' has no controller '%s'",
                         setting->field, cgroup->path,
                         cgroup_controller_name(setting->controller, false));
    return error_set(err, ERROR_UNSUPPORTED, "limit '%s': this host has no cgroup controller '%s'",
                     setting->field, cgroup_controller_name(setting->controller, false));
}

static int find_place(const Settings *settings, const Setting *setting, const CgroupHierarchy **ret,
                      Error *err)
{
    *ret = setting->controller == CGROUP_UNIFIED
               ? cgroup_unified(settings->cgroup)
               : cgroup_find_controller(settings->cgroup, setting->controller);
    if (!*ret)
        return report_no_place(settings->cgroup, setting, err);
    if (!setting->file)
        return error_set(err, ERROR_UNSUPPORTED,
                         "limit '%s': this kernel's cgroups have no such limit", setting->field);
    return 0;
}

static int report(const Setting *setting, int r, Error *err)
{
    bool is_unified = setting->controller == CGROUP_UNIFIED;
    _cleanup_free_ char *field = memory_printf("%s%s%s", setting->field, is_unified ? "." : "",
                                               is_unified ? setting->file : "");

    switch (r) {
    case -EINVAL:
    case -ERANGE:
    case -EOVERFLOW:
    case -ENODEV:
    case -ENXIO:
    case -EACCES: /* CPUs or nodes that the parent does not have */
        return error_set(err, ERROR_INVALID, "limit '%s': the kernel refuses '%s' for %s", field,
                         setting->text, setting->file);
    case -ENOENT:
    case -EOPNOTSUPP:
        return error_set(err, ERROR_UNSUPPORTED, "limit '%s': this kernel has no %s", field,
                         setting->file);
    case -EUCLEAN: /* of read_back() */
        return error_set(err, ERROR_UNSUPPORTED,
                         "limit '%s': this kernel takes a value for %s and ignores it", field,
                         setting->file);
    case -EBUSY:
        return error_set(err, ERROR_CONFLICT, "limit '%s': more than '%s' is in use", field,
                         setting->text);
    default:
        return error_result(err, r, "limit '%s': write '%s' to %s", field, setting->text,
                            setting->file);
    }
}

/* The kernel rounds to pages, so what it has may be less by part of one. */
static int read_back(const CgroupHierarchy *hierarchy, const Setting *setting)
{
    long long wanted = strtoll(setting->text, NULL, 10), got;
    _cleanup_free_ char *text = NULL;
    int r = file_read_at(hierarchy->fd, setting->file, CONTROL_SIZE_MAX, &text, NULL);

    if (r < 0 || wanted < 0)
        return r;
    got = strtoll(text, NULL, 10);
    return got <= wanted && wanted - got < 65536 ? 0 : -EUCLEAN;
}

static int write_setting(const CgroupHierarchy *hierarchy, const Setting *setting)
{
    int r = file_poke_at(hierarchy->fd, setting->file, setting->text);

    if (r == 0 && setting->flags & SETTING_IS_READ_BACK)
        return read_back(hierarchy, setting);
    if (r == -ENOENT && setting->other_file)
        r = file_poke_at(hierarchy->fd, setting->other_file,
                         setting->other_text ? setting->other_text : setting->text);
    return r == -ENOENT && setting->flags & SETTING_IS_OPTIONAL ? 0 : r;
}

/* What is written now, one line of each file: those of lists are given line by line. */
static void read_previous(const Settings *settings, Settings *previous)
{
    for (size_t i = 0; i < settings->count; i++) {
        Setting setting = settings->items[i];
        const CgroupHierarchy *hierarchy;
        _cleanup_free_ char *text = NULL;
        int r = find_place(settings, &setting, &hierarchy, NULL);

        if (r >= 0)
            r = file_read_at(hierarchy->fd, setting.file, CONTROL_SIZE_MAX, &text, NULL);
        if (r == -ENOENT && setting.other_file) {
            setting.file = setting.other_file;
            r = file_read_at(hierarchy->fd, setting.file, CONTROL_SIZE_MAX, &text, NULL);
        }
        if (r < 0)
            continue;
        text[strcspn(text, "\n")] = '\0';
        if (!*text)
            continue;
        setting.text = text;
        setting.other_file = setting.other_text = NULL;
        settings_add(previous, setting);
    }
}

int settings_replace(Settings *settings, Error *err)
{
    _cleanup_(settings_done) Settings previous = { .cgroup = settings->cgroup };
    int r;

    read_previous(settings, &previous);
    r = settings_write(settings, err);
    if (r < 0)
        (void)settings_write(&previous, NULL); /* the kernel had taken each of them before */
    return r;
}

int settings_write(Settings *settings, Error *err)
{
    size_t pending = settings->count, before;
    int r;

    /* What is left over from one round goes into the next, until a round achieves nothing. */
    do {
        size_t refused = 0;

        before = pending;
        for (size_t i = 0; i < pending; i++) {
            const CgroupHierarchy *hierarchy;
            Setting swapped;

            r = find_place(settings, &settings->items[i], &hierarchy, err);
            if (r < 0)
                return r;
            r = write_setting(hierarchy, &settings->items[i]);
            if (r < 0 && r != -EINVAL)
                return report(&settings->items[i], r, err);
            if (r == 0)
                continue;
            swapped = settings->items[refused];
            settings->items[refused++] = settings->items[i];
            settings->items[i] = swapped;
        }
        pending = refused;
    } while (pending > 0 && pending < before);
    return pending > 0 ? report(&settings->items[0], -EINVAL, err) : 0;
}
