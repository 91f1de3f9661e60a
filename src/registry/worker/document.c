/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Everything that is asked and answered at once: manifests, whether a blob is there, listings,
 * logins. A table says what each request is made of.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "registry/worker/call.h"
#include "registry/worker/locations.h"
#include "registry/worker/session.h"

#define MEDIA_TYPE_MAX 255
#define PAGE_MAX ((size_t)4 << 20)
#define PAGE_ENTRIES 1000
#define PAGES_MAX 100000
#define SEARCH_HOST "index.docker.io"

typedef struct Document Document;

typedef struct DocumentKind {
    const char *operation;
    void (*start)(Document *document, CallOptions *options);
    void (*finish)(Document *document, Call *call, RegistryReply *reply, Error *err);
} DocumentKind;

struct Document {
    Operation operation;
    const DocumentKind *kind;
    RegistryRequest request;
    int fd; /* the answer's, or what is put */
    Call *call;
    char *path; /* of the next call */
    char *what;
    char *body;
    char *header; /* Content-Type */
    const char *headers[2];
    size_t written; /* bytes of the answer */
    int64_t count;  /* names that were listed */
    unsigned pages;
    bool wants_more;  /* another call, as start has it */
    bool is_fallback; /* referrers: by their tag */
};

static const char *const accept_headers[] = {
    "Accept: application/vnd.oci.image.index.v1+json",
    "Accept: application/vnd.oci.image.manifest.v1+json",
    "Accept: application/vnd.docker.distribution.manifest.list.v2+json",
    "Accept: application/vnd.docker.distribution.manifest.v2+json",
    "Accept: */*",
    NULL,
};

static void document_free(Operation *operation)
{
    Document *document = (Document *)operation;

    if (document->call)
        call_free(document->call);
    registry_request_done(&document->request);
    fd_close(document->fd);
    free(document->path);
    free(document->what);
    free(document->body);
    free(document->header);
    free(document);
}

static const OperationClass document_class = { .free = document_free };

/* The type without its parameters; NULL where it is not said, or is none. */
static char *media_type_of(const Call *call)
{
    const char *type = call_answer(call)->content_type;
    size_t length = type ? strcspn(type, "; \t") : 0;

    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)type[i]) && !strchr("/.+-_", type[i]))
            return NULL;
    return length > 0 && length <= MEDIA_TYPE_MAX ? memory_strndup(type, length) : NULL;
}

static int write_document(Document *document, const void *data, size_t size, Error *err)
{
    int r;

    if (size > REGISTRY_LISTING_MAX - document->written)
        return error_set(err, ERROR_EXHAUSTED, "%s is longer than %zu bytes", document->what,
                         REGISTRY_LISTING_MAX);
    r = fd_write_all(document->fd, data, size);
    document->written += size;
    return r < 0 ? error_result(err, r, "keep the answer of a registry") : 0;
}

static void write_body(Document *document, Call *call, RegistryReply *reply, Error *err)
{
    reply->media_type = media_type_of(call);
    reply->size = (int64_t)call->body_size;
    if (call->body_size > 0)
        (void)write_document(document, call->body, call->body_size, err);
}

/* Manifests */

static void set_manifest_path(Document *document, CallOptions *options)
{
    const char *reference = document->request.reference;

    document->path = memory_printf("manifests/%s", reference);
    document->what = memory_printf("manifest '%s'", reference);
    options->answer_limit = REGISTRY_MANIFEST_MAX;
    options->headers = accept_headers;
}

/* A mirror may be behind, or lie: what has another digest is none of its. */
static bool is_wanted_manifest(Call *call)
{
    Document *document = call->options.data;
    Digest wanted, found = digest_of(call->body ? call->body : "", call->body_size);

    return digest_parse(document->request.reference, &wanted) < 0 || digest_equal(&wanted, &found);
}

static void start_get_manifest(Document *document, CallOptions *options)
{
    set_manifest_path(document, options);
    options->is_acceptable = is_wanted_manifest;
}

static void start_head_manifest(Document *document, CallOptions *options)
{
    set_manifest_path(document, options);
    options->method = "HEAD";
}

static void finish_head_manifest(Document *document, Call *call, RegistryReply *reply, Error *err)
{
    const ExchangeAnswer *answer = call_answer(call);
    Digest digest;

    (void)document;
    (void)err;
    reply->media_type = media_type_of(call);
    reply->size = answer->length;
    if (answer->content_digest && digest_parse(answer->content_digest, &digest) == 0)
        reply->digest = memory_strdup(digest.text);
}

static void start_put_manifest(Document *document, CallOptions *options)
{
    const char *type = document->request.media_type;

    set_manifest_path(document, options);
    document->header = memory_printf("Content-Type: %s", type ? type : "application/json");
    document->headers[0] = document->header;
    options->headers = document->headers;
    options->method = "PUT";
    options->access = CALL_PUSH;
    options->has_body = true;
    options->body_fd = document->fd;
    options->body_size = document->request.size;
}

static void finish_nothing(Document *document, Call *call, RegistryReply *reply, Error *err)
{
    (void)document;
    (void)call;
    (void)reply;
    (void)err;
}

/* Blobs */

static void start_has_blob(Document *document, CallOptions *options)
{
    document->path = memory_printf("blobs/%s", document->request.digest);
    document->what = memory_printf("blob '%s'", document->request.digest);
    options->method = "HEAD";
}

static void finish_has_blob(Document *document, Call *call, RegistryReply *reply, Error *err)
{
    (void)document;
    (void)err;
    reply->was_there = true;
    reply->size = call_answer(call)->length;
}

/* Listings */

typedef struct NameList {
    StringList names; /* null in JSON: none */
} NameList;

static const JsonField tags_fields[] = {
    JSON_FIELD(NameList, names, "tags", JSON_TYPE_STRING_LIST),
};
static const JsonField repositories_fields[] = {
    JSON_FIELD(NameList, names, "repositories", JSON_TYPE_STRING_LIST),
};
static const JsonStruct tags_json = JSON_STRUCT(NameList, tags_fields);
static const JsonStruct repositories_json = JSON_STRUCT(NameList, repositories_fields);

static void name_list_done(NameList *list)
{
    string_list_done(&list->names);
}

static void start_list_tags(Document *document, CallOptions *options)
{
    if (!document->path)
        document->path = memory_printf("tags/list?n=%d", PAGE_ENTRIES);
    document->what = memory_strdup("list of tags");
    options->answer_limit = PAGE_MAX;
}

static void start_list_repositories(Document *document, CallOptions *options)
{
    int64_t limit = document->request.limit;

    if (!document->path)
        document->path = memory_printf("v2/_catalog?n=%lld",
                                       (long long)(limit < PAGE_ENTRIES ? limit : PAGE_ENTRIES));
    document->what = memory_strdup("list of repositories");
    options->is_global = true;
    options->access = CALL_CATALOG;
    options->answer_limit = PAGE_MAX;
}

/* The next page is where the Link leads, which has to be at the same place; only its query is
 * taken, so that nothing else is asked for. */
static void turn_page(Document *document, const Call *call, Error *err)
{
    const char *link = call_answer(call)->link;
    _cleanup_free_ char *target = link ? link_next(link) : NULL, *url = NULL;
    const char *query;
    int r;

    if (!target)
        return;
    if (++document->pages > PAGES_MAX) {
        (void)error_set(err, ERROR_EXHAUSTED, "%s: more than %d pages", document->what, PAGES_MAX);
        return;
    }
    r = location_resolve(call->url, target, &url, err);
    query = r < 0 ? NULL : strchr(url, '?');
    if (r >= 0 && (!query || !origin_equal(url, call->url)))
        (void)error_set(err, ERROR_INVALID, "%s: its next page is nowhere", document->what);
    if (error_is_set(err))
        return;
    free(document->path);
    document->path =
        memory_printf("%s%s", call->options.is_global ? "v2/_catalog" : "tags/list", query);
    document->wants_more = true;
}

static void finish_names(Document *document, Call *call, const JsonStruct *type, Error *err)
{
    _cleanup_(name_list_done) NameList list = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_string_buffer_ StringBuffer lines = {};
    int64_t limit = document->request.limit;

    if (json_parse(call->body ? call->body : "", call->body_size, &json, NULL) < 0 ||
        json_struct_read(type, json, &list, NULL) < 0) {
        (void)error_set(err, ERROR_INVALID, "%s: the answer makes no sense", document->what);
        return;
    }
    for (size_t i = 0; i < list.names.count && (limit == 0 || document->count < limit); i++) {
        string_buffer_add(&lines, list.names.items[i]);
        string_buffer_add_char(&lines, '\n');
        document->count++;
    }
    if (lines.length > 0 && write_document(document, lines.data, lines.length, err) < 0)
        return;
    if (list.names.count > 0 && (limit == 0 || document->count < limit))
        turn_page(document, call, err);
}

static void finish_list_tags(Document *document, Call *call, RegistryReply *reply, Error *err)
{
    (void)reply;
    finish_names(document, call, &tags_json, err);
}

static void finish_list_repositories(Document *document, Call *call, RegistryReply *reply,
                                     Error *err)
{
    (void)reply;
    finish_names(document, call, &repositories_json, err);
}

/* Docker Hub is searched at another place than it is pulled from, where nobody is logged in. */
static void start_search(Document *document, CallOptions *options)
{
    _cleanup_free_ char *term = location_escape(document->request.term);
    _cleanup_free_ char *query =
        memory_printf("v1/search?q=%s&n=%lld", term, (long long)document->request.limit);
    const char *domain = document->operation.session->opening.repository.domain;

    document->what = memory_strdup("search");
    document->path = TAKE_PTR(query);
    options->is_global = true;
    options->access = CALL_REGISTRY;
    options->answer_limit = PAGE_MAX;
    if (strcmp(domain, "docker.io") == 0) {
        char *url = memory_printf("https://%s/%s", SEARCH_HOST, document->path);

        free(document->path);
        document->path = url;
        options->url = url;
        options->access = CALL_ANONYMOUS;
    }
}

/* Referrers */

static void start_list_referrers(Document *document, CallOptions *options)
{
    const char *type = document->request.artifact_type, *digest = document->request.digest;
    _cleanup_free_ char *escaped = type ? location_escape(type) : NULL;

    document->what = memory_printf("what refers to '%s'", digest);
    if (document->is_fallback)
        document->path = memory_printf("manifests/sha256-%s", digest + strlen(DIGEST_PREFIX));
    else
        document->path = memory_printf("referrers/%s%s%s", digest, escaped ? "?artifactType=" : "",
                                       escaped ? escaped : "");
    options->headers = accept_headers;
    options->answer_limit = REGISTRY_MANIFEST_MAX;
}

#define EMPTY_INDEX                                                                                \
    "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","              \
    "\"manifests\":[]}"

/* Leave what is of @type; what the registry has filtered itself stays as it is. */
static void filter_referrers(json_t *index, const char *type)
{
    json_t *manifests = json_object_get(index, "manifests");

    for (size_t i = json_array_size(manifests); i-- > 0;) {
        const char *found =
            json_string_value(json_object_get(json_array_get(manifests, i), "artifactType"));

        if (!found || strcmp(found, type) != 0)
            (void)json_array_remove(manifests, i);
    }
}

static void finish_list_referrers(Document *document, Call *call, RegistryReply *reply, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;

    if (!call) { /* the registry knows of none */
        reply->media_type = memory_strdup("application/vnd.oci.image.index.v1+json");
        (void)write_document(document, EMPTY_INDEX, strlen(EMPTY_INDEX), err);
        return;
    }
    if (json_parse(call->body ? call->body : "", call->body_size, &json, NULL) < 0 ||
        !json_is_array(json_object_get(json, "manifests"))) {
        (void)error_set(err, ERROR_INVALID, "%s: the answer is no index", document->what);
        return;
    }
    if (document->request.artifact_type)
        filter_referrers(json, document->request.artifact_type);
    text = json_to_text(json);
    reply->media_type = media_type_of(call);
    (void)write_document(document, text, strlen(text), err);
}

/* Logins */

static void start_login(Document *document, CallOptions *options)
{
    Session *session = document->operation.session;

    session->endpoints[session->n_endpoints - 1].wants_identity_token = true;
    document->path = memory_strdup("v2/");
    document->what = memory_strdup("login");
    options->is_global = true;
    options->access = CALL_REGISTRY;
    options->answer_limit = PAGE_MAX;
}

static void finish_login(Document *document, Call *call, RegistryReply *reply, Error *err)
{
    (void)document;
    (void)err;
    reply->identity_token = memory_strdup(call->endpoint->identity_token);
}

static const DocumentKind kinds[] = {
    { REGISTRY_GET_MANIFEST, start_get_manifest, write_body },
    { REGISTRY_HEAD_MANIFEST, start_head_manifest, finish_head_manifest },
    { REGISTRY_PUT_MANIFEST, start_put_manifest, finish_nothing },
    { REGISTRY_HAS_BLOB, start_has_blob, finish_has_blob },
    { REGISTRY_LIST_TAGS, start_list_tags, finish_list_tags },
    { REGISTRY_LIST_REPOSITORIES, start_list_repositories, finish_list_repositories },
    { REGISTRY_SEARCH, start_search, write_body },
    { REGISTRY_LIST_REFERRERS, start_list_referrers, finish_list_referrers },
    { REGISTRY_LOGIN, start_login, finish_login },
};

static void document_call(Document *document);

static bool is_kind(const Document *document, const char *operation)
{
    return strcmp(document->kind->operation, operation) == 0;
}

/* Some answers that tell of an error are answers, too. Returns whether this is one. */
static bool is_answer(Document *document, const Call *call)
{
    if (!call->exchange || call_answer(call)->code != CURLE_OK)
        return false;
    if (is_kind(document, REGISTRY_HAS_BLOB) && call_answer(call)->status == 404)
        return true;
    /* Registries that do not know of referrers answer with 404, some with other errors. */
    if (is_kind(document, REGISTRY_LIST_REFERRERS) && !document->is_fallback &&
        call_answer(call)->status < 500 && call->error.kind != ERROR_DENIED) {
        document->is_fallback = true;
        document->wants_more = true;
        free(TAKE_PTR(document->path));
        return true;
    }
    return is_kind(document, REGISTRY_LIST_REFERRERS) && call_answer(call)->status == 404;
}

static void on_end(Call *call)
{
    Document *document = call->options.data;
    _cleanup_error_ Error error = {};
    _cleanup_registry_reply_ RegistryReply reply = {};

    document->wants_more = false;
    if (!error_is_set(&call->error)) {
        document->kind->finish(document, call, &reply, &error);
    } else if (!is_answer(document, call)) {
        error_move(&error, &call->error);
    } else if (is_kind(document, REGISTRY_LIST_REFERRERS) && !document->wants_more) {
        finish_list_referrers(document, NULL, &reply, &error);
    }
    call_free(TAKE_PTR(document->call));
    if (document->wants_more && !error_is_set(&error)) {
        document_call(document);
        return;
    }
    session_end(&document->operation, &reply, &error);
    session_remove(&document->operation);
}

static void document_call(Document *document)
{
    CallOptions options = {
        .method = "GET",
        .access = CALL_PULL,
        .on_end = on_end,
        .data = document,
    };

    free(TAKE_PTR(document->what));
    document->kind->start(document, &options);
    options.path = document->path;
    options.what = document->what;
    document->call = call_start(document->operation.session, &options);
}

/* References and digests become parts of paths: nothing in them may be more than that. */
static bool is_reference(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-:+", *c))
            return false;
    return *text && strlen(text) <= 255;
}

static int check_request(const Session *session, const RegistryRequest *request, int fd, Error *err)
{
    bool is_global = strcmp(request->operation, REGISTRY_LOGIN) == 0 ||
                     strcmp(request->operation, REGISTRY_SEARCH) == 0 ||
                     strcmp(request->operation, REGISTRY_LIST_REPOSITORIES) == 0;
    bool is_manifest = strstr(request->operation, "manifest") != NULL;
    bool is_digest = strcmp(request->operation, REGISTRY_HAS_BLOB) == 0 ||
                     strcmp(request->operation, REGISTRY_LIST_REFERRERS) == 0;
    bool has_no_file = strcmp(request->operation, REGISTRY_LOGIN) == 0 ||
                       strcmp(request->operation, REGISTRY_HAS_BLOB) == 0 ||
                       strcmp(request->operation, REGISTRY_HEAD_MANIFEST) == 0;
    Digest digest;

    if ((!is_global && !session->opening.repository.path) || request->size < 0 ||
        request->limit < 0 || (!has_no_file && fd < 0) ||
        (is_manifest && (!request->reference || !is_reference(request->reference))) ||
        (is_digest && (!request->digest || digest_parse(request->digest, &digest) < 0)) ||
        (strcmp(request->operation, REGISTRY_SEARCH) == 0 && !request->term) ||
        (request->media_type && strpbrk(request->media_type, "\r\n")))
        return error_set(err, ERROR_INVALID, "request '%s' makes no sense", request->operation);
    return 0;
}

static void copy_request(const RegistryRequest *request, RegistryRequest *ret)
{
    *ret = *request;
    ret->operation = memory_strdup(request->operation);
    ret->reference = memory_strdup(request->reference);
    ret->digest = memory_strdup(request->digest);
    ret->media_type = memory_strdup(request->media_type);
    ret->artifact_type = memory_strdup(request->artifact_type);
    ret->term = memory_strdup(request->term);
    ret->mount_from = NULL;
    ret->urls = (StringList) {};
}

int operation_start_document(Session *session, const RegistryRequest *request, int fd,
                             Operation **ret, Error *err)
{
    _cleanup_close_ int owned = fd;
    const DocumentKind *kind = NULL;
    Document *document;
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].operation, request->operation) == 0)
            kind = &kinds[i];
    if (!kind)
        return error_set(err, ERROR_INVALID, "request makes no sense");
    r = check_request(session, request, owned, err);
    if (r < 0)
        return r;

    document = NEW(Document);
    *document = (Document) {
        .operation = { .class = &document_class, .session = session },
        .kind = kind,
        .fd = TAKE_FD(owned),
    };
    copy_request(request, &document->request);
    document_call(document);
    *ret = &document->operation;
    return 0;
}
