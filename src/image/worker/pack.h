/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A tree becomes an archive, in the process that calls it: confinement is the caller's business. */

#include "base/error.h"
#include "image/worker-client.h"

/* As image_worker_pack(), without starting a worker. */
int pack(const PackOptions *options, PackResult *ret, Error *err);
