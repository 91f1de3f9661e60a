/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images with a transport: one table says which there are and what follows their colon. */

#include "image/image-transport.h"

#include <string.h>

#include "base/memory.h"
#include "image/reference.h"

typedef enum Syntax {
    SYNTAX_REFERENCE,          /* of an image */
    SYNTAX_PATH,               /* all of it is a path */
    SYNTAX_PATH_AND_NAME,      /* up to the first colon, then whatever the layout's names are */
    SYNTAX_PATH_AND_REFERENCE, /* the same, with a reference */
} Syntax;

typedef struct TransportName {
    const char *prefix;
    ImageTransport transport;
    Syntax syntax;
} TransportName;

/* The first one of a transport is how it is written. */
static const TransportName transport_names[] = {
    { "cay:", IMAGE_TRANSPORT_STORE, SYNTAX_REFERENCE },
    { "containers-storage:", IMAGE_TRANSPORT_STORE, SYNTAX_REFERENCE },
    { "docker://", IMAGE_TRANSPORT_REGISTRY, SYNTAX_REFERENCE },
    { "oci:", IMAGE_TRANSPORT_OCI, SYNTAX_PATH_AND_NAME },
    { "oci-archive:", IMAGE_TRANSPORT_OCI_ARCHIVE, SYNTAX_PATH_AND_NAME },
    { "docker-archive:", IMAGE_TRANSPORT_DOCKER_ARCHIVE, SYNTAX_PATH_AND_REFERENCE },
    { "dir:", IMAGE_TRANSPORT_DIRECTORY, SYNTAX_PATH },
};

/* Of others, which nobody means as the name of an image. */
static const char *const foreign_transports[] = {
    "docker-daemon:", "ostree:", "sif:", "tarball:", "atomic:", "http://", "https://", "oci://",
};

void image_location_done(ImageLocation *location)
{
    free(location->path);
    free(location->name);
    *location = (ImageLocation) {};
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const TransportName *find_transport(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(transport_names); i++)
        if (has_prefix(text, transport_names[i].prefix))
            return &transport_names[i];
    return NULL;
}

static int check_foreign(const char *text, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(foreign_transports); i++)
        if (has_prefix(text, foreign_transports[i]))
            return error_set(err, ERROR_UNSUPPORTED,
                             "'%.200s': the transport '%s' is not supported: use docker://, oci:, "
                             "oci-archive:, docker-archive:, dir: or cay:",
                             text, foreign_transports[i]);
    return 0;
}

/* A name or id of this machine's store, or a name at a registry. Ids are no references, so the
 * store looks itself. */
static int parse_reference(const char *text, const char *rest, ImageLocation *location, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    int r;

    if (!*rest)
        return error_set(err, ERROR_INVALID, "'%.200s' names no image", text);
    if (location->transport == IMAGE_TRANSPORT_REGISTRY) {
        r = reference_parse(rest, &reference, err);
        if (r < 0)
            return r;
    }
    location->name = memory_strdup(rest);
    return 0;
}

static int parse_path(const char *text, const char *rest, Syntax syntax, ImageLocation *location,
                      Error *err)
{
    const char *colon = syntax == SYNTAX_PATH ? NULL : strchr(rest, ':');
    _cleanup_reference_ Reference reference = {};
    size_t length = colon ? (size_t)(colon - rest) : strlen(rest);

    if (length == 0)
        return error_set(err, ERROR_INVALID, "'%.200s' names no path", text);
    if (colon && !colon[1])
        return error_set(err, ERROR_INVALID, "'%.200s' ends where the name of an image should be",
                         text);
    if (colon && syntax == SYNTAX_PATH_AND_REFERENCE) {
        int r = reference_parse(colon + 1, &reference, err);

        if (r < 0)
            return r;
        if (digest_is_set(&reference.digest))
            return error_set(err, ERROR_INVALID,
                             "'%.200s': an archive of docker has no images by digest", text);
    }
    location->path = memory_strndup(rest, length);
    location->name = colon ? memory_strdup(colon + 1) : NULL;
    return 0;
}

int image_location_parse(const char *text, ImageLocation *ret, Error *err)
{
    _cleanup_image_location_ ImageLocation location = {};
    const TransportName *transport = find_transport(text);
    const char *rest = transport ? text + strlen(transport->prefix) : text;
    Syntax syntax = transport ? transport->syntax : SYNTAX_REFERENCE;
    int r = transport ? 0 : check_foreign(text, err);

    if (r < 0)
        return r;
    location.transport = transport ? transport->transport : IMAGE_TRANSPORT_STORE;
    r = syntax == SYNTAX_REFERENCE ? parse_reference(text, rest, &location, err)
                                   : parse_path(text, rest, syntax, &location, err);
    if (r < 0)
        return r;
    *ret = location;
    location = (ImageLocation) {};
    return 0;
}

char *image_location_to_string(const ImageLocation *location)
{
    const char *prefix = "";

    for (size_t i = ARRAY_SIZE(transport_names); i-- > 0;)
        if (transport_names[i].transport == location->transport)
            prefix = transport_names[i].prefix;
    return memory_printf("%s%s%s%s", prefix, location->path ? location->path : "",
                         location->path && location->name ? ":" : "",
                         location->name ? location->name : "");
}
