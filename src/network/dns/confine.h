/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What reads messages of containers and of anybody's servers has no rights: it is nobody, without
 * capabilities, may read where resolv.conf is and write nothing, and makes no sockets but of the
 * Internet's.
 */

#include "base/error.h"

/* For good. Its sockets stay open, all other descriptors are closed. */
int confine(Error *err);
