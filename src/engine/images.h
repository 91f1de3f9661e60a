/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What front ends may do with images: the store that engine_images() opens, and the operations that
 * fill it. Front ends include this and nothing of image/ itself.
 */

#include "engine/engine.h"
#include "image/image-bootstrap.h"
#include "image/image-copy.h"
#include "image/image-import.h"
#include "image/image-load.h"
#include "image/image-pull.h"
#include "image/image-save.h"
#include "image/image-select.h"
#include "image/image-store.h"
#include "image/image-transport.h"
#include "image/manifest-list.h"
#include "image/platform.h"
#include "image/worker-client.h"

/*
 * Tell the event log what was done with the image @id: "import", "load", "tag", ... @name is what
 * it is called by, NULL: its id.
 */
void engine_tell_image(Engine *engine, const char *action, const char *id, const char *name);
/* Tell of the names and images that a removal of the image @id has removed. */
void engine_tell_image_removal(Engine *engine, const char *id, const ImageRemovals *removals);
