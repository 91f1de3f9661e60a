/* SPDX-License-Identifier: Apache-2.0 */

/*
 * dns-load NAME COUNT [SERVER]: ask a name server (127.0.0.11) for the address of NAME so often,
 * some questions at a time, and print how many were answered in a second. An answer that does not
 * come within a second ends it.
 */

#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define AT_A_TIME 32
#define ANSWER_MAX 512

typedef struct Batch {
    struct mmsghdr headers[AT_A_TIME];
    struct iovec parts[AT_A_TIME];
    uint8_t data[AT_A_TIME][ANSWER_MAX];
} Batch;

static size_t make_question(const char *name, uint8_t *message)
{
    static const uint8_t header[12] = { 0, 0, 1, 0, 0, 1 }, tail[5] = { 0, 0, 1, 0, 1 };
    size_t size = sizeof(header);

    memcpy(message, header, sizeof(header));
    while (*name) {
        size_t length = strcspn(name, ".");

        if (length == 0 || length > 63 || size + length > ANSWER_MAX / 2)
            return 0;
        message[size++] = (uint8_t)length;
        memcpy(message + size, name, length);
        size += length;
        name += length;
        name += *name == '.';
    }
    memcpy(message + size, tail, sizeof(tail));
    return size + sizeof(tail);
}

static void batch_init(Batch *batch)
{
    for (size_t i = 0; i < AT_A_TIME; i++) {
        batch->parts[i] = (struct iovec) { batch->data[i], ANSWER_MAX };
        batch->headers[i].msg_hdr =
            (struct msghdr) { .msg_iov = &batch->parts[i], .msg_iovlen = 1 };
    }
}

/* As many questions as are wanted, then as many answers. Returns how many those were; 0: late. */
static unsigned ask(int fd, Batch *questions, Batch *answers, unsigned wanted)
{
    unsigned answered = 0;
    int sent = sendmmsg(fd, questions->headers, wanted, 0);

    while (sent > 0 && answered < (unsigned)sent) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        int n = poll(&poll_fd, 1, 1000) > 0
                    ? recvmmsg(fd, answers->headers, AT_A_TIME, MSG_DONTWAIT, NULL)
                    : 0;

        if (n <= 0)
            return 0;
        for (int i = 0; i < n; i++)
            if (answers->headers[i].msg_len < 12 || answers->data[i][3] & 15)
                return 0; /* it says that there is no such name, or worse */
        answered += (unsigned)n;
    }
    return answered;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static Batch questions, answers;
    struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(53) };
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, done = 0;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    double start;

    batch_init(&questions);
    batch_init(&answers);
    for (size_t i = 0; count > 0 && i < AT_A_TIME; i++)
        questions.parts[i].iov_len = make_question(argv[1], questions.data[i]);
    if (count == 0 || questions.parts[0].iov_len == 0 ||
        inet_pton(AF_INET, argc > 3 ? argv[3] : "127.0.0.11", &server.sin_addr) != 1) {
        fputs("usage: dns-load NAME COUNT [SERVER]\n", stderr);
        return 2;
    }
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0) {
        perror("dns-load");
        return 1;
    }
    start = seconds();
    while (done < count) {
        unsigned answered = ask(fd, &questions, &answers, AT_A_TIME);

        if (answered == 0) {
            fprintf(stderr, "dns-load: after %lu answers: none, or not of success\n", done);
            return 1;
        }
        done += answered;
    }
    printf("%.0f\n", (double)done / (seconds() - start));
    return 0;
}
