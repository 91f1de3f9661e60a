/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images with a transport: one table says which there are and what follows their colon;
 * then each is opened by those who know it.
 */

#include "image/image-transport.h"

#include <string.h>

#include "base/memory.h"
#include "image/image-destination-private.h"
#include "image/image-source-private.h"
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

static int open_registry_client(const ImageLocation *location, const ImageTransports *transports,
                                bool for_push, RegistryClient **ret, char **ret_reference,
                                Error *err)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    _cleanup_reference_ Reference reference = {};
    RegistryWish wish = { .for_push = for_push, .insecure = transports->insecure };
    int r = reference_parse(location->name, &reference, err);

    if (r < 0)
        return r;
    reference_set_default_tag(&reference);
    wish.domain = reference.domain;
    wish.path = reference.path;
    r = registry_resolve(transports->registries, &wish, &repository, err);
    if (r < 0)
        return r;
    r = registry_client_open(&repository, ret, err);
    if (r < 0)
        return r;
    *ret_reference =
        memory_strdup(digest_is_set(&reference.digest) ? reference.digest.text : reference.tag);
    return 0;
}

static int open_registry_source(const ImageLocation *location, const ImageTransports *transports,
                                ImageSource **ret, Error *err)
{
    _cleanup_free_ char *reference = NULL;
    RegistryClient *client;
    int r = open_registry_client(location, transports, false, &client, &reference, err);

    if (r < 0)
        return r;
    *ret = image_source_registry(client, reference);
    return 0;
}

static int open_files_source(const ImageLocation *location, const ImageTransports *transports,
                             ImageSource **ret, Error *err)
{
    bool is_archive = location->transport == IMAGE_TRANSPORT_OCI_ARCHIVE ||
                      location->transport == IMAGE_TRANSPORT_DOCKER_ARCHIVE;
    ImageFiles *files;
    int r = is_archive ? image_files_open_archive(transports->store, location->path,
                                                  transports->limits, &files, err)
                       : image_files_open_directory(location->path, &files, err);

    if (r < 0)
        return r;
    if (location->transport == IMAGE_TRANSPORT_DOCKER_ARCHIVE)
        r = image_source_open_docker(files, location->name, ret, err);
    else if (location->transport == IMAGE_TRANSPORT_DIRECTORY)
        r = image_source_open_directory(files, ret, err);
    else
        r = image_source_open_layout(files, location->name, ret, err);
    return r < 0 ? error_wrap(err, r, "'%s'", location->path) : 0;
}

int image_location_open_source(const ImageLocation *location, const ImageTransports *transports,
                               ImageSource **ret, Error *err)
{
    switch (location->transport) {
    case IMAGE_TRANSPORT_STORE:
        return image_source_open_store(transports->store, location->name, ret, err);
    case IMAGE_TRANSPORT_REGISTRY:
        return open_registry_source(location, transports, ret, err);
    default:
        return open_files_source(location, transports, ret, err);
    }
}

static int open_registry_destination(const ImageLocation *location,
                                     const ImageTransports *transports, ImageDestination **ret,
                                     Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *tag = NULL;
    RegistryClient *client;
    int r = open_registry_client(location, transports, true, &client, &tag, err);

    if (r < 0)
        return r;
    (void)reference_parse(location->name, &reference, NULL); /* it was parsed before */
    *ret = image_destination_registry(client, &reference, tag, transports->store);
    return 0;
}

static int open_archive(const ImageLocation *location, const ImageTransports *transports,
                        ImageDestination **ret, Error *err)
{
    bool is_docker = location->transport == IMAGE_TRANSPORT_DOCKER_ARCHIVE;
    ImageArchiveFormat format = is_docker ? IMAGE_ARCHIVE_DOCKER : IMAGE_ARCHIVE_OCI;
    _cleanup_string_list_ StringList names = {};
    _cleanup_reference_ Reference reference = {};
    int r = image_destination_open_archive(image_store_content(transports->store), location->path,
                                           format, ret, err);

    if (r < 0 || !location->name)
        return r;
    if (is_docker) {
        (void)reference_parse(location->name, &reference, NULL); /* it was parsed before */
        reference_set_default_tag(&reference);
        string_list_take(&names, reference_to_string(&reference));
    } else {
        string_list_add(&names, location->name);
    }
    image_destination_archive_name(*ret, &names);
    return 0;
}

int image_location_open_destination(const ImageLocation *location,
                                    const ImageTransports *transports, ImageDestination **ret,
                                    Error *err)
{
    _cleanup_free_ char *text = image_location_to_string(location);

    switch (location->transport) {
    case IMAGE_TRANSPORT_REGISTRY:
        return open_registry_destination(location, transports, ret, err);
    case IMAGE_TRANSPORT_OCI:
        return image_destination_open_layout(location->path, location->name, ret, err);
    case IMAGE_TRANSPORT_DIRECTORY:
        return image_destination_open_directory(location->path, ret, err);
    case IMAGE_TRANSPORT_OCI_ARCHIVE:
    case IMAGE_TRANSPORT_DOCKER_ARCHIVE:
        return open_archive(location, transports, ret, err);
    default:
        return error_set(err, ERROR_UNSUPPORTED,
                         "'%s' is this machine's store, where images are unpacked: that is a pull",
                         text);
    }
}
