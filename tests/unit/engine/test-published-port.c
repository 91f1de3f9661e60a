/* SPDX-License-Identifier: Apache-2.0 */

/* The texts of --publish and --expose, and the column of `ps`. */

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json-fields.h"
#include "engine/published-port.h"

static void spec_text(const ContainerSpec *spec, char **ret)
{
    _cleanup_json_ json_t *json = json_struct_write(&container_spec_json, spec);
    _cleanup_json_ json_t *bindings = json_incref(json_object_get(json, "PortBindings"));

    *ret = json_to_text(bindings);
}

static void bindings_come_in_every_form(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        { "80", "[{\"ContainerPort\":\"80/tcp\"}]" },
        { "80/udp", "[{\"ContainerPort\":\"80/udp\"}]" },
        { "8080:80", "[{\"ContainerPort\":\"80/tcp\",\"HostPort\":\"8080\"}]" },
        { "8080:80/SCTP", "[{\"ContainerPort\":\"80/sctp\",\"HostPort\":\"8080\"}]" },
        { "127.0.0.1:8080:80",
          "[{\"ContainerPort\":\"80/tcp\",\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8080\"}]" },
        { "127.0.0.1::80", "[{\"ContainerPort\":\"80/tcp\",\"HostIp\":\"127.0.0.1\"}]" },
        { "[::1]:8080:80",
          "[{\"ContainerPort\":\"80/tcp\",\"HostIp\":\"::1\",\"HostPort\":\"8080\"}]" },
        { "[::]::80", "[{\"ContainerPort\":\"80/tcp\",\"HostIp\":\"::\"}]" },
        { "8000-8010:80", "[{\"ContainerPort\":\"80/tcp\",\"HostPort\":\"8000-8010\"}]" },
        { "8000-8001:80-81", "[{\"ContainerPort\":\"80/tcp\",\"HostPort\":\"8000\"},"
                             "{\"ContainerPort\":\"81/tcp\",\"HostPort\":\"8001\"}]" },
        { "80-81", "[{\"ContainerPort\":\"80/tcp\"},{\"ContainerPort\":\"81/tcp\"}]" },
        { "published=8080,target=80,protocol=udp,mode=host",
          "[{\"ContainerPort\":\"80/udp\",\"HostPort\":\"8080\"}]" },
        { "target=80", "[{\"ContainerPort\":\"80/tcp\"}]" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};
        _cleanup_free_ char *text = NULL;

        assert_int_equal(published_port_parse(cases[i].text, &spec.port_bindings, NULL), 0);
        assert_int_equal(published_ports_validate(&spec, NULL), 0);
        spec_text(&spec, &text);
        assert_string_equal(text, cases[i].json);
    }
}

static void malformed_bindings_are_refused_with_a_reason(void **state)
{
#define PORT ": write a port from 1 to 65535, or PORT-PORT"
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", "no container port is given" },
        { "8080:", "no container port is given" },
        { "0", "invalid container port '0'" PORT },
        { "65536", "invalid container port '65536'" PORT },
        { "web", "invalid container port 'web'" PORT },
        { "-80", "invalid container port '-80'" PORT },
        { "80-", "invalid container port '80-'" PORT },
        { "81-80", "invalid container port '81-80'" PORT },
        { "80-81-82", "invalid container port '80-81-82'" PORT },
        { "70000:80", "invalid host port '70000'" PORT },
        { "80/icmp", "invalid protocol 'icmp': there are tcp, udp and sctp" },
        { "80/", "invalid protocol '': there are tcp, udp and sctp" },
        { "localhost:80:80", "invalid IP address 'localhost'" },
        { "1.2.3:80:80", "invalid IP address '1.2.3'" },
        { ":80:80", "invalid IP address ''" },
        { "[::1:80:80", "invalid IP address '[::1'" },
        { "8000-8002:80-81", "invalid ranges specified for container and host ports: '80-81' and "
                             "'8000-8002'" },
        { "published=80", "no container port is given" },
        { "target=80,color=red", "invalid field 'color=red': there are published=, target=, "
                                 "protocol= and mode=" },
        { "target=80,mode=ingress",
          "mode 'ingress' is not available: there is 'host', as there is no swarm" },
        { "target=80/udp", "invalid container port '80/udp'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};
        _cleanup_error_ Error err = {};

        assert_true(published_port_parse(cases[i].text, &spec.port_bindings, &err) < 0);
        assert_string_equal(error_message(&err), cases[i].message);
    }
}

static void exposed_ports_are_single_ones_each_once(void **state)
{
    _cleanup_string_list_ StringList ports = {};
    _cleanup_free_ char *text = NULL;

    (void)state;
    assert_int_equal(exposed_port_parse("80", &ports, NULL), 0);
    assert_int_equal(exposed_port_parse("79-81/TCP", &ports, NULL), 0);
    assert_int_equal(exposed_port_parse("53/udp", &ports, NULL), 0);
    assert_true(exposed_port_parse("53/icmp", &ports, NULL) < 0);
    assert_true(exposed_port_parse("", &ports, NULL) < 0);
    text = string_list_join(&ports, " ");
    assert_string_equal(text, "80/tcp 79/tcp 81/tcp 53/udp");
}

static void who_may_connect_is_checked(void **state)
{
    _cleanup_container_spec_ ContainerSpec spec = {};
    _cleanup_error_ Error err = {};

    (void)state;
    string_list_add(&spec.publish_allow, "10.0.0.0/8");
    assert_true(published_ports_validate(&spec, &err) < 0);
    assert_string_equal(error_message(&err),
                        "'--publish-allow' needs ports that are published: see '--publish'");
    assert_int_equal(published_port_parse("80", &spec.port_bindings, NULL), 0);
    assert_int_equal(published_ports_validate(&spec, NULL), 0);
    string_list_add(&spec.publish_allow, "10.0.0.0/33");
    assert_true(published_ports_validate(&spec, NULL) < 0);
}

static void a_port_of_the_host_is_published_once(void **state)
{
    static const struct {
        const char *first, *second;
        bool is_refused;
    } cases[] = {
        { "8080:80", "8080:81", true },
        { "8080:80", "8080:80", true },
        { "8080:80", "8080:80/udp", false },
        { "8080:80", "127.0.0.1:8080:80", false }, /* who knows what that address is */
        { "8080:80", "8080-8081:80", false },
        { "80", "80", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};

        assert_int_equal(published_port_parse(cases[i].first, &spec.port_bindings, NULL), 0);
        assert_int_equal(published_port_parse(cases[i].second, &spec.port_bindings, NULL), 0);
        assert_int_equal(published_ports_validate(&spec, NULL) < 0, cases[i].is_refused);
    }
}

static void add(PublishedPortList *list, const char *address, uint8_t protocol, uint16_t host_port,
                uint16_t container_port)
{
    PublishedPort *port = published_port_list_add(list);

    assert_int_equal(ip_address_parse(address, &port->address), 0);
    port->protocol = protocol;
    port->host_port = host_port;
    port->container_port = container_port;
}

static void ports_are_shown_as_docker_does(void **state)
{
    _cleanup_published_port_list_ PublishedPortList ports = {};
    _cleanup_string_list_ StringList exposed = {};
    _cleanup_free_ char *text = NULL, *nothing = NULL;

    (void)state;
    add(&ports, "::", IPPROTO_TCP, 8080, 80);
    add(&ports, "0.0.0.0", IPPROTO_TCP, 8080, 80);
    for (uint16_t port = 9000; port < 9003; port++)
        add(&ports, "127.0.0.1", IPPROTO_TCP, port, port);
    add(&ports, "0.0.0.0", IPPROTO_UDP, 53, 53);
    assert_int_equal(exposed_port_parse("80", &exposed, NULL), 0);
    assert_int_equal(exposed_port_parse("443-445", &exposed, NULL), 0);
    text = published_ports_format(&ports, &exposed);
    assert_string_equal(text,
                        "0.0.0.0:53->53/udp, 443-445/tcp, 127.0.0.1:9000-9002->9000-9002/tcp, "
                        "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
    published_port_list_done(&ports);
    nothing = published_ports_format(&ports, NULL);
    assert_string_equal(nothing, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bindings_come_in_every_form),
        cmocka_unit_test(malformed_bindings_are_refused_with_a_reason),
        cmocka_unit_test(exposed_ports_are_single_ones_each_once),
        cmocka_unit_test(who_may_connect_is_checked),
        cmocka_unit_test(a_port_of_the_host_is_published_once),
        cmocka_unit_test(ports_are_shown_as_docker_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
