/* SPDX-License-Identifier: Apache-2.0 */

/* `inspect`: where a container's files are (Engine API: DriverData, MountPoint). */

#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "engine/inspect-private.h"
#include "engine/mount-spec.h"

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

static json_t *make_mount(const ContainerMount *mount, const char *mode)
{
    bool is_bind = strcmp(mount->type, "bind") == 0;
    const char *propagation = mount->propagation ? mount->propagation : is_bind ? "rprivate" : "";

    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "Type", mount->type, "Source",
                     mount->source ? mount->source : "", "Destination", mount->target, "Mode", mode,
                     "RW", !mount->read_only, "Propagation", propagation);
}

/* "source:target[:options]" */
static const char *bind_mode(const char *bind)
{
    const char *target = strchr(bind, ':');
    const char *mode = target ? strchr(target + 1, ':') : NULL;

    return mode ? mode + 1 : "";
}

json_t *inspect_mounts(const ContainerSpec *spec)
{
    json_t *mounts = json_array();

    for (size_t i = 0; i < spec->binds.count; i++) {
        ContainerMount mount = {};

        /* They were checked when the container was made. */
        if (mount_spec_parse_bind(spec->binds.items[i], NULL, &mount, NULL) >= 0)
            json_array_append_new(mounts, make_mount(&mount, bind_mode(spec->binds.items[i])));
        container_mount_done(&mount);
    }
    for (size_t i = 0; i < spec->mounts.count; i++)
        json_array_append_new(mounts, make_mount(&spec->mounts.items[i], ""));
    return mounts;
}
