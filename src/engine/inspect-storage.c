/* SPDX-License-Identifier: Apache-2.0 */

/* `inspect`: where a container's files are (Engine API: DriverData, MountPoint). */

#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "engine/inspect-private.h"
#include "engine/mount-spec.h"
#include "engine/volume.h"

/* The chain IDs of the image's layers, bottom to top. */
static int read_layers(Engine *engine, const Container *container, Digest **ret_chain_ids,
                       size_t *ret_count, Error *err)
{
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    return r < 0
               ? r
               : image_store_read_layers(images, &container->image, ret_chain_ids, ret_count, err);
}

/* The directories of the image's layers, the topmost first, as overlayfs takes them. */
static char *make_lower(Engine *engine, const Container *container)
{
    _cleanup_string_buffer_ StringBuffer text = {};
    _cleanup_free_ Digest *chain_ids = NULL;
    size_t count;

    /* An image that is damaged is no reason to show nothing of its container. */
    if (read_layers(engine, container, &chain_ids, &count, NULL) < 0)
        count = 0;
    while (count-- > 0)
        string_buffer_printf(&text, "%s%s/layers/%s/diff", text.length > 0 ? ":" : "",
                             engine->state_path, digest_hex(&chain_ids[count]));
    return memory_strdup(string_buffer_get(&text));
}

json_t *inspect_graph_driver(Engine *engine, const Container *container, const char *directory)
{
    _cleanup_free_ char *lower = make_lower(engine, container);
    _cleanup_free_ char *upper = memory_printf("%s/upper", directory);
    _cleanup_free_ char *work = memory_printf("%s/work", directory);
    _cleanup_free_ char *merged = NULL;

    /* No mount of the host's is the root: it can be seen through the container's first process. */
    if (container->pid > 0)
        merged = memory_printf("/proc/%lld/root", (long long)container->pid);
    return json_pack("{s:{s:s, s:s, s:s, s:s}, s:s}", "Data", "LowerDir", lower, "MergedDir",
                     merged ? merged : "", "UpperDir", upper, "WorkDir", work, "Name",
                     CONTAINER_STORAGE_DRIVER);
}

/* That by which an image was asked for. */
static const char *image_name(const ContainerSpec *spec, const ContainerMount *mount)
{
    for (size_t i = 0; i < spec->mounts.count; i++)
        if (strcmp(spec->mounts.items[i].target, mount->target) == 0)
            return spec->mounts.items[i].source;
    return mount->source;
}

/* In Docker's order, which templates show. */
static json_t *make_mount(Engine *engine, const Container *container, const ContainerMount *mount)
{
    _cleanup_free_ char *source = NULL;
    const char *name = NULL, *propagation = "";

    if (strcmp(mount->type, MOUNT_TYPE_DEFAULT) == 0) {
        name = mount->source;
        /* One whose row is gone is still what the container was made with. */
        source = volume_source_path(engine, mount->source, container->id);
    } else if (strcmp(mount->type, "image") == 0) {
        name = image_name(&container->spec, mount);
    } else if (strcmp(mount->type, "bind") == 0) {
        source = memory_strdup(mount->source);
        propagation = mount->propagation ? mount->propagation : "rprivate";
    }
    return json_pack("{s:s, s:s*, s:s, s:s, s:s*, s:s, s:b, s:s}", "Type", mount->type, "Name",
                     name, "Source", source ? source : "", "Destination", mount->target, "Driver",
                     mount->volume_driver, "Mode", mount->mode ? mount->mode : "", "RW",
                     !mount->read_only, "Propagation", propagation);
}

json_t *inspect_mounts(Engine *engine, const Container *container)
{
    const ContainerSpec *spec = &container->spec;
    json_t *mounts = json_array();

    /* As in Docker those of --tmpfs are told of in its own member alone. */
    for (size_t i = 0; i < spec->mount_points.count; i++)
        if (!string_map_contains(&spec->tmpfs, spec->mount_points.items[i].target))
            json_array_append_new(mounts,
                                  make_mount(engine, container, &spec->mount_points.items[i]));
    return mounts;
}
