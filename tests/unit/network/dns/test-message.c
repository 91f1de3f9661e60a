/* SPDX-License-Identifier: Apache-2.0 */

/* Messages: what we write is what libldns reads; what is cut off or bent anywhere is refused. */

#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "questions.h"

static IpAddress address_of(const char *text)
{
    IpAddress address;

    assert_int_equal(ip_address_parse(text, &address), 0);
    return address;
}

static void a_question_is_read(void **state)
{
    Bytes bytes = {};
    Query query;

    (void)state;
    bytes_add_question(&bytes, "wEb.Example", TYPE_AAAA);
    query = query_of(&bytes);
    assert_int_equal(query.id, 0x1234);
    assert_string_equal(query.text, "web.example");
    assert_int_equal(query.type, TYPE_AAAA);
    assert_int_equal(query.question_end, bytes.size);
    assert_false(query.has_edns);
    assert_int_equal(query.udp_max, 512);
}

static void add_edns(Bytes *bytes, unsigned size, const char *options)
{
    bytes_add(bytes, "", 1);
    bytes_add16(bytes, TYPE_OPT);
    bytes_add16(bytes, size);
    bytes_add(bytes, "\0\0\x80\0", 4);
    bytes_add16(bytes, (unsigned)strlen(options));
    bytes_add(bytes, options, strlen(options));
    bytes->data[11]++;
}

static void edns_says_how_long_an_answer_may_be(void **state)
{
    static const struct {
        unsigned said, understood;
    } sizes[] = { { 0, 512 }, { 512, 512 }, { 1232, 1232 }, { 4096, 4096 }, { 65535, 4096 } };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        Bytes bytes = {};
        Query query;

        bytes_add_question(&bytes, "web", TYPE_AAAA);
        add_edns(&bytes, sizes[i].said, i % 2 ? "option" : "");
        query = query_of(&bytes);
        assert_true(query.has_edns);
        assert_int_equal(query.edns_flags, 0x8000);
        assert_int_equal(query.has_edns_options, i % 2);
        assert_int_equal(query.udp_max, sizes[i].understood);
        add_edns(&bytes, 512, ""); /* once is enough */
        assert_int_equal(query_read(bytes.data, bytes.size, &query), CODE_FORMAT);
    }
}

static void what_is_cut_off_is_refused_at_every_byte(void **state)
{
    Bytes bytes = {};
    Query query;

    (void)state;
    bytes_add_question(&bytes, "web.example", TYPE_SOA);
    add_edns(&bytes, 1232, "option");
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *exact = malloc(size + !size); /* with nothing readable behind it */

        memcpy(exact, bytes.data, size);
        assert_int_equal(query_read(exact, size, &query), size < 12 ? -EBADMSG : CODE_FORMAT);
        free(exact);
    }
    bytes_add(&bytes, "", 1);
    assert_int_equal(query_read(bytes.data, bytes.size, &query), CODE_FORMAT);
}

static void names_that_are_none_have_no_text(void **state)
{
    static const struct {
        const char *wire;
        size_t size;
        int result;
    } names[] = {
        { "\3a.b", 5, 0 },
        { "\3a b", 5, 0 },
        { "\3a\0b", 5, 0 },
        { "\3a\xff@", 5, 0 },
        { "\0", 1, 0 },
        { "\xc0\x0c", 2, CODE_FORMAT },
        { "\x40x", 3, CODE_FORMAT },
        { "\x80", 2, CODE_FORMAT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        Bytes bytes = { .data = { 0, 0, 1, 0, 0, 1 }, .size = 12 };
        Query query;

        bytes_add(&bytes, names[i].wire, names[i].size);
        bytes_add16(&bytes, 1);
        bytes_add16(&bytes, CLASS_IN);
        assert_int_equal(query_read(bytes.data, bytes.size, &query), names[i].result);
        if (names[i].result == 0)
            assert_string_equal(query.text, "");
    }
}

static void a_name_has_255_bytes_at_most(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        Bytes bytes = { .data = { 0, 0, 1, 0, 0, 1 }, .size = 12 };
        Query query;

        for (int i = 0; i < 126; i++)
            bytes_add(&bytes, "\1x", 2);
        bytes_add(&bytes, extra ? "\2xy" : "\1x", extra ? 3 : 2);
        bytes_add(&bytes, "", 1);
        bytes_add16(&bytes, 1);
        bytes_add16(&bytes, CLASS_IN);
        assert_int_equal(query_read(bytes.data, bytes.size, &query), extra ? CODE_FORMAT : 0);
    }
}

/* What libldns makes of it. The caller frees it. */
static ldns_pkt *judge(const uint8_t *data, size_t size)
{
    ldns_pkt *packet = NULL;

    assert_int_equal(ldns_wire2pkt(&packet, data, size), LDNS_STATUS_OK);
    return packet;
}

static void check_record(const ldns_pkt *packet, size_t index, const char *owner, const char *value)
{
    ldns_rr *record = ldns_rr_list_rr(ldns_pkt_answer(packet), index);
    char *name = ldns_rdf2str(ldns_rr_owner(record));
    char *text = ldns_rdf2str(ldns_rr_rdf(record, 0));

    assert_string_equal(name, owner);
    assert_string_equal(text, value);
    assert_int_equal(ldns_rr_ttl(record), 5);
    free(name);
    free(text);
}

static void our_answers_are_read_by_others(void **state)
{
    static const char *const wanted[] = { "10.0.0.1", "fd00::1", "10.0.0.2" };
    uint8_t buffer[512];
    Bytes bytes = {};
    Answer answer;
    ldns_pkt *packet;
    Query query;

    (void)state;
    bytes_add_question(&bytes, "Web", TYPE_ANY);
    add_edns(&bytes, 1232, "");
    query = query_of(&bytes);
    answer_begin(&answer, buffer, sizeof(buffer), &query, bytes.data, CODE_OK);
    for (size_t i = 0; i < 3; i++) {
        IpAddress address = address_of(wanted[i]);

        answer_add_address(&answer, &address, 5);
    }
    packet = judge(buffer, answer_end(&answer));
    assert_int_equal(ldns_pkt_id(packet), 0x1234);
    assert_true(ldns_pkt_qr(packet) && ldns_pkt_rd(packet) && ldns_pkt_ra(packet));
    assert_true(ldns_pkt_edns(packet) && ldns_pkt_edns_do(packet) && !ldns_pkt_tc(packet));
    assert_int_equal(ldns_pkt_ancount(packet), 3);
    for (size_t i = 0; i < 3; i++)
        check_record(packet, i, "Web.", wanted[i]);
    ldns_pkt_free(packet);
}

static void an_answer_is_never_longer_than_its_limit(void **state)
{
    const IpAddress address = address_of("10.0.0.1");

    (void)state;
    for (size_t limit = 512; limit < 560; limit++) {
        uint8_t *buffer = malloc(limit);
        Bytes bytes = {};
        Answer answer;
        ldns_pkt *packet;
        Query query;

        bytes_add_question(&bytes, "web", TYPE_ANY);
        add_edns(&bytes, 1232, "");
        query = query_of(&bytes);
        answer_begin(&answer, buffer, limit, &query, bytes.data, CODE_OK);
        for (int i = 0; i < 100; i++)
            answer_add_address(&answer, &address, 5);
        packet = judge(buffer, answer_end(&answer));
        assert_true(answer.size <= limit && answer.size > limit - 16);
        assert_true(ldns_pkt_tc(packet));
        ldns_pkt_free(packet);
        free(buffer);
    }
}

static void a_name_is_an_answer(void **state)
{
    static const char *const none[] = {
        "a..b",
        ".a",
        "x123456789x123456789x123456789x123456789x123456789x123456789x123",
    };
    uint8_t buffer[512];
    Bytes bytes = {};
    Answer answer;
    ldns_pkt *packet;
    Query query;

    (void)state;
    bytes_add_question(&bytes, "2.0.0.10.in-addr.arpa", TYPE_PTR);
    query = query_of(&bytes);
    answer_begin(&answer, buffer, sizeof(buffer), &query, bytes.data, CODE_OK);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        answer_add_name(&answer, none[i], 5);
    answer_add_name(&answer, "web.example", 5);
    packet = judge(buffer, answer_end(&answer));
    assert_int_equal(ldns_pkt_ancount(packet), 1);
    check_record(packet, 0, "2.0.0.10.in-addr.arpa.", "web.example.");
    ldns_pkt_free(packet);
}

static void make_reply(Bytes *bytes, Query *query)
{
    bytes_add_question(bytes, "www.example", 1);
    *query = query_of(bytes);
    bytes_add_record(bytes, "www.example", 1, 300, "\x0a\0\0\1", 4);
    bytes_add_record(bytes, "www.example", 1, 200, "\x0a\0\0\2", 4);
    bytes_add_record(bytes, "example", 2, 400, "\2ns\0", 4);
    bytes_make_answer(bytes, CODE_OK, 2, 1);
}

static void only_the_answer_to_the_question_is_one(void **state)
{
    static const size_t bent[] = { 0, 1, 5, 13, 25, 26 }; /* id, count, name, type */
    Bytes bytes = {};
    Query query;

    (void)state;
    make_reply(&bytes, &query);
    assert_int_equal(reply_check(bytes.data, bytes.size, &query, 0x1234), 0);
    assert_int_equal(reply_check(bytes.data, bytes.size, &query, 0x1235), -EBADMSG);
    for (size_t i = 0; i < sizeof(bent) / sizeof(bent[0]); i++) {
        bytes.data[bent[i]] ^= 2;
        assert_int_equal(reply_check(bytes.data, bytes.size, &query, 0x1234), -EBADMSG);
        bytes.data[bent[i]] ^= 2;
    }
    bytes.data[13] ^= 0x20; /* another spelling is none */
    assert_int_equal(reply_check(bytes.data, bytes.size, &query, 0x1234), 0);
    bytes.data[2] &= 0x7f; /* a question is no answer */
    assert_int_equal(reply_check(bytes.data, bytes.size, &query, 0x1234), -EBADMSG);
}

static void a_reply_that_is_cut_off_is_none(void **state)
{
    Bytes bytes = {};
    Query query;

    (void)state;
    make_reply(&bytes, &query);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *exact = malloc(size + !size);

        memcpy(exact, bytes.data, size);
        assert_int_equal(reply_check(exact, size, &query, 0x1234), -EBADMSG);
        free(exact);
    }
}

static void a_reply_is_kept_as_long_as_its_shortest_record(void **state)
{
    Bytes bytes = {};
    Query query;

    (void)state;
    make_reply(&bytes, &query);
    assert_int_equal(reply_lifetime(bytes.data, bytes.size), 200);
    reply_age(bytes.data, bytes.size, 150);
    assert_int_equal(reply_lifetime(bytes.data, bytes.size), 50);
    reply_age(bytes.data, bytes.size, 60);
    assert_int_equal(reply_lifetime(bytes.data, bytes.size), 0);
}

static void what_there_is_not_is_kept_as_the_zone_says(void **state)
{
    static const uint8_t content[2 + 20] = { [21] = 30 }; /* the last of five numbers */

    (void)state;
    for (unsigned code = CODE_OK; code <= CODE_REFUSED; code++) {
        Bytes bytes = {};

        bytes_add_question(&bytes, "www.example", 1);
        bytes_add_record(&bytes, "example", TYPE_SOA, 300, content, sizeof(content));
        bytes_make_answer(&bytes, code, 0, 1);
        assert_int_equal(reply_lifetime(bytes.data, bytes.size),
                         code == CODE_OK || code == CODE_NO_NAME ? 30 : 0);
        bytes.data[2] |= 2; /* truncated */
        assert_int_equal(reply_lifetime(bytes.data, bytes.size), 0);
    }
}

static void a_cut_reply_is_whole_in_what_is_left(void **state)
{
    Bytes bytes = {};
    Query query;

    (void)state;
    bytes_add_question(&bytes, "www.example", 1);
    query = query_of(&bytes);
    for (int i = 0; i < 60; i++)
        bytes_add_record(&bytes, "www.example", 1, 300, "\x0a\0\0\1", 4);
    bytes_make_answer(&bytes, CODE_OK, 60, 0);
    for (size_t limit = 512; limit < 545; limit++) {
        Bytes copy = bytes;
        size_t size = reply_truncate(copy.data, copy.size, &query, limit);
        ldns_pkt *packet = judge(copy.data, size);

        assert_true(size <= limit && size > limit - 27 && ldns_pkt_tc(packet));
        ldns_pkt_free(packet);
    }
    assert_int_equal(reply_truncate(bytes.data, bytes.size, &query, bytes.size), bytes.size);
    assert_false(reply_is_truncated(bytes.data));
}

static void check_reverse(const char *name, const char *address)
{
    Bytes bytes = {};
    IpAddress found;
    Query query;

    bytes_add_question(&bytes, name, TYPE_PTR);
    query = query_of(&bytes);
    if (address) {
        const IpAddress wanted = address_of(address);

        assert_int_equal(query_reverse_address(&query, &found), 0);
        assert_true(ip_address_equal(&found, &wanted));
    } else {
        assert_int_equal(query_reverse_address(&query, &found), -EINVAL);
    }
}

#define ZEROS "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."

static void addresses_are_read_from_their_names(void **state)
{
    (void)state;
    check_reverse("4.3.2.10.in-addr.arpa", "10.2.3.4");
    check_reverse("4.3.2.10.IN-ADDR.ARPA", "10.2.3.4");
    check_reverse("1." ZEROS "0.d.f.ip6.arpa", "fd00::1");
    check_reverse("3.2.10.in-addr.arpa", NULL);
    check_reverse("5.4.3.2.10.in-addr.arpa", NULL);
    check_reverse("256.3.2.10.in-addr.arpa", NULL);
    check_reverse("+4.3.2.10.in-addr.arpa", NULL);
    check_reverse("a.3.2.10.in-addr.arpa", NULL);
    check_reverse("1." ZEROS "d.f.ip6.arpa", NULL);
    check_reverse("1." ZEROS "0.0.d.f.ip6.arpa", NULL);
    check_reverse("10." ZEROS "0.d.f.ip6.arpa", NULL);
    check_reverse("in-addr.arpa", NULL);
    check_reverse("example", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_read),
        cmocka_unit_test(edns_says_how_long_an_answer_may_be),
        cmocka_unit_test(what_is_cut_off_is_refused_at_every_byte),
        cmocka_unit_test(names_that_are_none_have_no_text),
        cmocka_unit_test(a_name_has_255_bytes_at_most),
        cmocka_unit_test(our_answers_are_read_by_others),
        cmocka_unit_test(an_answer_is_never_longer_than_its_limit),
        cmocka_unit_test(a_name_is_an_answer),
        cmocka_unit_test(only_the_answer_to_the_question_is_one),
        cmocka_unit_test(a_reply_that_is_cut_off_is_none),
        cmocka_unit_test(a_reply_is_kept_as_long_as_its_shortest_record),
        cmocka_unit_test(what_there_is_not_is_kept_as_the_zone_says),
        cmocka_unit_test(a_cut_reply_is_whole_in_what_is_left),
        cmocka_unit_test(addresses_are_read_from_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
