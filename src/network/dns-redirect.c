/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ports are written over in the packets. What is asked is at port 53 for all rules and for tracking
 * of the container's own, and only then at ours; what is answered is so before any of them: they
 * see a name server at port 53, and nothing is tracked that the container does not ask for.
 */

#include "network/dns-sockets.h"

#include <arpa/inet.h>
#include <linux/netfilter_ipv4.h>

#include "base/fd.h"
#include "network/dns-client.h"
#include "network/nftables-private.h"

#define TABLE "cay-dns"
#define COMMENT "names of containers: made by cay"
#define SOURCE 0 /* where the ports are, in UDP and TCP */
#define DESTINATION 2
#define PORT_BYTES(port)                                                                           \
    {                                                                                              \
        ((const uint8_t *)&(port))[0], ((const uint8_t *)&(port))[1]                               \
    }

static const NftChain questions = { "questions", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_LAST };
static const NftChain answers = { "answers", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_RAW };

/* What one end of a packet of @protocol is at @from becomes @to. */
typedef struct Rewrite {
    uint8_t protocol;
    uint32_t checksum; /* where it is */
    uint32_t side;     /* SOURCE, DESTINATION */
    in_port_t from;
    in_port_t to;
} Rewrite;

static void add_rewrite(NetlinkBatch *batch, const Rewrite *what)
{
    struct in_addr server = {};
    const uint8_t *address = (const uint8_t *)&server;

    (void)inet_pton(AF_INET, DNS_ADDRESS, &server); /* which is one */
    nft_add_rule(
        batch, TABLE,
        &(NftRule) {
            what->side == SOURCE ? answers.name : questions.name,
            NULL,
            { NFT_META(NFT_META_NFPROTO, 0), NFT_COMPARE(NFT_CMP_EQ, 0, 1, { NFPROTO_IPV4 }),
              NFT_PAYLOAD(NFT_PAYLOAD_NETWORK_HEADER, what->side == SOURCE ? 12 : 16, 4, 0),
              NFT_COMPARE(NFT_CMP_EQ, 0, 4, { address[0], address[1], address[2], address[3] }),
              NFT_META(NFT_META_L4PROTO, 0), NFT_COMPARE(NFT_CMP_EQ, 0, 1, { what->protocol }),
              NFT_PAYLOAD(NFT_PAYLOAD_TRANSPORT_HEADER, what->side, 2, 0),
              NFT_COMPARE(NFT_CMP_EQ, 0, 2, PORT_BYTES(what->from)),
              NFT_BYTES(0, 2, PORT_BYTES(what->to)),
              NFT_STORE(what->side, 2, 0, what->checksum) } },
        0);
}

/* With @is_new, there must be none; to delete one costs the kernel some milliseconds. */
static int make_table(Netlink *netlink, const Rewrite *rewrites, size_t count, bool is_new)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};

    nft_batch_begin(&batch);
    if (!is_new) {
        nft_add_table(&batch, TABLE, COMMENT); /* so that there is one to delete */
        nft_delete_table(&batch, TABLE);
    }
    nft_add_new_table(&batch, TABLE, COMMENT);
    nft_add_chain(&batch, TABLE, &questions);
    nft_add_chain(&batch, TABLE, &answers);
    for (size_t i = 0; i < count; i++)
        add_rewrite(&batch, &rewrites[i]);
    nft_batch_end(&batch);
    return netlink_batch_send(netlink, &batch, NULL, NULL);
}

int dns_redirect(in_port_t udp_port, in_port_t tcp_port, Error *err)
{
    const in_port_t port = htons(DNS_PORT);
    const Rewrite rewrites[] = {
        { IPPROTO_UDP, 6, DESTINATION, port, udp_port },
        { IPPROTO_UDP, 6, SOURCE, udp_port, port },
        { IPPROTO_TCP, 16, DESTINATION, port, tcp_port },
        { IPPROTO_TCP, 16, SOURCE, tcp_port, port },
    };
    _cleanup_close_ int fd = netlink_open_protocol(NETLINK_NETFILTER);
    Netlink netlink = { .fd = fd };
    int r = fd < 0 ? fd : make_table(&netlink, rewrites, ARRAY_SIZE(rewrites), true);

    if (r == -EEXIST)
        r = make_table(&netlink, rewrites, ARRAY_SIZE(rewrites), false);
    if (r == -EOPNOTSUPP || r == -EPROTONOSUPPORT)
        return error_set(err, ERROR_UNSUPPORTED, "this kernel has no nftables");
    return r < 0 ? error_result(err, r, "lead port %d of %s to '%s'", DNS_PORT, DNS_ADDRESS, TABLE)
                 : 0;
}
