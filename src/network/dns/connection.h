/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A connection over TCP from a container, on which one question after the other is answered. */

#include "network/dns/asker.h"

#define CONNECTIONS_PER_ASKER 16

/* Take what is there to be accepted at an asker's socket. When it has too many, its oldest goes. */
int connection_accept(EventSource *source, int fd, uint32_t events, void *asker);
void connection_free(Connection *connection);
void connection_expire(Deadline *deadline, void *data);

/* Send the answer to the question at hand, and read the next one. */
void connection_answer(Connection *connection, const uint8_t *answer, size_t size);
