/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What front ends may do with images: the store that engine_images() opens, and the operations that
 * fill it. Front ends include this and nothing of image/ itself.
 */

#include "engine/engine.h"
#include "image/image-bootstrap.h"
#include "image/image-import.h"
#include "image/image-load.h"
#include "image/image-store.h"
#include "image/platform.h"
#include "image/worker-client.h"
