/* SPDX-License-Identifier: Apache-2.0 */

/* `cay logout`: what was kept for a registry is forgotten; the registry need not know. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "registry/registry-credentials.h"
#include "registry/registry-host.h"
#include "registry/registry-settings.h"

int cli_logout(Invocation *invocation, Error *err)
{
    _cleanup_free_ char *domain = NULL;
    const char *shown;
    int r = invocation_parse(invocation, NULL, err);

    if (r < 0)
        return r;
    r = invocation_misuse(
        invocation,
        registry_host_parse(invocation->n_arguments > 0 ? invocation->arguments[0] : REGISTRY_HUB,
                            &domain, err));
    if (r < 0)
        return r;
    shown = strcmp(domain, REGISTRY_HUB) == 0 ? REGISTRY_HUB_CREDENTIALS : domain;
    r = registry_credentials_erase(NULL, domain, err);
    if (r < 0)
        return error_wrap(err, r, "log out of '%s'", domain);
    printf(r > 0 ? "Removing login credentials for %s\n" : "Not logged in to %s\n", shown);
    return 0;
}
