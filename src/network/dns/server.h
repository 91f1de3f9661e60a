/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * cay-dns as a whole: the containers that it serves, each with its sockets, and the clients that
 * tell it of them. It lives as long as there is one of either.
 */

#include "base/error.h"

/* Serve until there is nobody left. @listen_fd and @connection_fd are as dns-protocol.h says. */
int server_run(int listen_fd, int connection_fd, Error *err);
