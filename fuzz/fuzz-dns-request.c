/* SPDX-License-Identifier: Apache-2.0 */

/* What a client tells of a container: whatever is accepted can be served, and told again. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "network/dns-protocol.h"
#include "network/dns/names.h"
#include "network/dns/upstreams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void serve(const DnsContainer *container)
{
    _cleanup_(names_freep) Names *names = names_new();
    _cleanup_address_list_ AddressList addresses = {};
    Upstreams upstreams = {};

    names_add(names, container);
    upstreams_set(&upstreams, &container->servers);
    for (size_t i = 0; i < container->networks.count; i++)
        for (size_t k = 0; k < container->networks.items[i].names.count; k++)
            (void)names_find(names, container, container->networks.items[i].names.items[k],
                             &addresses);
    names_remove(names, container);
    if (container->networks.count > 0 && names_find(names, container, "web", &addresses) &&
        addresses.count > 0 && container->networks.items[0].links.count == 0 &&
        container->networks.count == 1)
        abort(); /* nobody is there any more */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DnsRequest request = {}, again = {};

    if (dns_request_read((const char *)data, size, &request, NULL) >= 0) {
        _cleanup_json_ json_t *json = json_struct_write(&dns_request_json, &request);
        _cleanup_free_ char *text = json_to_text(json);

        if (dns_request_read(text, strlen(text), &again, NULL) < 0)
            abort();
        if (request.add || request.update)
            serve(request.add ? request.add : request.update);
    }
    json_struct_done(&dns_request_json, &request);
    json_struct_done(&dns_request_json, &again);
    return 0;
}
