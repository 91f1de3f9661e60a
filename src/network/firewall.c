/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Transactions on our table. The kernel takes each as a whole, so that no packet ever meets a half
 * of one: also a table that is made anew is there before and after, and never not.
 */

#include "network/firewall.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"
#include "network/conntrack-private.h"
#include "network/firewall-private.h"

#define ATTEMPTS 8

/* Places in the transaction of a change. */
#define TOUCH 1 /* behind its beginning */
#define FIRST_STEP 2

#define RECEIVE_BUFFER (8 << 20) /* for a refusal of each of some 10,000 elements */
#define TABLE_COMMENT "made by cay, which makes it anew when it is changed"

struct Firewall {
    char *table;
    Netlink netlink;
    uint32_t generation; /* of all rules, at firewall_watch(); 0: not watched */
};

/* EINVAL: nobody answers to messages of that kind. */
static int report(const Firewall *firewall, const char *what, int r, Error *err)
{
    if (r == -EOPNOTSUPP || r == -EPROTONOSUPPORT || r == -EINVAL)
        return error_set(err, ERROR_UNSUPPORTED,
                         "this kernel has no nftables, or not all that table '%s' needs",
                         firewall->table);
    return error_result(err, r, "%s table '%s' of nftables", what, firewall->table);
}

int firewall_open(const char *table, Firewall **ret, Error *err)
{
    _cleanup_(firewall_closep) Firewall *firewall = NEW(Firewall);
    const int size = RECEIVE_BUFFER;

    firewall->table = memory_strdup(table);
    firewall->netlink.fd = netlink_open_protocol(NETLINK_NETFILTER);
    if (firewall->netlink.fd < 0)
        return report(firewall, "open a socket to", firewall->netlink.fd, err);
    /* Without the right to it everything else is refused, too. */
    (void)setsockopt(firewall->netlink.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    *ret = TAKE_PTR(firewall);
    return 0;
}

void firewall_close(Firewall *firewall)
{
    if (!firewall)
        return;
    /* The end of such a socket waits until nobody can still use what was removed, for some 10 ms.
     */
    socket_close_behind(firewall->netlink.fd);
    free(firewall->table);
    free(firewall);
}

/* --- the unchanging parts --- */

static void add_ruleset(NetlinkBatch *batch, const char *table, uint64_t mark)
{
    for (size_t i = 0; i < firewall_n_chains; i++)
        nft_add_chain(batch, table, &firewall_chains[i]);
    for (uint32_t i = 0; i < _FIREWALL_SET_MAX; i++)
        nft_add_set(batch, table, &firewall_sets[i], i + 1);
    for (size_t i = 0; i < firewall_n_rules; i++)
        nft_add_rule(batch, table, &firewall_rules[i], mark);
}

/* A number that is another one for other rules (FNV-1a, and never 0): rules that have it are those
 * of this version. */
static uint64_t ruleset_mark(const char *table)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    uint64_t mark = 0xcbf29ce484222325U;

    add_ruleset(&batch, table, 0);
    for (size_t i = 0; i < batch.size; i++)
        mark = (mark ^ (uint8_t)batch.data[i]) * 0x100000001b3U;
    return mark | 1;
}

typedef struct RuleCount {
    uint64_t mark;
    size_t ours;
    size_t others;
} RuleCount;

static int count_rule(const struct nlmsghdr *answer, void *data)
{
    RuleCount *count = data;

    if (nft_rule_mark(answer) == count->mark)
        count->ours++;
    else
        count->others++;
    return 0;
}

int firewall_is_intact(Firewall *firewall, Error *err)
{
    RuleCount count;
    int r = -EAGAIN;

    /* Somebody's transaction in between makes the list incomplete. */
    for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++) {
        NetlinkMessage message;

        count = (RuleCount) { .mark = ruleset_mark(firewall->table) };
        nft_ask_rules(&message, firewall->table);
        r = netlink_query(&firewall->netlink, &message, NLM_F_DUMP, count_rule, &count);
    }
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return report(firewall, "list", r, err);
    return count.ours == firewall_n_rules && count.others == 0;
}

static int add_state(const FirewallState *state, FirewallElementList *list, Error *err)
{
    firewall_elements_of_host(list);
    for (size_t i = 0; i < state->n_networks; i++)
        firewall_elements_of_network(&state->networks[i], false, list);
    for (size_t i = 0; i < state->n_ports; i++) {
        int r = firewall_elements_of_port(&state->ports[i], false, list, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int on_generation(const struct nlmsghdr *answer, void *data)
{
    return nft_read_generation(answer, data);
}

int firewall_watch(Firewall *firewall, Error *err)
{
    NetlinkMessage message;
    int r;

    nft_ask_generation(&message);
    r = netlink_query(&firewall->netlink, &message, 0, on_generation, &firewall->generation);
    return r < 0 ? report(firewall, "change", r, err) : 0;
}

static int replace(Firewall *firewall, const FirewallElementList *list, bool is_intact)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    const char *table = firewall->table;

    nft_batch_begin_at(&batch, firewall->generation);
    if (is_intact) {
        for (size_t i = 0; i < _FIREWALL_SET_MAX; i++)
            nft_flush_set(&batch, table, &firewall_sets[i]);
    } else {
        nft_add_table(&batch, table, TABLE_COMMENT); /* so that there is one to delete */
        nft_delete_table(&batch, table);
        nft_add_table(&batch, table, TABLE_COMMENT);
        add_ruleset(&batch, table, ruleset_mark(table));
    }
    for (size_t i = 0; i < list->count; i++)
        if (!list->items[i].is_absent)
            nft_add_element(&batch, table, &list->items[i].element);
    nft_batch_end(&batch);
    return netlink_batch_send(&firewall->netlink, &batch, NULL, NULL);
}

/*
 * A table that is whole keeps its sets: a packet that is among the rules of a set that is deleted
 * finds nothing in it any more, and so gets through. What is exchanged in a set is found before and
 * after.
 */
int firewall_rebuild(Firewall *firewall, const FirewallState *state, Error *err)
{
    _cleanup_firewall_element_list_ FirewallElementList list = {};
    int r = add_state(state, &list, err);
    bool is_intact;

    if (r < 0)
        return r;
    is_intact = firewall_is_intact(firewall, NULL) > 0;
    r = replace(firewall, &list, is_intact);
    if (r < 0 && r != -ERESTART && is_intact)
        r = replace(firewall, &list, false); /* somebody's chains or sets are in it */
    firewall->generation = 0;
    if (r == -ERESTART)
        return error_set(err, ERROR_CONFLICT, "rules of nftables were changed meanwhile");
    if (r < 0)
        return report(firewall, "change", r, err);
    conntrack_forget_strays(&firewall->netlink, state->ports, state->n_ports);
    return 0;
}

int firewall_remove(Firewall *firewall, Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    int r;

    nft_batch_begin(&batch);
    nft_delete_table(&batch, firewall->table);
    nft_batch_end(&batch);
    r = netlink_batch_send(&firewall->netlink, &batch, NULL, NULL);
    return r < 0 && r != -ENOENT ? report(firewall, "change", r, err) : 0;
}

/* --- changes --- */

/* What to do about an element, as far as we know what there is. */
typedef enum Step {
    STEP_SIMPLE,  /* add it, or delete it */
    STEP_REPLACE, /* another one is there under its key: delete that first */
    STEP_NOTHING, /* it is not there, as it should be */
} Step;

static size_t n_messages(Step step)
{
    return step == STEP_NOTHING ? 0 : step == STEP_REPLACE ? 2 : 1;
}

static void add_step(NetlinkBatch *batch, const char *table, const FirewallElement *item, Step step)
{
    if (step == STEP_NOTHING)
        return;
    if (item->is_absent || step == STEP_REPLACE)
        nft_delete_element(batch, table, &item->element);
    if (!item->is_absent)
        nft_add_element(batch, table, &item->element);
}

/* What to do next time about an element one of whose messages was refused with @r. */
static Step next_step(const FirewallElement *item, int r)
{
    if (r != -ENOENT)
        return item->is_absent ? STEP_SIMPLE : STEP_REPLACE; /* EEXIST, EBUSY */
    return item->is_absent ? STEP_NOTHING : STEP_SIMPLE;
}

/* Learn from a transaction that was refused. Returns whether there was anything to learn. */
static bool learn(const NetlinkBatch *batch, const FirewallElementList *list, Step *steps)
{
    size_t message = FIRST_STEP;
    bool is_learnt = false;

    for (size_t i = 0; i < list->count; i++) {
        const Step step = steps[i];

        for (size_t n = n_messages(step); n > 0; n--, message++) {
            int r = netlink_batch_result(batch, message);

            if (r < 0)
                steps[i] = next_step(&list->items[i], r);
        }
        is_learnt |= steps[i] != step;
    }
    return is_learnt;
}

/* What is unlikely to be there is asked for before, as a transaction that is refused takes the
 * kernel some milliseconds. */
static void ask_for_absent(Firewall *firewall, const FirewallElementList *list, Step *steps)
{
    for (size_t i = 0; i < list->count; i++) {
        NetlinkMessage message;

        if (!list->items[i].is_absent)
            continue;
        nft_ask_element(&message, firewall->table, &list->items[i].element);
        if (netlink_query(&firewall->netlink, &message, 0, NULL, NULL) == -ENOENT)
            steps[i] = STEP_NOTHING;
    }
}

/*
 * Make it so that the elements are there, or are not. What is there is only learnt when it is not
 * what was thought: that the kernel tells by refusing everything.
 */
static int apply(Firewall *firewall, const FirewallElementList *list, bool is_removal, Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    _cleanup_free_ Step *steps = NEW_ARRAY(Step, list->count);
    bool is_hopeful = list->count > 0;
    int r = 0;

    if (!is_removal)
        ask_for_absent(firewall, list, steps);
    for (int i = 0; i < ATTEMPTS && is_hopeful; i++) {
        nft_batch_begin(&batch);
        nft_touch_set(&batch, firewall->table, &firewall_sets[0]);
        for (size_t k = 0; k < list->count; k++)
            add_step(&batch, firewall->table, &list->items[k], steps[k]);
        nft_batch_end(&batch);
        r = netlink_batch_send(&firewall->netlink, &batch, NULL, NULL);
        if (r == 0)
            return 0;
        is_hopeful = netlink_batch_result(&batch, TOUCH) == 0 && learn(&batch, list, steps);
    }
    if (r == -ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "there is no table '%s' of nftables",
                         firewall->table);
    if (r == -EEXIST || r == -EBUSY)
        return error_set(err, ERROR_CONFLICT,
                         "table '%s' of nftables has other elements for the same packets",
                         firewall->table);
    return r < 0 ? report(firewall, "change", r, err) : 0;
}

static int change_network(Firewall *firewall, const FirewallNetwork *network, bool is_absent,
                          Error *err)
{
    _cleanup_firewall_element_list_ FirewallElementList list = {};

    if (!is_absent)
        firewall_elements_of_host(&list);
    firewall_elements_of_network(network, is_absent, &list);
    return apply(firewall, &list, is_absent, err);
}

int firewall_add_network(Firewall *firewall, const FirewallNetwork *network, Error *err)
{
    return change_network(firewall, network, false, err);
}

int firewall_remove_network(Firewall *firewall, const FirewallNetwork *network, Error *err)
{
    return change_network(firewall, network, true, err);
}

static int change_ports(Firewall *firewall, const FirewallPort *ports, size_t count, bool is_absent,
                        Error *err)
{
    _cleanup_firewall_element_list_ FirewallElementList list = {};

    for (size_t i = 0; i < count; i++) {
        int r = firewall_elements_of_port(&ports[i], is_absent, &list, err);

        if (r < 0)
            return r;
    }
    return apply(firewall, &list, is_absent, err);
}

int firewall_add_ports(Firewall *firewall, const FirewallPort *ports, size_t count, Error *err)
{
    int r = change_ports(firewall, ports, count, false, err);

    if (r == 0)
        conntrack_forget_strays(&firewall->netlink, ports, count);
    return r;
}

int firewall_remove_ports(Firewall *firewall, const FirewallPort *ports, size_t count, Error *err)
{
    int r = change_ports(firewall, ports, count, true, err);

    /* also where the table is gone: the flows are not */
    if (r == 0 || r == -ENOENT)
        conntrack_forget_targets(&firewall->netlink, ports, count);
    return r;
}
