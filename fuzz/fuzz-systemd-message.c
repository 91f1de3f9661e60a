/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary bytes to the reader of D-Bus messages. What is accepted must lie in its bytes,
 * and its body is read as what systemd would send: numbers, texts and signatures.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sandbox/systemd-message-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const uint8_t *data, size_t size, const char *text)
{
    if (text && (text < (const char *)data || text + strlen(text) >= (const char *)data + size) &&
        *text)
        abort();
}

static void read_body(const BusMessage *message)
{
    BusReader reader = { message->body, message->body_size, 0 };
    bool goes_on = true;

    for (const char *type = message->signature; *type && goes_on; type++) {
        const char *text;
        uint32_t number;
        uint8_t byte;

        if (*type == 'u')
            goes_on = bus_read_u32(&reader, &number);
        else if (*type == 'v' || *type == 'g')
            goes_on = bus_read_signature(&reader, &text);
        else if (*type == 'y')
            goes_on = bus_read_byte(&reader, &byte);
        else
            goes_on = bus_read_string(&reader, &text);
        if (reader.at > reader.size)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ uint8_t *copy = memory_new(1, size ? size : 1); /* exactly so much, aligned */
    BusMessage message;

    if (size > 0)
        memcpy(copy, data, size);
    if (bus_message_parse(copy, size, &message) < 0)
        return 0;
    if (message.body < copy || message.body + message.body_size != copy + size)
        abort();
    check_text(copy, size, message.path);
    check_text(copy, size, message.interface);
    check_text(copy, size, message.member);
    check_text(copy, size, message.error_name);
    check_text(copy, size, message.signature);
    read_body(&message);
    return 0;
}
