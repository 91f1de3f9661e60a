/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A connection to systemd, the machine's or a user's own, over D-Bus: calls of methods, and waiting
 * for the jobs that they start. No library is used, for a static program finds none.
 *
 * The machine's is at $DBUS_SYSTEM_BUS_ADDRESS, else /run/dbus/system_bus_socket, and for root,
 * where no bus runs, at systemd's own /run/systemd/private. A user's is at
 * $DBUS_SESSION_BUS_ADDRESS, else $XDG_RUNTIME_DIR/bus.
 */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sandbox/systemd-message-private.h"

typedef struct SystemdBus SystemdBus;

/* Errors: UNAVAILABLE (there is none, or it does not answer), DENIED, SYSTEM. */
int systemd_bus_open(bool is_user, SystemdBus **ret, Error *err);
void systemd_bus_free(SystemdBus *bus);
DEFINE_CLEANUP(SystemdBus *, systemd_bus_free);

/* A method of systemd's manager object, with the body that its signature says (both may be NULL).
 */
typedef struct SystemdCall {
    const char *path;      /* NULL: the manager */
    const char *interface; /* NULL: the manager's */
    const char *member;
    const char *signature;
    const BusWriter *body;
} SystemdCall;

/*
 * Call it and wait for the answer, at most 25 seconds. @ret is valid until the next call; NULL: of
 * no interest. Errors: what systemd says (NOT_FOUND for a unit that is not there, CONFLICT for one
 * that is, DENIED), UNAVAILABLE.
 */
int systemd_bus_call(SystemdBus *bus, const SystemdCall *call, BusMessage *ret, Error *err);

/* To be called before the job of @unit is started: from here on, its end is noted. */
int systemd_bus_watch(SystemdBus *bus, const char *unit, Error *err);

/* Wait until the job @path of the watched unit is done. Errors: SYSTEM (it failed), UNAVAILABLE (it
 * is not done within 30 seconds). */
int systemd_bus_wait(SystemdBus *bus, const char *path, Error *err);
