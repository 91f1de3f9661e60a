/* SPDX-License-Identifier: Apache-2.0 */

/* Encoding of nf_tables' messages. Nothing here talks to the kernel, or knows what rules are for.
 */

#include "network/nftables-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#define ALIGN_TO_REGISTER(size) (((size) + 3) & ~3UL)

/* How nft(8) finds out what the bytes of a key mean: its numbers of types, six bits for each. */
static const struct {
    uint32_t number;
    size_t size;
} types[] = {
    [NFT_TYPE_IPV4] = { 7, 4 },  [NFT_TYPE_IPV6] = { 8, 16 },       [NFT_TYPE_PROTOCOL] = { 12, 1 },
    [NFT_TYPE_PORT] = { 13, 2 }, [NFT_TYPE_INTERFACE] = { 41, 16 },
};
#define TYPE_BITS 6
#define TYPE_VERDICT 0xffffff00U

/* Of libnftnl's user data, which nft(8) reads: type and length, one byte each, and the value. */
#define USERDATA_TABLE_COMMENT 0
#define USERDATA_SET_KEY_BYTE_ORDER 0
#define USERDATA_SET_DATA_BYTE_ORDER 1
#define BYTE_ORDER_HOST 1
#define BYTE_ORDER_BIG_ENDIAN 2
#define USERDATA_RULE_COMMENT 0
#define USERDATA_RULE_MARK 0xca /* ours; it leaves out what it does not know */
#define USERDATA_MAX 256

size_t nft_type_size(NftType type)
{
    return ALIGN_TO_REGISTER(types[type].size);
}

static size_t fields_size(const NftType fields[static NFT_FIELDS_MAX])
{
    size_t size = 0;

    for (size_t i = 0; i < NFT_FIELDS_MAX && fields[i]; i++)
        size += nft_type_size(fields[i]);
    return size;
}

static uint32_t fields_number(const NftType fields[static NFT_FIELDS_MAX])
{
    uint32_t number = 0;

    for (size_t i = 0; i < NFT_FIELDS_MAX && fields[i]; i++)
        number = number << TYPE_BITS | types[fields[i]].number;
    return number;
}

static bool is_concatenation(const NftSet *set)
{
    return set->key[1] != NFT_TYPE_NONE;
}

/* --- messages --- */

static void message_init(NetlinkMessage *message, uint16_t type, uint8_t family)
{
    struct nfgenmsg *body = netlink_message_init(message, type, sizeof(*body));

    body->nfgen_family = family;
    body->version = NFNETLINK_V0;
}

static void table_message_init(NetlinkMessage *message, uint16_t type)
{
    message_init(message, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), NFPROTO_INET);
}

static void boundary_init(NetlinkMessage *message, uint16_t type)
{
    struct nfgenmsg *body = netlink_message_init(message, type, sizeof(*body));

    body->res_id = htons(NFNL_SUBSYS_NFTABLES);
}

void nft_batch_begin_at(NetlinkBatch *batch, uint32_t generation)
{
    NetlinkMessage message;

    boundary_init(&message, NFNL_MSG_BATCH_BEGIN);
    if (generation)
        netlink_message_add_be32(&message, NFNL_BATCH_GENID, generation);
    netlink_batch_add(batch, &message, 0, 0);
    batch->is_transaction = true;
}

void nft_batch_begin(NetlinkBatch *batch)
{
    nft_batch_begin_at(batch, 0);
}

void nft_batch_end(NetlinkBatch *batch)
{
    NetlinkMessage message;

    boundary_init(&message, NFNL_MSG_BATCH_END);
    netlink_batch_add(batch, &message, 0, 0);
}

void nft_ask_generation(NetlinkMessage *message)
{
    table_message_init(message, NFT_MSG_GETGEN);
}

int nft_read_generation(const struct nlmsghdr *answer, uint32_t *ret)
{
    const struct rtattr *attributes[NFTA_GEN_MAX + 1];
    int r = netlink_parse(answer, sizeof(struct nfgenmsg), attributes, ARRAY_SIZE(attributes));

    if (r == 0)
        *ret = ntohl(netlink_u32(attributes[NFTA_GEN_ID]));
    return r;
}

typedef struct Userdata {
    uint8_t bytes[USERDATA_MAX];
    size_t size;
} Userdata;

static void userdata_add(Userdata *userdata, uint8_t type, const void *value, size_t size)
{
    uint8_t *place = userdata->bytes + userdata->size;

    if (size > UINT8_MAX || userdata->size + 2 + size > sizeof(userdata->bytes))
        return; /* a comment is no reason to fail */
    place[0] = type;
    place[1] = (uint8_t)size;
    memcpy(place + 2, value, size);
    userdata->size += 2 + size;
}

static void add_table(NetlinkBatch *batch, const char *table, const char *comment, uint16_t flags)
{
    NetlinkMessage message;
    Userdata userdata = {};

    table_message_init(&message, NFT_MSG_NEWTABLE);
    netlink_message_add_string(&message, NFTA_TABLE_NAME, table);
    userdata_add(&userdata, USERDATA_TABLE_COMMENT, comment, strlen(comment) + 1);
    netlink_message_add(&message, NFTA_TABLE_USERDATA, userdata.bytes, userdata.size);
    netlink_batch_add(batch, &message, flags, 0);
}

void nft_add_table(NetlinkBatch *batch, const char *table, const char *comment)
{
    add_table(batch, table, comment, NLM_F_CREATE);
}

void nft_add_new_table(NetlinkBatch *batch, const char *table, const char *comment)
{
    add_table(batch, table, comment, NLM_F_CREATE | NLM_F_EXCL);
}

void nft_delete_table(NetlinkBatch *batch, const char *table)
{
    NetlinkMessage message;

    table_message_init(&message, NFT_MSG_DELTABLE);
    netlink_message_add_string(&message, NFTA_TABLE_NAME, table);
    netlink_batch_add(batch, &message, 0, 0);
}

void nft_add_chain(NetlinkBatch *batch, const char *table, const NftChain *chain)
{
    NetlinkMessage message;

    table_message_init(&message, NFT_MSG_NEWCHAIN);
    netlink_message_add_string(&message, NFTA_CHAIN_TABLE, table);
    netlink_message_add_string(&message, NFTA_CHAIN_NAME, chain->name);
    if (chain->type) {
        size_t hook = netlink_message_begin(&message, NFTA_CHAIN_HOOK);

        netlink_message_add_be32(&message, NFTA_HOOK_HOOKNUM, chain->hook);
        netlink_message_add_be32(&message, NFTA_HOOK_PRIORITY, (uint32_t)chain->priority);
        netlink_message_end(&message, hook);
        netlink_message_add_string(&message, NFTA_CHAIN_TYPE, chain->type);
        netlink_message_add_be32(&message, NFTA_CHAIN_POLICY, NF_ACCEPT);
    }
    netlink_batch_add(batch, &message, NLM_F_CREATE, 0);
}

/* --- sets --- */

static uint32_t set_flags(const NftSet *set)
{
    uint32_t flags = set->has_intervals ? NFT_SET_INTERVAL : 0;

    if (set->has_intervals && is_concatenation(set))
        flags |= NFT_SET_CONCAT;
    if (set->has_verdicts || set->data[0])
        flags |= NFT_SET_MAP;
    return flags;
}

/* The fields' lengths, for the kernel to look for an interval in each. */
static void add_set_description(NetlinkMessage *message, const NftSet *set)
{
    size_t description = netlink_message_begin(message, NFTA_SET_DESC);
    size_t fields = netlink_message_begin(message, NFTA_SET_DESC_CONCAT);

    for (size_t i = 0; i < NFT_FIELDS_MAX && set->key[i]; i++) {
        size_t field = netlink_message_begin(message, NFTA_LIST_ELEM);

        netlink_message_add_be32(message, NFTA_SET_FIELD_LEN, (uint32_t)types[set->key[i]].size);
        netlink_message_end(message, field);
    }
    netlink_message_end(message, fields);
    netlink_message_end(message, description);
}

static void add_set_data(NetlinkMessage *message, const NftSet *set)
{
    if (set->has_verdicts) {
        netlink_message_add_be32(message, NFTA_SET_DATA_TYPE, TYPE_VERDICT);
        netlink_message_add_be32(message, NFTA_SET_DATA_LEN, 0);
    } else if (set->data[0]) {
        netlink_message_add_be32(message, NFTA_SET_DATA_TYPE, fields_number(set->data));
        netlink_message_add_be32(message, NFTA_SET_DATA_LEN, (uint32_t)fields_size(set->data));
    }
}

void nft_add_set(NetlinkBatch *batch, const char *table, const NftSet *set, uint32_t id)
{
    const uint32_t order =
        set->key[0] == NFT_TYPE_INTERFACE ? BYTE_ORDER_HOST : BYTE_ORDER_BIG_ENDIAN;
    Userdata userdata = {};
    NetlinkMessage message;

    table_message_init(&message, NFT_MSG_NEWSET);
    netlink_message_add_string(&message, NFTA_SET_TABLE, table);
    netlink_message_add_string(&message, NFTA_SET_NAME, set->name);
    netlink_message_add_be32(&message, NFTA_SET_FLAGS, set_flags(set));
    netlink_message_add_be32(&message, NFTA_SET_KEY_TYPE, fields_number(set->key));
    netlink_message_add_be32(&message, NFTA_SET_KEY_LEN, (uint32_t)fields_size(set->key));
    add_set_data(&message, set);
    netlink_message_add_be32(&message, NFTA_SET_ID, id);
    if (set->has_intervals && is_concatenation(set))
        add_set_description(&message, set);
    userdata_add(&userdata, USERDATA_SET_KEY_BYTE_ORDER, &order, sizeof(order));
    if (set->data[0])
        userdata_add(&userdata, USERDATA_SET_DATA_BYTE_ORDER, &order, sizeof(order));
    netlink_message_add(&message, NFTA_SET_USERDATA, userdata.bytes, userdata.size);
    netlink_batch_add(batch, &message, NLM_F_CREATE, 0);
}

static void add_value(NetlinkMessage *message, uint16_t type, const void *value, size_t size)
{
    size_t begin = netlink_message_begin(message, type);

    netlink_message_add(message, NFTA_DATA_VALUE, value, size);
    netlink_message_end(message, begin);
}

static void add_verdict(NetlinkMessage *message, uint16_t type, uint32_t code, const char *chain)
{
    size_t begin = netlink_message_begin(message, type);
    size_t verdict = netlink_message_begin(message, NFTA_DATA_VERDICT);

    netlink_message_add_be32(message, NFTA_VERDICT_CODE, code);
    if (chain)
        netlink_message_add_string(message, NFTA_VERDICT_CHAIN, chain);
    netlink_message_end(message, verdict);
    netlink_message_end(message, begin);
}

/* The number behind @value, which is one of @size bytes. False behind the last. */
static bool successor(const uint8_t *value, size_t size, uint8_t *ret)
{
    memcpy(ret, value, size);
    while (size > 0)
        if (++ret[--size] != 0)
            return true;
    return false;
}

/* Intervals of one field are told by where they begin, and where what is not in them begins. */
static void add_interval_end(NetlinkMessage *message, const NftElement *element)
{
    size_t size = fields_size(element->set->key);
    uint8_t end[NFT_KEY_MAX];
    size_t item;

    if (!successor(element->key_end, size, end))
        return;
    item = netlink_message_begin(message, NFTA_LIST_ELEM);
    add_value(message, NFTA_SET_ELEM_KEY, end, size);
    netlink_message_add_be32(message, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
    netlink_message_end(message, item);
}

static void add_element_itself(NetlinkMessage *message, const NftElement *element, bool with_data)
{
    const NftSet *set = element->set;
    const size_t item = netlink_message_begin(message, NFTA_LIST_ELEM);

    add_value(message, NFTA_SET_ELEM_KEY, element->key, fields_size(set->key));
    if (set->has_intervals && is_concatenation(set))
        add_value(message, NFTA_SET_ELEM_KEY_END, element->key_end, fields_size(set->key));
    if (with_data && set->has_verdicts)
        add_verdict(message, NFTA_SET_ELEM_DATA, element->verdict, element->chain);
    else if (with_data && set->data[0])
        add_value(message, NFTA_SET_ELEM_DATA, element->data, fields_size(set->data));
    netlink_message_end(message, item);
}

static size_t element_message_init(NetlinkMessage *message, uint16_t type, const char *table,
                                   const NftSet *set)
{
    table_message_init(message, type);
    netlink_message_add_string(message, NFTA_SET_ELEM_LIST_TABLE, table);
    netlink_message_add_string(message, NFTA_SET_ELEM_LIST_SET, set->name);
    return netlink_message_begin(message, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void element_message(NetlinkMessage *message, uint16_t type, const char *table,
                            const NftElement *element)
{
    const size_t list = element_message_init(message, type, table, element->set);

    add_element_itself(message, element, type == NFT_MSG_NEWSETELEM);
    if (element->set->has_intervals && !is_concatenation(element->set))
        add_interval_end(message, element);
    netlink_message_end(message, list);
}

void nft_add_element(NetlinkBatch *batch, const char *table, const NftElement *element)
{
    NetlinkMessage message;

    element_message(&message, NFT_MSG_NEWSETELEM, table, element);
    netlink_batch_add(batch, &message, NLM_F_CREATE, 0);
}

void nft_delete_element(NetlinkBatch *batch, const char *table, const NftElement *element)
{
    NetlinkMessage message;

    element_message(&message, NFT_MSG_DELSETELEM, table, element);
    netlink_batch_add(batch, &message, 0, 0);
}

void nft_flush_set(NetlinkBatch *batch, const char *table, const NftSet *set)
{
    NetlinkMessage message;

    table_message_init(&message, NFT_MSG_DELSETELEM);
    netlink_message_add_string(&message, NFTA_SET_ELEM_LIST_TABLE, table);
    netlink_message_add_string(&message, NFTA_SET_ELEM_LIST_SET, set->name);
    netlink_batch_add(batch, &message, 0, 0);
}

void nft_touch_set(NetlinkBatch *batch, const char *table, const NftSet *set)
{
    NetlinkMessage message;

    netlink_message_end(&message, element_message_init(&message, NFT_MSG_NEWSETELEM, table, set));
    netlink_batch_add(batch, &message, 0, 0);
}

void nft_ask_element(NetlinkMessage *message, const char *table, const NftElement *element)
{
    element_message(message, NFT_MSG_GETSETELEM, table, element);
}

/* --- rules --- */

void nft_encode_load(NetlinkMessage *message, const NftExpression *expression)
{
    _Static_assert((int)NFTA_META_DREG == (int)NFTA_CT_DREG &&
                       (int)NFTA_META_KEY == (int)NFTA_CT_KEY,
                   "both are encoded the same way");
    netlink_message_add_be32(message, NFTA_META_DREG, expression->to);
    netlink_message_add_be32(message, NFTA_META_KEY, expression->what);
}

void nft_encode_payload(NetlinkMessage *message, const NftExpression *expression)
{
    netlink_message_add_be32(message, NFTA_PAYLOAD_DREG, expression->to);
    netlink_message_add_be32(message, NFTA_PAYLOAD_BASE, expression->what);
    netlink_message_add_be32(message, NFTA_PAYLOAD_OFFSET, expression->offset);
    netlink_message_add_be32(message, NFTA_PAYLOAD_LEN, expression->size);
}

void nft_encode_store(NetlinkMessage *message, const NftExpression *expression)
{
    netlink_message_add_be32(message, NFTA_PAYLOAD_SREG, expression->from);
    netlink_message_add_be32(message, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
    netlink_message_add_be32(message, NFTA_PAYLOAD_OFFSET, expression->offset);
    netlink_message_add_be32(message, NFTA_PAYLOAD_LEN, expression->size);
    netlink_message_add_be32(message, NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
    netlink_message_add_be32(message, NFTA_PAYLOAD_CSUM_OFFSET, expression->what);
}

void nft_encode_immediate(NetlinkMessage *message, const NftExpression *expression)
{
    netlink_message_add_be32(message, NFTA_IMMEDIATE_DREG, expression->to);
    add_value(message, NFTA_IMMEDIATE_DATA, expression->value, expression->size);
}

void nft_encode_fib(NetlinkMessage *message, const NftExpression *expression)
{
    netlink_message_add_be32(message, NFTA_FIB_DREG, expression->to);
    netlink_message_add_be32(message, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    netlink_message_add_be32(message, NFTA_FIB_FLAGS, expression->what);
}

void nft_encode_compare(NetlinkMessage *message, const NftExpression *expression)
{
    netlink_message_add_be32(message, NFTA_CMP_SREG, expression->from);
    netlink_message_add_be32(message, NFTA_CMP_OP, expression->what);
    add_value(message, NFTA_CMP_DATA, expression->value, expression->size);
}

void nft_encode_mask(NetlinkMessage *message, const NftExpression *expression)
{
    static const uint8_t zero[sizeof(expression->value)];

    netlink_message_add_be32(message, NFTA_BITWISE_SREG, expression->from);
    netlink_message_add_be32(message, NFTA_BITWISE_DREG, expression->to);
    netlink_message_add_be32(message, NFTA_BITWISE_LEN, expression->size);
    add_value(message, NFTA_BITWISE_MASK, expression->value, expression->size);
    add_value(message, NFTA_BITWISE_XOR, zero, expression->size);
}

void nft_encode_lookup(NetlinkMessage *message, const NftExpression *expression)
{
    netlink_message_add_string(message, NFTA_LOOKUP_SET, expression->name);
    netlink_message_add_be32(message, NFTA_LOOKUP_SREG, expression->from);
    if (expression->what)
        netlink_message_add_be32(message, NFTA_LOOKUP_DREG, expression->to);
}

void nft_encode_verdict(NetlinkMessage *message, const NftExpression *expression)
{
    netlink_message_add_be32(message, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    add_verdict(message, NFTA_IMMEDIATE_DATA, expression->what, expression->name);
}

void nft_encode_dnat(NetlinkMessage *message, const NftExpression *expression)
{
    netlink_message_add_be32(message, NFTA_NAT_TYPE, NFT_NAT_DNAT);
    netlink_message_add_be32(message, NFTA_NAT_FAMILY, expression->what);
    netlink_message_add_be32(message, NFTA_NAT_REG_ADDR_MIN, expression->from);
    netlink_message_add_be32(message, NFTA_NAT_REG_PROTO_MIN, expression->to);
}

void nft_encode_nothing(NetlinkMessage *message, const NftExpression *expression)
{
    (void)message, (void)expression;
}

void nft_encode_reject(NetlinkMessage *message, const NftExpression *expression)
{
    netlink_message_add_be32(message, NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
    netlink_message_add_u8(message, NFTA_REJECT_ICMP_CODE, (uint8_t)expression->what);
}

static void add_expression(NetlinkMessage *message, const NftExpression *expression)
{
    const size_t item = netlink_message_begin(message, NFTA_LIST_ELEM);
    size_t data;

    netlink_message_add_string(message, NFTA_EXPR_NAME, expression->kind);
    data = netlink_message_begin(message, NFTA_EXPR_DATA);
    expression->encode(message, expression);
    netlink_message_end(message, data);
    netlink_message_end(message, item);
}

void nft_add_rule(NetlinkBatch *batch, const char *table, const NftRule *rule, uint64_t mark)
{
    NetlinkMessage message;
    Userdata userdata = {};
    size_t list;

    table_message_init(&message, NFT_MSG_NEWRULE);
    netlink_message_add_string(&message, NFTA_RULE_TABLE, table);
    netlink_message_add_string(&message, NFTA_RULE_CHAIN, rule->chain);
    list = netlink_message_begin(&message, NFTA_RULE_EXPRESSIONS);
    for (size_t i = 0; i < NFT_EXPRESSIONS_MAX && rule->expressions[i].kind; i++)
        add_expression(&message, &rule->expressions[i]);
    netlink_message_end(&message, list);

    if (rule->comment)
        userdata_add(&userdata, USERDATA_RULE_COMMENT, rule->comment, strlen(rule->comment) + 1);
    userdata_add(&userdata, USERDATA_RULE_MARK, &mark, sizeof(mark));
    netlink_message_add(&message, NFTA_RULE_USERDATA, userdata.bytes, userdata.size);
    netlink_batch_add(batch, &message, NLM_F_CREATE | NLM_F_APPEND, 0);
}

void nft_ask_rules(NetlinkMessage *message, const char *table)
{
    table_message_init(message, NFT_MSG_GETRULE);
    netlink_message_add_string(message, NFTA_RULE_TABLE, table);
}

uint64_t nft_rule_mark(const struct nlmsghdr *answer)
{
    const struct rtattr *attributes[NFTA_RULE_MAX + 1], *userdata;
    const uint8_t *bytes;
    uint64_t mark = 0;

    if (answer->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE) ||
        netlink_parse(answer, sizeof(struct nfgenmsg), attributes, ARRAY_SIZE(attributes)) < 0)
        return 0;
    userdata = attributes[NFTA_RULE_USERDATA];
    bytes = netlink_value(userdata, 0);
    for (size_t left = bytes ? RTA_PAYLOAD(userdata) : 0; left >= 2 && bytes[1] <= left - 2;
         left -= 2U + bytes[1], bytes += 2U + bytes[1])
        if (bytes[0] == USERDATA_RULE_MARK && bytes[1] == sizeof(mark))
            memcpy(&mark, bytes + 2, sizeof(mark));
    return mark;
}
