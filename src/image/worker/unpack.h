/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The two jobs of a worker, in the process that calls them: confinement is the caller's business.
 */

#include "base/error.h"
#include "image/worker-client.h"

/* As image_worker_unpack(), without starting a worker. */
int unpack(const UnpackOptions *options, UnpackResult *ret, Error *err);

/* As image_worker_ingest(). */
int ingest(const IngestOptions *options, IngestResult *ret, Error *err);
