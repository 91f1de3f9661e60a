/* SPDX-License-Identifier: Apache-2.0 */

/* The protocol's one table, and messages to bytes and back. What does not match it is refused. */

#include "supervisor/shim-protocol.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/socket.h"

static const struct {
    const char *name;
    uint8_t fixed_size;
    size_t tail_max;
} messages[_SHIM_MESSAGE_MAX] = {
    [SHIM_MESSAGE_CREATED] = { "created", sizeof(int32_t), 0 },
    [SHIM_MESSAGE_STARTED] = { "started", sizeof(int64_t), 0 },
    [SHIM_MESSAGE_FAILED] = { "failed", sizeof(ShimFailure), SHIM_TEXT_MAX },
    [SHIM_MESSAGE_STDOUT] = { "stdout", 0, SHIM_DATA_MAX },
    [SHIM_MESSAGE_STDERR] = { "stderr", 0, SHIM_DATA_MAX },
    [SHIM_MESSAGE_STDIN_READY] = { "stdin-ready", 0, 0 },
    [SHIM_MESSAGE_SIGNALED] = { "signaled", sizeof(int32_t), 0 },
    [SHIM_MESSAGE_EXITED] = { "exited", 0, SHIM_TEXT_MAX },
    [SHIM_MESSAGE_START] = { "start", 0, 0 },
    [SHIM_MESSAGE_ATTACH] = { "attach", sizeof(uint32_t), 0 },
    [SHIM_MESSAGE_STDIN] = { "stdin", 0, SHIM_DATA_MAX },
    [SHIM_MESSAGE_STDIN_CLOSE] = { "stdin-close", 0, 0 },
    [SHIM_MESSAGE_RESIZE] = { "resize", sizeof(ShimWindow), 0 },
    [SHIM_MESSAGE_SIGNAL] = { "signal", sizeof(int32_t), 0 },
    [SHIM_MESSAGE_EXIT_TAKEN] = { "exit-taken", 0, 0 },
    [SHIM_MESSAGE_STOP] = { "stop", sizeof(ShimStop), 0 },
    [SHIM_MESSAGE_KILL] = { "kill", sizeof(int32_t), 0 },
    [SHIM_MESSAGE_PAUSE] = { "pause", sizeof(uint32_t), 0 },
    [SHIM_MESSAGE_RELOAD] = { "reload", 0, 0 },
    [SHIM_MESSAGE_START_DETACHED] = { "start-detached", 0, 0 },
    [SHIM_MESSAGE_DONE] = { "done", sizeof(int32_t), 0 },
    [SHIM_MESSAGE_HOLD] = { "hold", sizeof(uint32_t), 0 },
};

static bool type_is_known(unsigned type)
{
    return type < ARRAY_SIZE(messages) && messages[type].name;
}

const char *shim_message_name(ShimMessageType type)
{
    return type_is_known(type) ? messages[type].name : "unknown";
}

size_t shim_message_encode(const ShimMessage *message, uint8_t *buffer)
{
    size_t fixed_size = messages[message->type].fixed_size;
    size_t tail_size = message->tail_size;

    if (tail_size > messages[message->type].tail_max)
        tail_size = messages[message->type].tail_max;

    buffer[0] = (uint8_t)message->type;
    memcpy(buffer + 1, message->fixed, fixed_size);
    if (tail_size > 0)
        memcpy(buffer + 1 + fixed_size, message->tail, tail_size);
    return 1 + fixed_size + tail_size;
}

int shim_message_decode(const uint8_t *data, size_t size, ShimMessage *ret)
{
    ShimMessage message = {};
    size_t fixed_size;

    if (size < 1 || !type_is_known(data[0]))
        return -EPROTO;
    message.type = data[0];
    fixed_size = messages[message.type].fixed_size;
    if (size < 1 + fixed_size || size - 1 - fixed_size > messages[message.type].tail_max)
        return -EPROTO;

    memcpy(message.fixed, data + 1, fixed_size);
    message.tail = (const char *)data + 1 + fixed_size;
    message.tail_size = size - 1 - fixed_size;
    *ret = message;
    return 0;
}

int shim_message_send(int fd, const ShimMessage *message)
{
    uint8_t buffer[1 + sizeof(message->fixed) + SHIM_TEXT_MAX];
    ShimMessage cut = *message;

    if (cut.tail_size > SHIM_TEXT_MAX)
        cut.tail_size = SHIM_TEXT_MAX;
    return socket_send(fd, buffer, shim_message_encode(&cut, buffer), NULL, 0);
}

int shim_message_send_plain(int fd, ShimMessageType type)
{
    return shim_message_send(fd, &(ShimMessage) { .type = type });
}

int shim_message_receive(int fd, uint8_t *buffer, ShimMessage *ret)
{
    ssize_t size;
    int r;

    /* A peer that closes with messages of ours unread resets the connection; what it has sent
     * before still follows that one error. */
    do
        size = socket_receive(fd, buffer, SHIM_MESSAGE_MAX, NULL, 0);
    while (size == -ECONNRESET);
    if (size <= 0)
        return size == -EMSGSIZE ? -EPROTO : (int)size;

    r = shim_message_decode(buffer, (size_t)size, ret);
    return r < 0 ? r : 1;
}
