/* SPDX-License-Identifier: Apache-2.0 */

/* Responses of HTTP/1.1: each way to end a body, and what is none. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/http-response.h"
#include "base/memory.h"
#include "scratch.h"

#define OK "HTTP/1.1 200 OK\r\n"

static void assert_response(const char *text, bool at_end, int status, const char *body)
{
    _cleanup_http_response_ HttpResponse response = {};

    assert_int_equal(http_response_parse(text, strlen(text), at_end, &response), 1);
    assert_int_equal(response.status, status);
    assert_string_equal(response.body, body);
    assert_int_equal(response.body_size, strlen(body));
}

static void assert_result(const char *text, bool at_end, int result)
{
    _cleanup_http_response_ HttpResponse response = {};

    assert_int_equal(http_response_parse(text, strlen(text), at_end, &response), result);
    assert_null(response.body);
}

static void a_body_has_a_length(void **state)
{
    (void)state;
    assert_response(OK "Content-Length: 2\r\n\r\n{}", false, 200, "{}");
    assert_response(OK "content-length:2\r\nX: \r\n\r\n{}", false, 200, "{}");
    assert_response(OK "Content-Length: 0\r\n\r\n", false, 200, "");
    assert_response("HTTP/1.1 500\r\nContent-Length: 2\r\n\r\nno, and more", false, 500, "no");
}

static void a_body_is_chunked(void **state)
{
    (void)state;
    assert_response(OK "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", false, 200, "{}");
    assert_response(OK "Transfer-Encoding: Chunked\r\n\r\n"
                       "1;a=b\r\n{\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
                    false, 200, "{0123456789");
}

static void a_body_ends_with_the_connection(void **state)
{
    (void)state;
    assert_result("HTTP/1.0 404 Not Found\r\n\r\nno", false, 0);
    assert_response("HTTP/1.0 404 Not Found\r\n\r\nno", true, 404, "no");
    assert_response("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
}

static void a_part_is_no_response_yet_and_never_when_no_more_comes(void **state)
{
    static const char text[] =
        OK "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nTrailer: x\r\n\r\n";

    (void)state;
    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        _cleanup_http_response_ HttpResponse response = {};

        assert_int_equal(http_response_parse(text, size, false, &response), 0);
        assert_int_equal(http_response_parse(text, size, true, &response), -EBADMSG);
    }
}

static void what_is_none_is_refused(void **state)
{
    static const char *const texts[] = {
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 600 High\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\n",
        OK "No colon\r\n\r\n",
        OK ": no name\r\n\r\n",
        OK "Blank : x\r\n\r\n",
        OK "A: b\r\n folded\r\n\r\n",
        OK "A: b\rc\r\n\r\n",
        OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        OK "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        OK "Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK "Content-Length: +2\r\n\r\n{}",
        OK "Content-Length: 0x2\r\n\r\n{}",
        OK "Content-Length: \r\n\r\n{}",
        OK "Content-Length: 2, 2\r\n\r\n{}",
        OK "Transfer-Encoding: chunked\r\n\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_result(texts[i], false, -EBADMSG);
}

static void what_is_too_long_is_refused_before_it_has_come(void **state)
{
    _cleanup_free_ char *line = memory_new(1, HTTP_HEAD_MAX + 2);
    _cleanup_free_ char *status = memory_printf(OK "Content-Length: %d\r\n\r\n", HTTP_BODY_MAX + 1);

    (void)state;
    memset(line, 'x', HTTP_HEAD_MAX + 1);
    assert_result(line, false, -EFBIG);
    assert_result(status, false, -EFBIG);
    assert_result(OK "Content-Length: 99999999999999999999999\r\n\r\n", false, -EFBIG);
    assert_result(OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", false, -EFBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_has_a_length),
        cmocka_unit_test(a_body_is_chunked),
        cmocka_unit_test(a_body_ends_with_the_connection),
        cmocka_unit_test(a_part_is_no_response_yet_and_never_when_no_more_comes),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(what_is_too_long_is_refused_before_it_has_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
