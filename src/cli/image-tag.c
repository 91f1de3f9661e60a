/* SPDX-License-Identifier: Apache-2.0 */

/* `cay tag`: a further name for an image. */

#include "cli/commands.h"
#include "cli/image-command.h"

int cli_image_tag(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_reference_ Reference reference = {};
    ImageStore *images;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = reference_parse(invocation->arguments[1], &reference, err);
    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r >= 0)
        r = image_store_find(images, invocation->arguments[0], &image, err);
    if (r >= 0)
        r = image_store_tag(images, &image->id, &reference, err);
    if (r < 0)
        return r;

    _cleanup_free_ char *name = reference_to_familiar(&reference);
    engine_tell_image(engine, "tag", image->id.text, name);
    return 0;
}
