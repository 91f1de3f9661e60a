/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What never changes in our table: sets, chains and rules. A packet that starts a connection meets
 * the chains of NAT, which look it up once in each map; every packet that is forwarded is looked up
 * by its interfaces. Rules tell what comes from us, which is told so (refuse), from what comes from
 * outside, which learns nothing (drop).
 */

#include "network/firewall-private.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>

const NftSet firewall_sets[_FIREWALL_SET_MAX] = {
    [FIREWALL_PUBLISHED_V4] = { .name = "published4",
                                .key = { NFT_TYPE_IPV4, NFT_TYPE_PROTOCOL, NFT_TYPE_PORT },
                                .data = { NFT_TYPE_IPV4, NFT_TYPE_PORT } },
    [FIREWALL_PUBLISHED_V6] = { .name = "published6",
                                .key = { NFT_TYPE_IPV6, NFT_TYPE_PROTOCOL, NFT_TYPE_PORT },
                                .data = { NFT_TYPE_IPV6, NFT_TYPE_PORT } },
    [FIREWALL_EVERYWHERE_V4] = { .name = "everywhere4",
                                 .key = { NFT_TYPE_PROTOCOL, NFT_TYPE_PORT },
                                 .data = { NFT_TYPE_IPV4, NFT_TYPE_PORT } },
    [FIREWALL_EVERYWHERE_V6] = { .name = "everywhere6",
                                 .key = { NFT_TYPE_PROTOCOL, NFT_TYPE_PORT },
                                 .data = { NFT_TYPE_IPV6, NFT_TYPE_PORT } },
    /* From whom and to which address of the host: intervals. */
    [FIREWALL_LIMITED_V4] = { .name = "limited4",
                              .key = { NFT_TYPE_PROTOCOL, NFT_TYPE_PORT, NFT_TYPE_IPV4,
                                       NFT_TYPE_IPV4 },
                              .data = { NFT_TYPE_IPV4, NFT_TYPE_PORT },
                              .has_intervals = true },
    [FIREWALL_LIMITED_V6] = { .name = "limited6",
                              .key = { NFT_TYPE_PROTOCOL, NFT_TYPE_PORT, NFT_TYPE_IPV6,
                                       NFT_TYPE_IPV6 },
                              .data = { NFT_TYPE_IPV6, NFT_TYPE_PORT },
                              .has_intervals = true },
    [FIREWALL_LOOPBACK_V6] = { .name = "loopback6",
                               .key = { NFT_TYPE_IPV6 },
                               .has_verdicts = true },
    [FIREWALL_HAIRPIN_V4] = { .name = "hairpin4", .key = { NFT_TYPE_IPV4 }, .has_intervals = true },
    [FIREWALL_HAIRPIN_V6] = { .name = "hairpin6", .key = { NFT_TYPE_IPV6 }, .has_intervals = true },
    [FIREWALL_OUTGOING_V4] = { .name = "outgoing4",
                               .key = { NFT_TYPE_IPV4 },
                               .has_verdicts = true,
                               .has_intervals = true },
    [FIREWALL_OUTGOING_V6] = { .name = "outgoing6",
                               .key = { NFT_TYPE_IPV6 },
                               .has_verdicts = true,
                               .has_intervals = true },
    [FIREWALL_INSIDE] = { .name = "inside", .key = { NFT_TYPE_INTERFACE } },
    [FIREWALL_WITHIN] = { .name = "within",
                          .key = { NFT_TYPE_INTERFACE, NFT_TYPE_INTERFACE },
                          .has_verdicts = true },
    [FIREWALL_LEAVING] = { .name = "leaving", .key = { NFT_TYPE_INTERFACE }, .has_verdicts = true },
    [FIREWALL_CROSSING] = { .name = "crossing",
                            .key = { NFT_TYPE_INTERFACE },
                            .has_verdicts = true },
    [FIREWALL_ENTERING] = { .name = "entering",
                            .key = { NFT_TYPE_INTERFACE },
                            .has_verdicts = true },
    [FIREWALL_ARRIVING] = { .name = "arriving",
                            .key = { NFT_TYPE_INTERFACE },
                            .has_verdicts = true },
};

const NftChain firewall_chains[] = {
    { "guard", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW },
    { "prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST },
    { "output", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST },
    { "postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC },
    { "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER },
    { "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER },
    { .name = "publish4" },
    { .name = FIREWALL_CHAIN_PUBLISH_V6 },
    { .name = FIREWALL_CHAIN_MASQUERADE },
    { .name = FIREWALL_CHAIN_LEAVE },
    { .name = FIREWALL_CHAIN_CROSS },
    { .name = FIREWALL_CHAIN_ENTER },
    { .name = FIREWALL_CHAIN_ARRIVE },
    { .name = FIREWALL_CHAIN_REFUSE },
    { .name = FIREWALL_CHAIN_IGNORE },
};
const size_t firewall_n_chains = ARRAY_SIZE(firewall_chains);

/* Numbers that the kernel compares in its own byte order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_OF(number)                                                                           \
    {                                                                                              \
        (number) & 0xff, (number) >> 8 & 0xff, 0, 0                                                \
    }
#else
#define BYTES_OF(number)                                                                           \
    {                                                                                              \
        0, 0, (number) >> 8 & 0xff, (number)&0xff                                                  \
    }
#endif
#define ZERO BYTES_OF(0)

#define IS_IPV4 NFT_META(NFT_META_NFPROTO, 0), NFT_COMPARE(NFT_CMP_EQ, 0, 1, { NFPROTO_IPV4 })
#define IS_IPV6 NFT_META(NFT_META_NFPROTO, 0), NFT_COMPARE(NFT_CMP_EQ, 0, 1, { NFPROTO_IPV6 })
#define LOAD_SOURCE_V4(register) NFT_PAYLOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, register)
#define LOAD_SOURCE_V6(register) NFT_PAYLOAD(NFT_PAYLOAD_NETWORK_HEADER, 8, 16, register)
#define LOAD_DESTINATION_V4(register) NFT_PAYLOAD(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, register)
#define LOAD_DESTINATION_V6(register) NFT_PAYLOAD(NFT_PAYLOAD_NETWORK_HEADER, 24, 16, register)
/* The port is at the same place for TCP, UDP and SCTP. */
#define LOAD_PORT(protocol, port)                                                                  \
    NFT_META(NFT_META_L4PROTO, protocol), NFT_PAYLOAD(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, port)
#define LOAD_INPUT(register) NFT_META(NFT_META_IIFNAME, register)
#define LOAD_OUTPUT(register) NFT_META(NFT_META_OIFNAME, register)

#define NOT_FROM_LOOPBACK LOAD_INPUT(0), NFT_COMPARE(NFT_CMP_NEQ, 0, IFNAMSIZ, "lo")
#define TO_US NFT_FIB_TYPE(NFTA_FIB_F_DADDR, 0), NFT_COMPARE(NFT_CMP_EQ, 0, 4, BYTES_OF(RTN_LOCAL))
#define TO_US_THERE(type)                                                                          \
    NFT_FIB_TYPE(NFTA_FIB_F_DADDR | NFTA_FIB_F_IIF, 0),                                            \
        NFT_COMPARE(NFT_CMP_EQ, 0, 4, BYTES_OF(type))
#define IS_PUBLISHED                                                                               \
    NFT_CT(NFT_CT_STATUS, 0), NFT_MASK(0, 4, BYTES_OF(IPS_DST_NAT)),                               \
        NFT_COMPARE(NFT_CMP_NEQ, 0, 4, ZERO)
#define STATE_BIT(state) (1 << ((state) + 1))
#define IS_ANSWER                                                                                  \
    NFT_CT(NFT_CT_STATE, 0),                                                                       \
        NFT_MASK(0, 4, BYTES_OF(STATE_BIT(IP_CT_ESTABLISHED) | STATE_BIT(IP_CT_RELATED))),         \
        NFT_COMPARE(NFT_CMP_NEQ, 0, 4, ZERO)

#define ACCEPT NFT_VERDICT(NF_ACCEPT)
#define DROP NFT_VERDICT(NF_DROP)

/* One for each protocol, although the map's key has it: nft(8) would not read back what it lists.
 */
#define IS_PROTOCOL(number)                                                                        \
    NFT_META(NFT_META_L4PROTO, 0), NFT_COMPARE(NFT_CMP_EQ, 0, 1, { (number) })
#define LIMITED_V4(protocol)                                                                       \
    {                                                                                              \
        "publish4", "for some only",                                                               \
        {                                                                                          \
            IS_IPV4, IS_PROTOCOL(protocol), LOAD_PORT(0, 1), LOAD_DESTINATION_V4(2),               \
                LOAD_SOURCE_V4(3), NFT_MAP("limited4", 0), NFT_DNAT(NFPROTO_IPV4, 0, 1)            \
        }                                                                                          \
    }
#define LIMITED_V6(protocol)                                                                       \
    {                                                                                              \
        FIREWALL_CHAIN_PUBLISH_V6, "for some only",                                                \
        {                                                                                          \
            IS_IPV6, IS_PROTOCOL(protocol), LOAD_PORT(0, 1), LOAD_DESTINATION_V6(2),               \
                LOAD_SOURCE_V6(6), NFT_MAP("limited6", 0), NFT_DNAT(NFPROTO_IPV6, 0, 4)            \
        }                                                                                          \
    }

const NftRule firewall_rules[] = {
    /* Before NAT makes something else of it, and whatever route_localnet says. The kernel does as
     * much for ::1. */
    { "guard",
      "loopback addresses are nobody else's",
      { NOT_FROM_LOOPBACK, IS_IPV4, LOAD_DESTINATION_V4(0), NFT_MASK(0, 4, { 255 }),
        NFT_COMPARE(NFT_CMP_EQ, 0, 4, { 127 }), DROP } },
    { "guard",
      NULL,
      { NOT_FROM_LOOPBACK, IS_IPV4, LOAD_SOURCE_V4(0), NFT_MASK(0, 4, { 255 }),
        NFT_COMPARE(NFT_CMP_EQ, 0, 4, { 127 }), DROP } },

    { "prerouting", "published ports", { IS_IPV4, TO_US, NFT_GO("publish4") } },
    { "prerouting", NULL, { IS_IPV6, TO_US, NFT_GO(FIREWALL_CHAIN_PUBLISH_V6) } },
    { "output",
      "where the kernel lets no answer through, none is asked for",
      { IS_IPV6, LOAD_DESTINATION_V6(0), NFT_VERDICT_MAP("loopback6", 0) } },
    { "output", "published ports, from this host", { IS_IPV4, TO_US, NFT_GO("publish4") } },
    { "output", NULL, { IS_IPV6, TO_US, NFT_GO(FIREWALL_CHAIN_PUBLISH_V6) } },

    { "publish4",
      "at one address",
      { IS_IPV4, LOAD_DESTINATION_V4(0), LOAD_PORT(1, 2), NFT_MAP("published4", 0),
        NFT_DNAT(NFPROTO_IPV4, 0, 1) } },
    { "publish4",
      "at every address",
      { LOAD_PORT(0, 1), NFT_MAP("everywhere4", 0), NFT_DNAT(NFPROTO_IPV4, 0, 1) } },
    LIMITED_V4(IPPROTO_TCP),
    LIMITED_V4(IPPROTO_UDP),
    LIMITED_V4(IPPROTO_SCTP),
    { FIREWALL_CHAIN_PUBLISH_V6,
      "at one address",
      { IS_IPV6, LOAD_DESTINATION_V6(0), LOAD_PORT(4, 5), NFT_MAP("published6", 0),
        NFT_DNAT(NFPROTO_IPV6, 0, 4) } },
    { FIREWALL_CHAIN_PUBLISH_V6,
      "at every address",
      { LOAD_PORT(0, 1), NFT_MAP("everywhere6", 0), NFT_DNAT(NFPROTO_IPV6, 0, 4) } },
    LIMITED_V6(IPPROTO_TCP),
    LIMITED_V6(IPPROTO_UDP),
    LIMITED_V6(IPPROTO_SCTP),

    /* The answers of a container to another one, to itself or to 127.0.0.1 would not come this way
     * if it knew who asks. Two of different networks are no exception: it may be in both. */
    { "postrouting",
      "the answer must come this way",
      { IS_PUBLISHED, LOAD_OUTPUT(0), NFT_IN("inside", 0), IS_IPV4, LOAD_SOURCE_V4(0),
        NFT_IN("hairpin4", 0), NFT_MASQUERADE } },
    { "postrouting",
      NULL,
      { IS_PUBLISHED, LOAD_OUTPUT(0), NFT_IN("inside", 0), IS_IPV6, LOAD_SOURCE_V6(0),
        NFT_IN("hairpin6", 0), NFT_MASQUERADE } },
    { "postrouting", "others keep their address", { LOAD_OUTPUT(0), NFT_IN("inside", 0), ACCEPT } },
    { "postrouting",
      "what leaves has the host's address",
      { IS_IPV4, LOAD_SOURCE_V4(0), NFT_VERDICT_MAP("outgoing4", 0) } },
    { "postrouting", NULL, { IS_IPV6, LOAD_SOURCE_V6(0), NFT_VERDICT_MAP("outgoing6", 0) } },
    { FIREWALL_CHAIN_MASQUERADE, NULL, { NFT_MASQUERADE } },

    { "forward",
      "within a network",
      { LOAD_INPUT(0), LOAD_OUTPUT(4), NFT_VERDICT_MAP("within", 0) } },
    { "forward", "out of a network", { LOAD_INPUT(0), NFT_VERDICT_MAP("leaving", 0) } },
    { "forward",
      "from outside into a network",
      { LOAD_OUTPUT(0), NFT_VERDICT_MAP("entering", 0) } },
    { FIREWALL_CHAIN_LEAVE,
      "into another network",
      { LOAD_OUTPUT(0), NFT_VERDICT_MAP("crossing", 0) } },
    { FIREWALL_CHAIN_CROSS, "published ports", { IS_PUBLISHED, ACCEPT } },
    { FIREWALL_CHAIN_CROSS, NULL, { NFT_GO(FIREWALL_CHAIN_REFUSE) } },
    { FIREWALL_CHAIN_ENTER, "published ports", { IS_PUBLISHED, ACCEPT } },
    { FIREWALL_CHAIN_ENTER, "answers", { IS_ANSWER, ACCEPT } },
    { FIREWALL_CHAIN_ENTER, "a route to it is no way in", { NFT_GO(FIREWALL_CHAIN_IGNORE) } },

    { "input",
      "from a closed network to this host",
      { LOAD_INPUT(0), NFT_VERDICT_MAP("arriving", 0) } },
    { FIREWALL_CHAIN_ARRIVE, "answers", { IS_ANSWER, ACCEPT } },
    { FIREWALL_CHAIN_ARRIVE, "to its gateway", { TO_US_THERE(RTN_LOCAL), ACCEPT } },
    { FIREWALL_CHAIN_ARRIVE, "neighbours are found so", { TO_US_THERE(RTN_MULTICAST), ACCEPT } },
    { FIREWALL_CHAIN_ARRIVE, NULL, { NFT_GO(FIREWALL_CHAIN_REFUSE) } },
    { FIREWALL_CHAIN_REFUSE, NULL, { NFT_REJECT(NFT_REJECT_ICMPX_ADMIN_PROHIBITED) } },
    { FIREWALL_CHAIN_IGNORE, NULL, { DROP } },
};
const size_t firewall_n_rules = ARRAY_SIZE(firewall_rules);
