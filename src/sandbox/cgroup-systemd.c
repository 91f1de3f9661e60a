/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The cgroup of a container as a transient unit of systemd. systemd keeps a scope only as long as a
 * process is in it, and the container's first process comes later: until then one of ours holds
 * the place, which ends with us.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/string-list.h"
#include "sandbox/cgroup-private.h"
#include "sandbox/cgroup-systemd-private.h"
#include "sandbox/systemd-bus-private.h"

#define UNIT_NAME_MAX 255 /* bytes, systemd's */

struct CgroupUnit {
    char *name;
    bool is_user;      /* of the user's own systemd */
    pid_t placeholder; /* 0: none */
};

/* What linux.cgroupsPath says. */
typedef struct UnitPlace {
    char *slice;
    char *name;
} UnitPlace;

static void unit_place_done(UnitPlace *place)
{
    free(place->slice);
    free(place->name);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* The characters of unit names: systemd.unit(5). */
static bool is_unit_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789:-_.\\@";

    return *name && *name != '.' && strlen(name) <= UNIT_NAME_MAX &&
           strspn(name, letters) == strlen(name);
}

static int parse_place(const char *path, bool is_user, UnitPlace *ret, Error *err)
{
    _cleanup_(unit_place_done) UnitPlace place = {};
    _cleanup_string_list_ StringList parts = {};

    string_list_split(&parts, path, ':');
    if (parts.count != 3 || !*parts.items[2])
        return error_set(err, ERROR_INVALID,
                         "linux.cgroupsPath: '%s' is not 'slice:prefix:name', as systemd takes it",
                         path);
    place.slice =
        memory_strdup(*parts.items[0] ? parts.items[0] : (is_user ? "user.slice" : "system.slice"));
    if (ends_with(parts.items[2], ".slice"))
        place.name = memory_strdup(parts.items[2]);
    else
        place.name = memory_printf("%s%s%s.scope", parts.items[1], *parts.items[1] ? "-" : "",
                                   parts.items[2]);
    if (!is_unit_name(place.slice) || !ends_with(place.slice, ".slice"))
        return error_set(err, ERROR_INVALID, "linux.cgroupsPath: '%s' is not the name of a slice",
                         place.slice);
    if (!is_unit_name(place.name))
        return error_set(err, ERROR_INVALID, "linux.cgroupsPath: '%s' is not the name of a unit",
                         place.name);

    *ret = place;
    place = (UnitPlace) {};
    return 0;
}

static CgroupUnit *unit_new(const char *name)
{
    CgroupUnit *unit = NEW(CgroupUnit);

    unit->name = memory_strdup(name);
    unit->is_user = cgroup_is_unprivileged();
    return unit;
}
DEFINE_CLEANUP(CgroupUnit *, cgroup_unit_free);

CgroupUnit *cgroup_unit_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return unit_new(slash ? slash + 1 : path);
}

void cgroup_unit_settle(CgroupUnit *unit)
{
    if (unit->placeholder == 0)
        return;
    (void)kill(unit->placeholder, SIGKILL); /* our child, not reaped yet: the pid is its own */
    while (waitpid(unit->placeholder, NULL, 0) < 0 && errno == EINTR)
        ;
    unit->placeholder = 0;
}

void cgroup_unit_free(CgroupUnit *unit)
{
    int saved_errno = errno;

    if (!unit)
        return;
    cgroup_unit_settle(unit);
    free(unit->name);
    free(unit);
    errno = saved_errno;
}

/* No handler of ours may run in it, it holds nothing of ours, and it must not outlive us. */
static _Noreturn void hold_place(pid_t parent)
{
    (void)close_range(0, ~0U, 0); /* since Linux 5.9 it cannot fail */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(EXIT_FAILURE);
    for (;;)
        (void)pause();
}

static int start_placeholder(CgroupUnit *unit)
{
    pid_t parent = getpid();
    sigset_t all, previous;

    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &previous);
    unit->placeholder = fork();
    if (unit->placeholder == 0)
        hold_place(parent);
    (void)sigprocmask(SIG_SETMASK, &previous, NULL);
    if (unit->placeholder > 0)
        return 0;
    unit->placeholder = 0;
    return -errno;
}

static void write_unit_properties(BusWriter *writer, const UnitPlace *place, const CgroupUnit *unit)
{
    static const char *const switches[] = { "CPUAccounting", "MemoryAccounting", "IOAccounting",
                                            "TasksAccounting" };
    _cleanup_free_ char *description = memory_printf("cay-oci container %s", place->name);

    unit_property_string(writer, "Description", description);
    unit_property_bool(writer, "DefaultDependencies", false);
    unit_property_string(writer, "CollectMode", "inactive-or-failed");
    for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
        unit_property_bool(writer, switches[i], true);
    if (unit->placeholder == 0)
        return; /* a slice, whose place its name tells */
    unit_property_string(writer, "Slice", place->slice);
    unit_property_bool(writer, "Delegate", true);
    unit_property_pid(writer, "PIDs", (uint32_t)unit->placeholder);
}

/* A method that starts a job and yields its path: wait for it. */
static int run_job(SystemdBus *bus, const SystemdCall *call, Error *err)
{
    _cleanup_free_ char *job = NULL;
    BusMessage answer;
    BusReader reader;
    const char *path;
    int r = systemd_bus_call(bus, call, &answer, err);

    if (r < 0)
        return r;
    reader = (BusReader) { answer.body, answer.body_size, 0 };
    if (strcmp(answer.signature, "o") != 0 || !bus_read_string(&reader, &path))
        return error_set(err, ERROR_UNAVAILABLE, "systemd cgroup driver: %s: answered otherwise",
                         call->member);
    job = memory_strdup(path); /* the answer goes with the next message */
    return systemd_bus_wait(bus, job, err);
}

static int start_transient(SystemdBus *bus, const UnitPlace *place, const CgroupUnit *unit,
                           const LinuxResources *resources, Error *err)
{
    _cleanup_(bus_writer_done) BusWriter body = {};
    const SystemdCall call = { .member = "StartTransientUnit",
                               .signature = "ssa(sv)a(sa(sv))",
                               .body = &body };
    size_t array;
    int r;

    bus_write_string(&body, unit->name);
    bus_write_string(&body, "replace"); /* any other job for it */
    array = bus_write_array(&body, 8);
    write_unit_properties(&body, place, unit);
    if (resources)
        unit_properties_write(&body, resources, false);
    bus_write_array_end(&body, array, 8);
    array = bus_write_array(&body, 8); /* further units */
    bus_write_array_end(&body, array, 8);

    r = systemd_bus_watch(bus, unit->name, err);
    return r < 0 ? r : run_job(bus, &call, err);
}

/* The object of the unit, and of that the property ControlGroup. */
static int find_path(SystemdBus *bus, const char *name, char **ret, Error *err)
{
    _cleanup_(bus_writer_done) BusWriter unit_body = {}, property_body = {};
    const SystemdCall get_unit = { .member = "GetUnit", .signature = "s", .body = &unit_body };
    SystemdCall get_property = { .interface = "org.freedesktop.DBus.Properties",
                                 .member = "Get",
                                 .signature = "ss",
                                 .body = &property_body };
    _cleanup_free_ char *object = NULL;
    const char *text, *signature;
    BusMessage answer;
    BusReader reader;
    int r;

    bus_write_string(&unit_body, name);
    r = systemd_bus_call(bus, &get_unit, &answer, err);
    if (r < 0)
        return r;
    reader = (BusReader) { answer.body, answer.body_size, 0 };
    if (strcmp(answer.signature, "o") != 0 || !bus_read_string(&reader, &text))
        return error_set(err, ERROR_UNAVAILABLE, "systemd cgroup driver: GetUnit: no object");
    get_property.path = object = memory_strdup(text);

    bus_write_string(&property_body, ends_with(name, ".slice") ? "org.freedesktop.systemd1.Slice"
                                                               : "org.freedesktop.systemd1.Scope");
    bus_write_string(&property_body, "ControlGroup");
    r = systemd_bus_call(bus, &get_property, &answer, err);
    if (r < 0)
        return r;
    reader = (BusReader) { answer.body, answer.body_size, 0 };
    if (strcmp(answer.signature, "v") != 0 || !bus_read_signature(&reader, &signature) ||
        strcmp(signature, "s") != 0 || !bus_read_string(&reader, &text) || text[0] != '/')
        return error_set(err, ERROR_UNAVAILABLE, "systemd cgroup driver: unit '%s' has no cgroup",
                         name);
    *ret = memory_strdup(text);
    return 0;
}

int cgroup_unit_start(const char *cgroups_path, const LinuxResources *resources, CgroupUnit **ret,
                      char **ret_path, Error *err)
{
    _cleanup_(unit_place_done) UnitPlace place = {};
    _cleanup_(cgroup_unit_freep) CgroupUnit *unit = NULL;
    _cleanup_(systemd_bus_freep) SystemdBus *bus = NULL;
    int r;

    r = parse_place(cgroups_path, cgroup_is_unprivileged(), &place, err);
    if (r < 0)
        return r;
    unit = unit_new(place.name);
    r = systemd_bus_open(unit->is_user, &bus, err);
    if (r < 0)
        return r;
    if (!ends_with(unit->name, ".slice")) {
        r = start_placeholder(unit);
        if (r < 0)
            return error_result(err, r, "systemd cgroup driver: start a process");
    }
    r = start_transient(bus, &place, unit, resources, err);
    if (r >= 0)
        r = find_path(bus, unit->name, ret_path, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(unit);
    return 0;
}

int cgroup_unit_update(const CgroupUnit *unit, const LinuxResources *resources, Error *err)
{
    _cleanup_(bus_writer_done) BusWriter body = {};
    const SystemdCall call = { .member = "SetUnitProperties",
                               .signature = "sba(sv)",
                               .body = &body };
    _cleanup_(systemd_bus_freep) SystemdBus *bus = NULL;
    size_t array;
    int r;

    bus_write_string(&body, unit->name);
    bus_write_bool(&body, true); /* until it ends, not for ever */
    array = bus_write_array(&body, 8);
    unit_properties_write(&body, resources, true);
    bus_write_array_end(&body, array, 8);

    r = systemd_bus_open(unit->is_user, &bus, err);
    return r < 0 ? r : systemd_bus_call(bus, &call, NULL, err);
}

int cgroup_unit_stop(const CgroupUnit *unit, Error *err)
{
    _cleanup_(bus_writer_done) BusWriter body = {};
    const SystemdCall call = { .member = "StopUnit", .signature = "ss", .body = &body };
    _cleanup_(systemd_bus_freep) SystemdBus *bus = NULL;
    _cleanup_error_ Error problem = {};
    int r;

    bus_write_string(&body, unit->name);
    bus_write_string(&body, "replace");
    r = systemd_bus_open(unit->is_user, &bus, &problem);
    if (r >= 0)
        r = systemd_bus_watch(bus, unit->name, &problem);
    if (r >= 0)
        r = run_job(bus, &call, &problem);
    /* A scope ends by itself with its last process. */
    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return 0;
    error_move(err, &problem);
    return r;
}
