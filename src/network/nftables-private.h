/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages of nf_tables (linux/netfilter/nf_tables.h): tables, chains, sets, elements and rules, as
 * values that are written into a batch, which the kernel takes as one transaction. Types are told
 * as nft(8) tells them, so that it lists what we make as it lists its own.
 */

#include <net/if.h>
#include <netinet/in.h> /* before the kernel's, which else defines the same */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/netlink.h"

#define NFT_FIELDS_MAX 4
#define NFT_EXPRESSIONS_MAX 12
#define NFT_KEY_MAX 64 /* all registers there are */

/* Registers of four bytes, as packets are compared in them: wider values take several. */
#define NFT_REGISTER(number) (NFT_REG32_00 + (number))

/* What a field of a key, or of a map's data, is. */
typedef enum NftType {
    NFT_TYPE_NONE,
    NFT_TYPE_IPV4,
    NFT_TYPE_IPV6,
    NFT_TYPE_PROTOCOL,
    NFT_TYPE_PORT,
    NFT_TYPE_INTERFACE,
} NftType;

/* Bytes that a field takes in a key: whole registers. */
size_t nft_type_size(NftType type);

typedef struct NftSet {
    const char *name;
    NftType key[NFT_FIELDS_MAX];
    NftType data[NFT_FIELDS_MAX]; /* of a map */
    bool has_verdicts;            /* a map to these */
    bool has_intervals;
} NftSet;

typedef struct NftChain {
    const char *name;
    const char *type; /* of one that packets enter by a hook: "filter", "nat"; NULL: by a rule */
    uint32_t hook;    /* enum nf_inet_hooks */
    int32_t priority;
} NftChain;

/* One step of a rule; made by the macros below. */
typedef struct NftExpression {
    void (*encode)(NetlinkMessage *message, const struct NftExpression *expression);
    const char *kind;
    uint32_t to, from;     /* registers */
    uint32_t what;         /* key, base, operator, verdict, ... of the kind */
    uint32_t offset, size; /* of a payload, or of the value */
    uint8_t value[IFNAMSIZ];
    const char *name; /* of a set or chain */
} NftExpression;

void nft_encode_load(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_payload(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_store(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_immediate(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_fib(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_compare(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_mask(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_lookup(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_verdict(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_dnat(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_nothing(NetlinkMessage *message, const NftExpression *expression);
void nft_encode_reject(NetlinkMessage *message, const NftExpression *expression);

/* Load a property of the packet or its connection (NFT_META_*, NFT_CT_*). */
#define NFT_META(key, register)                                                                    \
    {                                                                                              \
        .encode = nft_encode_load, .kind = "meta", .what = (key), .to = NFT_REGISTER(register)     \
    }
#define NFT_CT(key, register)                                                                      \
    {                                                                                              \
        .encode = nft_encode_load, .kind = "ct", .what = (key), .to = NFT_REGISTER(register)       \
    }
/* Load bytes of a header (NFT_PAYLOAD_*_HEADER). */
#define NFT_PAYLOAD(base, at, length, register)                                                    \
    {                                                                                              \
        .encode = nft_encode_payload, .kind = "payload", .what = (base), .offset = (at),           \
        .size = (length), .to = NFT_REGISTER(register)                                             \
    }
/* Store a register in the transport header, whose checksum is at @sum. */
#define NFT_STORE(at, length, register, sum)                                                       \
    {                                                                                              \
        .encode = nft_encode_store, .kind = "payload", .what = (sum), .offset = (at),              \
        .size = (length), .from = NFT_REGISTER(register)                                           \
    }
/* Load these bytes. */
#define NFT_BYTES(register, length, ...)                                                           \
    {                                                                                              \
        .encode = nft_encode_immediate, .kind = "immediate", .to = NFT_REGISTER(register),         \
        .size = (length), .value = __VA_ARGS__                                                     \
    }
/* Load what kind of address (RTN_*) that in @flags (NFTA_FIB_F_*) is to us. */
#define NFT_FIB_TYPE(flags, register)                                                              \
    {                                                                                              \
        .encode = nft_encode_fib, .kind = "fib", .what = (flags), .to = NFT_REGISTER(register)     \
    }
/* Go on only if the register compares so (NFT_CMP_*) with the bytes. */
#define NFT_COMPARE(operator, register, length, ...)                                               \
    {                                                                                              \
        .encode = nft_encode_compare, .kind = "cmp", .what = (operator),                           \
        .from = NFT_REGISTER(register), .size = (length), .value = __VA_ARGS__                     \
    }
/* Clear the bits that are not in the bytes. */
#define NFT_MASK(register, length, ...)                                                            \
    {                                                                                              \
        .encode = nft_encode_mask, .kind = "bitwise", .from = NFT_REGISTER(register),              \
        .to = NFT_REGISTER(register), .size = (length), .value = __VA_ARGS__                       \
    }
/* Go on only if the set has what is in the registers from @register on. */
#define NFT_IN(set, register)                                                                      \
    {                                                                                              \
        .encode = nft_encode_lookup, .kind = "lookup", .name = (set),                              \
        .from = NFT_REGISTER(register)                                                             \
    }
/* The same for a map, whose data takes the key's place; or is the verdict. */
#define NFT_MAP(set, register)                                                                     \
    {                                                                                              \
        .encode = nft_encode_lookup, .kind = "lookup", .name = (set), .what = 1,                   \
        .from = NFT_REGISTER(register), .to = NFT_REGISTER(register)                               \
    }
#define NFT_VERDICT_MAP(set, register)                                                             \
    {                                                                                              \
        .encode = nft_encode_lookup, .kind = "lookup", .name = (set), .what = 1,                   \
        .from = NFT_REGISTER(register), .to = NFT_REG_VERDICT                                      \
    }
#define NFT_VERDICT(code)                                                                          \
    {                                                                                              \
        .encode = nft_encode_verdict, .kind = "immediate", .what = (uint32_t)(code)                \
    }
#define NFT_GO(chain)                                                                              \
    {                                                                                              \
        .encode = nft_encode_verdict, .kind = "immediate", .what = (uint32_t)NFT_GOTO,             \
        .name = (chain)                                                                            \
    }
/* The connection goes to the address and port in these registers. */
#define NFT_DNAT(family, address, port)                                                            \
    {                                                                                              \
        .encode = nft_encode_dnat, .kind = "nat", .what = (family), .from = NFT_REGISTER(address), \
        .to = NFT_REGISTER(port)                                                                   \
    }
#define NFT_MASQUERADE                                                                             \
    {                                                                                              \
        .encode = nft_encode_nothing, .kind = "masq"                                               \
    }
/* Tell the sender (NFT_REJECT_ICMPX_*). */
#define NFT_REJECT(code)                                                                           \
    {                                                                                              \
        .encode = nft_encode_reject, .kind = "reject", .what = (code)                              \
    }

typedef struct NftRule {
    const char *chain;
    const char *comment;
    NftExpression expressions[NFT_EXPRESSIONS_MAX]; /* up to the first without a kind */
} NftRule;

typedef struct NftElement {
    const NftSet *set;
    uint8_t key[NFT_KEY_MAX];
    uint8_t key_end[NFT_KEY_MAX]; /* of an interval: what is in it last */
    uint8_t data[NFT_KEY_MAX];
    uint32_t verdict;  /* in place of data */
    const char *chain; /* where a verdict goes to */
} NftElement;

/* A transaction: these two are messages of it, too. What is in between is about a table of family
 * inet, one message for each call. */
void nft_batch_begin(NetlinkBatch *batch);
/* ERESTART, unless all rules of the kernel are still those of @generation (0: whatever they are).
 */
void nft_batch_begin_at(NetlinkBatch *batch, uint32_t generation);
void nft_batch_end(NetlinkBatch *batch);

void nft_add_table(NetlinkBatch *batch, const char *table, const char *comment);
/* Fails with EEXIST where there is one. */
void nft_add_new_table(NetlinkBatch *batch, const char *table, const char *comment);
void nft_delete_table(NetlinkBatch *batch, const char *table);
void nft_add_chain(NetlinkBatch *batch, const char *table, const NftChain *chain);
/* @id: a number of its own in the transaction. */
void nft_add_set(NetlinkBatch *batch, const char *table, const NftSet *set, uint32_t id);
/* Add to the end of its chain, with a @mark that nft_rule_mark() finds again. */
void nft_add_rule(NetlinkBatch *batch, const char *table, const NftRule *rule, uint64_t mark);
void nft_add_element(NetlinkBatch *batch, const char *table, const NftElement *element);
void nft_delete_element(NetlinkBatch *batch, const char *table, const NftElement *element);
/* Delete all that are in it. */
void nft_flush_set(NetlinkBatch *batch, const char *table, const NftSet *set);
/* Fails with ENOENT where there is no such set; changes nothing. */
void nft_touch_set(NetlinkBatch *batch, const char *table, const NftSet *set);

/* The question for the generation that rules are in, and the answer. Each transaction, by whomever,
 * is another one. */
void nft_ask_generation(NetlinkMessage *message);
int nft_read_generation(const struct nlmsghdr *answer, uint32_t *ret);

/* The question for an element of a set without intervals. ENOENT: it is not there. */
void nft_ask_element(NetlinkMessage *message, const char *table, const NftElement *element);

/* The question for all rules of a table: a dump, whose answers nft_rule_mark() reads. */
void nft_ask_rules(NetlinkMessage *message, const char *table);
/* 0: it has none. */
uint64_t nft_rule_mark(const struct nlmsghdr *answer);
