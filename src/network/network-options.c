/* SPDX-License-Identifier: Apache-2.0 */

/* `--opt` of a network: one table of what there is, and what the drivers make of what is left open.
 * Docker's names mean here what they mean there. */

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "network/network-spec.h"

typedef enum OptionKind {
    OPTION_TEXT,
    OPTION_LIST, /* separated by commas */
    OPTION_BOOL,
    OPTION_NOT, /* a boolean whose member says the opposite */
    OPTION_NUMBER,
} OptionKind;

typedef struct Option {
    const char *name;
    const char *drivers; /* NULL: all */
    OptionKind kind;
    size_t offset;
    uint32_t least; /* of a number, as the next one */
    uint32_t most;
} Option;

#define MEMBER(member) offsetof(NetworkSpec, member)
#define BRIDGES "bridge vxlan"
#define PARENTS "macvlan ipvlan vlan vxlan"

static const Option options[] = {
    { "com.docker.network.bridge.name", BRIDGES, OPTION_TEXT, MEMBER(interface) },
    { "com.docker.network.bridge.enable_icc", BRIDGES, OPTION_NOT, MEMBER(no_container_traffic) },
    { "com.docker.network.bridge.enable_ip_masquerade", BRIDGES, OPTION_NOT,
      MEMBER(no_masquerade) },
    { "com.docker.network.bridge.host_binding_ipv4", BRIDGES, OPTION_TEXT, MEMBER(host_binding) },
    { "com.docker.network.driver.mtu", NULL, OPTION_NUMBER, MEMBER(mtu), 68, 65535 },
    { "mtu", NULL, OPTION_NUMBER, MEMBER(mtu), 68, 65535 },
    { "parent", PARENTS, OPTION_TEXT, MEMBER(parent) },
    { "mode", "macvlan ipvlan vlan", OPTION_TEXT, MEMBER(mode) },
    { "macvlan_mode", "macvlan vlan", OPTION_TEXT, MEMBER(mode) },
    { "ipvlan_mode", "ipvlan", OPTION_TEXT, MEMBER(mode) },
    { "ipvlan_flag", "ipvlan", OPTION_TEXT, MEMBER(flag) },
    { "vlan", "bridge vlan", OPTION_NUMBER, MEMBER(vlan), 1, 4094 },
    { "vlan_filtering", "bridge", OPTION_BOOL, MEMBER(vlan_filtering) },
    { "vni", "vxlan", OPTION_NUMBER, MEMBER(vni), 1, 0xffffff },
    { "port", "vxlan", OPTION_NUMBER, MEMBER(vxlan_port), 1, 65535 },
    { "local", "vxlan", OPTION_TEXT, MEMBER(vxlan_local) },
    { "group", "vxlan", OPTION_LIST, MEMBER(vxlan_peers) },
    { "peers", "vxlan", OPTION_LIST, MEMBER(vxlan_peers) },
};

/* Is @word one of the blank-separated @words? */
static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = words; (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;

    return false;
}

static bool is_of_driver(const Option *option, const char *driver)
{
    return !option->drivers || has_word(option->drivers, driver);
}

static const Option *find_option(const char *name, const char *driver)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (strcmp(options[i].name, name) == 0 && is_of_driver(&options[i], driver))
            return &options[i];

    return NULL;
}

static int refuse_option(const char *name, const char *driver, Error *err)
{
    _cleanup_string_list_ StringList names = {};
    _cleanup_free_ char *text = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (is_of_driver(&options[i], driver))
            string_list_add(&names, options[i].name);
    text = string_list_join(&names, ", ");
    return error_set(err, ERROR_UNSUPPORTED,
                     "networks of driver '%s' have no option '%s' (they have %s)", driver, name,
                     text);
}

static int set_number(const Option *option, const char *value, uint32_t *number, Error *err)
{
    if (parse_u32(value, number) == 0 && *number >= option->least && *number <= option->most)
        return 0;
    return error_set(err, ERROR_INVALID, "option '%s': '%s' is no number from %u to %u",
                     option->name, value, option->least, option->most);
}

static int set_bool(const Option *option, const char *value, bool *member, Error *err)
{
    bool flag;

    if (parse_bool(value, &flag) < 0)
        return error_set(err, ERROR_INVALID, "option '%s': '%s' is neither 'true' nor 'false'",
                         option->name, value);
    *member = flag != (option->kind == OPTION_NOT);
    return 0;
}

static void set_text(char **member, const char *value)
{
    free(*member);
    *member = memory_strdup(value);
}

static int set_option(NetworkSpec *spec, const Option *option, const char *value, Error *err)
{
    void *member = (char *)spec + option->offset;

    if (option->kind == OPTION_NUMBER)
        return set_number(option, value, member, err);
    if (option->kind == OPTION_BOOL || option->kind == OPTION_NOT)
        return set_bool(option, value, member, err);
    if (value[0] == '\0')
        return error_set(err, ERROR_INVALID, "option '%s' needs a value", option->name);
    if (option->kind == OPTION_TEXT) {
        set_text(member, value);
    } else {
        string_list_done(member);
        string_list_split(member, value, ',');
    }
    return 0;
}

/* Names of interfaces that are a network's: @prefix and the beginning of its id. */
static void set_own_name(char **member, const char *prefix, const NetworkSpec *spec)
{
    free(*member);
    *member = memory_printf("%s-%.12s", prefix, spec->id);
}

/* "eth0.10": VLAN 10 of eth0, which is made where nobody else has. */
static void split_tagged(NetworkSpec *spec)
{
    const char *dot = spec->parent ? strrchr(spec->parent, '.') : NULL;
    uint32_t vlan;

    if (!dot || dot == spec->parent || parse_u32(dot + 1, &vlan) < 0 || vlan < 1 || vlan > 4094)
        return;
    spec->vlan = vlan;
    spec->owns_parent = true;
    set_text(&spec->interface, spec->parent);
    spec->parent[dot - spec->parent] = '\0';
}

/* Without a parent containers reach each other and nothing else, as Docker has it. */
static void finish_parent(NetworkSpec *spec)
{
    split_tagged(spec);
    if (spec->parent)
        return;
    spec->owns_parent = true;
    spec->is_internal = true;
    set_own_name(&spec->interface, "dm", spec);
}

static void finish_vlan(NetworkSpec *spec)
{
    split_tagged(spec);
    if (!spec->mode)
        spec->mode = memory_strdup("bridge");
    if (spec->interface || !spec->parent || spec->vlan == 0)
        return; /* network_spec_validate() says what is missing */
    spec->owns_parent = true;
    spec->interface = memory_printf("%s.%u", spec->parent, spec->vlan);
    if (strlen(spec->interface) >= IFNAMSIZ)
        set_own_name(&spec->interface, "vl", spec);
}

/* What is left of an Ethernet frame between hosts: their headers, UDP's, VXLAN's, and the
 * container's own Ethernet header. */
static uint32_t vxlan_mtu(const NetworkSpec *spec)
{
    bool is_ipv6 = (spec->vxlan_local && strchr(spec->vxlan_local, ':')) ||
                   (spec->vxlan_peers.count > 0 && strchr(spec->vxlan_peers.items[0], ':'));

    return 1500 - ((is_ipv6 ? 40 : 20) + 8 + 8 + 14);
}

static void finish(NetworkSpec *spec)
{
    if (has_word(BRIDGES, spec->driver) && !spec->interface)
        set_own_name(&spec->interface, "br", spec);
    if (strcmp(spec->driver, "macvlan") == 0 || strcmp(spec->driver, "ipvlan") == 0) {
        finish_parent(spec);
        if (!spec->mode)
            spec->mode = memory_strdup(strcmp(spec->driver, "macvlan") == 0 ? "bridge" : "l2");
    }
    if (strcmp(spec->driver, "vlan") == 0)
        finish_vlan(spec);
    if (strcmp(spec->driver, "vxlan") == 0 && spec->mtu == 0)
        spec->mtu = vxlan_mtu(spec);
    if (strcmp(spec->driver, "dummy") == 0)
        spec->is_internal = true;
}

/* What was decided before is forgotten: the same options give the same again. */
static void reset(NetworkSpec *spec)
{
    char **const texts[] = { &spec->interface, &spec->parent,      &spec->mode,
                             &spec->flag,      &spec->vxlan_local, &spec->host_binding };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
    string_list_done(&spec->vxlan_peers);
    spec->mtu = spec->vlan = spec->vni = spec->vxlan_port = 0;
    spec->owns_parent = spec->no_masquerade = spec->no_container_traffic = false;
    spec->vlan_filtering = false;
}

int network_spec_apply_options(NetworkSpec *spec, Error *err)
{
    reset(spec);
    for (size_t i = 0; i < spec->options.count; i++) {
        const StringPair *pair = &spec->options.items[i];
        const Option *option = find_option(pair->key, spec->driver);
        int r = option ? set_option(spec, option, pair->value ? pair->value : "", err)
                       : refuse_option(pair->key, spec->driver, err);

        if (r < 0)
            return r;
    }
    finish(spec);
    return 0;
}
