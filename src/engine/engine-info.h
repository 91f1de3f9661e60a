/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* This machine, and how many containers and images there are on it. */

#include <jansson.h>

#include "base/error.h"
#include "engine/engine.h"

/* Engine API: SystemInfo, as far as it makes sense here. The caller owns the reference. */
int engine_to_info(Engine *engine, json_t **ret, Error *err);
