/* SPDX-License-Identifier: Apache-2.0 */
/* The document is an array; it is read and written as the one member of an object. */

#include "image/docker-manifest.h"

#include "base/memory.h"

#define MAX_IMAGES 1024
#define DOCUMENT "manifest.json"

static const JsonField docker_image_fields[] = {
    JSON_FIELD_FLAGS(DockerImage, config, "Config", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(DockerImage, names, "RepoTags", JSON_TYPE_STRING_LIST, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(DockerImage, layers, "Layers", JSON_TYPE_STRING_LIST, JSON_KEEP_EMPTY),
};
static const JsonStruct docker_image_json = JSON_STRUCT(DockerImage, docker_image_fields);

static const JsonField docker_images_fields[] = {
    { .name = DOCUMENT,
      .type = JSON_TYPE_STRUCT_ARRAY,
      .offset = offsetof(DockerImages, images),
      .flags = JSON_REQUIRED,
      .type_of = &docker_image_json },
};
static const JsonStruct docker_images_json = JSON_STRUCT(DockerImages, docker_images_fields);

void docker_images_done(DockerImages *images)
{
    json_struct_done(&docker_images_json, images);
}

int docker_images_parse(const char *text, size_t size, DockerImages *ret, Error *err)
{
    _cleanup_docker_images_ DockerImages images = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_json_ json_t *wrapper = NULL;
    int r;

    r = json_parse(text, size, &json, err);
    if (r < 0)
        return error_wrap(err, r, DOCUMENT);
    if (json_array_size(json) > MAX_IMAGES)
        return error_set(err, ERROR_INVALID, DOCUMENT ": more than %d images", MAX_IMAGES);
    wrapper = json_object();
    json_object_set(wrapper, DOCUMENT, json);
    r = json_struct_read(&docker_images_json, wrapper, &images, err);
    if (r < 0)
        return r;
    *ret = images;
    images = (DockerImages) {};
    return 0;
}

char *docker_images_to_text(const DockerImages *images)
{
    _cleanup_json_ json_t *wrapper = json_struct_write(&docker_images_json, images);

    return json_to_text(json_object_get(wrapper, DOCUMENT));
}
