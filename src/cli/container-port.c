/* SPDX-License-Identifier: Apache-2.0 */

/* `cay port`: where the ports of a container are published. The networks that there are, none and
 * host, publish none. */

#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container.h"

/* "80" and "80/tcp" are the same port. */
static int complete_port(const char *text, char **ret, Error *err)
{
    size_t length = strcspn(text, "/");
    _cleanup_free_ char *number = memory_strndup(text, length);
    const char *protocol = text[length] ? text + length + 1 : "tcp";
    uint32_t port;

    if (parse_u32(number, &port) < 0 || port > UINT16_MAX || !*protocol)
        return error_set(err, ERROR_INVALID, "invalid port '%s': write it as PORT[/PROTOCOL]",
                         text);
    *ret = memory_printf("%u/%s", port, protocol);
    return 0;
}

int cli_container_port(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_free_ char *port = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0 && invocation->n_arguments > 1)
        r = invocation_misuse(invocation, complete_port(invocation->arguments[1], &port, err));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_find_live(engine, invocation->arguments[0], &container, err);
    if (r < 0 || !port)
        return r;
    return error_set(err, ERROR_NOT_FOUND, "no public port '%s' published for '%s'", port,
                     invocation->arguments[0]);
}
