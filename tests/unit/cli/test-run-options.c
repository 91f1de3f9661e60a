/* SPDX-License-Identifier: Apache-2.0 */

/* Command lines of `cay run`: where each option goes, and how each bad one is answered. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "check.h"
#include "cli/run-options.h"

#define ARGUMENTS_MAX 48

static const Command run_command = {
    .names = { "run" },
    .arguments = "IMAGE [COMMAND] [ARG...]",
    .options = &run_option_table,
    .min_arguments = 1,
    .max_arguments = ANY_NUMBER,
    .failure_code = 125,
};

typedef struct Line {
    char *text;
    char *words[ARGUMENTS_MAX];
    Invocation invocation;
    RunOptions options;
    Error error;
    int result;
} Line;

static void line_done(Line *line)
{
    free(line->text);
    run_options_done(&line->options);
    error_done(&line->error);
}

#define _cleanup_line_ _cleanup_(line_done)

/* @text is split at single spaces; "_" stands for an empty argument. */
static void parse(Line *line, const char *text)
{
    size_t count = 0;

    line->text = strdup(text);
    char *rest = line->text;
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
        line->words[count++] = strcmp(word, "_") == 0 ? word + 1 : word;
    line->options = RUN_OPTIONS_INIT;
    line->invocation =
        (Invocation) { .command = &run_command, .name = "run", .arguments = line->words };
    line->result = run_options_parse(&line->invocation, &line->options, &line->error);
    if (line->result < 0 && !error_is_set(&line->error))
        fail_msg("%s: failed without an error", text);
}

static void parse_good(Line *line, const char *text)
{
    parse(line, text);
    if (line->result < 0)
        fail_msg("%s: %s", text, error_message(&line->error));
}

/* A file with @content in the working directory, which is a temporary one. */
static void write_file(const char *name, const char *content, size_t size)
{
    _cleanup_close_ int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(fd_write_all(fd, content, size), 0);
}

#define WRITE_FILE(name, content) write_file((name), (content), sizeof(content) - 1)

static void without_options_only_image_and_command_are_set(void **state)
{
    _cleanup_line_ Line line = {};

    (void)state;
    parse_good(&line, "debian:bookworm ls -l --color");
    assert_string_equal(line.options.spec.image, "debian:bookworm");
    assert_int_equal(line.options.spec.command.count, 3);
    assert_string_equal(line.options.spec.command.items[2], "--color");
    assert_null(line.options.spec.network_mode);
    assert_int_equal(line.options.spec.networks.count, 0);
    assert_false(line.options.spec.entrypoint_is_set);
    assert_true(line.options.sig_proxy);
    assert_int_equal(line.options.pull, PULL_MISSING);
}

static void every_simple_option_reaches_its_member(void **state)
{
    _cleanup_line_ Line line = {};
    const ContainerSpec *spec = &line.options.spec;

    (void)state;
    parse_good(&line, "-it --rm --name web -w /srv -u 1000:100 --group-add audio -h box --init "
                      "--read-only --privileged img");
    assert_true(spec->tty && spec->open_stdin && spec->auto_remove && spec->init);
    assert_true(spec->read_only_rootfs && spec->privileged);
    assert_string_equal(spec->name, "web");
    assert_string_equal(spec->working_directory, "/srv");
    assert_string_equal(spec->user, "1000:100");
    assert_string_equal(spec->groups_add.items[0], "audio");
    assert_string_equal(spec->hostname, "box");
}

static void limits_are_taken_in_their_units(void **state)
{
    _cleanup_line_ Line line = {};
    const ContainerSpec *spec = &line.options.spec;

    (void)state;
    parse_good(&line, "-m 64m --memory-swap=-1 --cpus 0.5 -c 512 --cpuset-cpus 0 --pids-limit 7 "
                      "--shm-size 1g --stop-signal SIGINT --stop-timeout 0 img");
    assert_int_equal(spec->memory, 64 << 20);
    assert_int_equal(spec->memory_swap, -1);
    assert_int_equal(spec->nano_cpus, 500000000);
    assert_int_equal(spec->cpu_shares, 512);
    assert_string_equal(spec->cpuset_cpus, "0");
    assert_int_equal(spec->pids_limit, 7);
    assert_int_equal(spec->shm_size, 1 << 30);
    assert_string_equal(spec->stop_signal, "SIGINT");
    assert_true(spec->stop_timeout.is_set);
    assert_int_equal(spec->stop_timeout.value, 0);
}

static void the_health_check_is_put_together_of_its_options(void **state)
{
    _cleanup_line_ Line line = {}, none = {}, empty = {};
    const ContainerHealthcheck *check;

    (void)state;
    parse_good(&line,
               "--health-cmd probe --health-interval 1m30s --health-timeout 250ms "
               "--health-retries 4 --health-start-period 2s --health-start-interval=1ms img");
    check = line.options.spec.healthcheck;
    assert_int_equal(check->test.count, 2);
    assert_string_equal(check->test.items[0], "CMD-SHELL");
    assert_string_equal(check->test.items[1], "probe");
    assert_int_equal(check->interval, INT64_C(90000000000));
    assert_int_equal(check->timeout, 250000000);
    assert_int_equal(check->retries, 4);
    assert_int_equal(check->start_period, INT64_C(2000000000));
    assert_int_equal(check->start_interval, 1000000);

    parse_good(&none, "--no-healthcheck img");
    assert_string_equal(none.options.spec.healthcheck->test.items[0], "NONE");
    parse_good(&empty, "img");
    assert_null(empty.options.spec.healthcheck);
}

static void security_and_kernel_options_are_lists(void **state)
{
    _cleanup_line_ Line line = {};
    const ContainerSpec *spec = &line.options.spec;

    (void)state;
    parse_good(&line, "--cap-add net_admin --cap-add=CAP_SYS_TIME --cap-drop ALL --security-opt "
                      "no-new-privileges --security-opt seccomp=unconfined --sysctl "
                      "net.ipv4.ip_forward=1 --ulimit nofile=10:20 --ulimit core=-1 img");
    assert_int_equal(spec->capabilities_add.count, 2);
    assert_string_equal(spec->capabilities_drop.items[0], "ALL");
    assert_int_equal(spec->security_options.count, 2);
    assert_string_equal(string_map_get(&spec->sysctls, "net.ipv4.ip_forward"), "1");
    assert_int_equal(spec->ulimits.count, 2);
    assert_string_equal(spec->ulimits.items[0].name, "nofile");
    assert_int_equal(spec->ulimits.items[0].soft, 10);
    assert_int_equal(spec->ulimits.items[0].hard, 20);
    assert_int_equal(spec->ulimits.items[1].hard, -1);
}

static void mounts_of_three_kinds(void **state)
{
    _cleanup_line_ Line line = {};
    _cleanup_free_ char *directory = get_current_dir_name();
    _cleanup_free_ char *bind = NULL;
    const ContainerSpec *spec = &line.options.spec;

    (void)state;
    parse_good(&line, "-v /a:/b:ro -v ./c:/c --mount type=bind,src=.,dst=/d,ro --tmpfs "
                      "/run:size=1m,mode=700 --tmpfs /tmp img");
    assert_int_equal(spec->binds.count, 2);
    assert_string_equal(spec->binds.items[0], "/a:/b:ro");
    assert_true(asprintf(&bind, "%s/c:/c", directory) > 0);
    assert_string_equal(spec->binds.items[1], bind);
    assert_int_equal(spec->mounts.count, 1);
    assert_string_equal(spec->mounts.items[0].source, directory);
    assert_string_equal(string_map_get(&spec->tmpfs, "/run"), "size=1m,mode=700");
    assert_string_equal(string_map_get(&spec->tmpfs, "/tmp"), "");
}

static void an_empty_entrypoint_resets_and_another_replaces(void **state)
{
    _cleanup_line_ Line reset = {}, replace = {};

    (void)state;
    parse_good(&reset, "--entrypoint _ img");
    assert_true(reset.options.spec.entrypoint_is_set);
    assert_int_equal(reset.options.spec.entrypoint.count, 0);
    parse_good(&replace, "--entrypoint /bin/sh img -c x");
    assert_string_equal(replace.options.spec.entrypoint.items[0], "/bin/sh");
    assert_int_equal(replace.options.spec.command.count, 2);
}

static void options_of_the_command_itself(void **state)
{
    _cleanup_line_ Line line = {};

    (void)state;
    parse_good(&line, "--pull never --cidfile id -q --sig-proxy=false --platform linux/arm64 "
                      "--net host img");
    assert_int_equal(line.options.pull, PULL_NEVER);
    assert_string_equal(line.options.cidfile, "id");
    assert_true(line.options.quiet);
    assert_false(line.options.sig_proxy);
    assert_string_equal(line.options.spec.platform, "linux/arm64");
    assert_string_equal(line.options.spec.network_mode, "host");
}

static void networks_ports_and_names_reach_the_specification(void **state)
{
    _cleanup_line_ Line line = {};
    const ContainerSpec *spec = &line.options.spec;

    (void)state;
    parse_good(&line, "--network one --net two --ip 10.0.0.2 --network-alias web --net-alias www "
                      "--mac-address 02:00:00:00:00:01 --link db --net-rate one:egress=1m "
                      "-p 8080:80 -p 53/udp -P --expose 443 --publish-allow 10.0.0.0/8 "
                      "--dns 1.1.1.1 --dns-opt rotate --dns-option ndots:1 --dns-search x.org "
                      "--add-host db=10.0.0.3 img");
    assert_string_equal(spec->network_mode, "one");
    assert_int_equal(spec->networks.count, 2);
    assert_string_equal(spec->networks.items[0].ip4, "10.0.0.2");
    assert_string_equal(spec->networks.items[0].mac, "02:00:00:00:00:01");
    assert_string_equal(spec->networks.items[0].links.items[0], "db");
    assert_int_equal(spec->networks.items[0].aliases.count, 2);
    assert_int_equal(spec->networks.items[0].egress_rate, 1000000);
    assert_int_equal(spec->networks.items[1].egress_rate, 0);
    assert_int_equal(spec->port_bindings.count, 2);
    assert_int_equal(spec->exposed_ports.count, 3);
    assert_true(spec->publish_all_ports);
    assert_string_equal(spec->publish_allow.items[0], "10.0.0.0/8");
    assert_string_equal(spec->dns.items[0], "1.1.1.1");
    assert_int_equal(spec->dns_options.count, 2);
    assert_string_equal(spec->dns_search.items[0], "x.org");
    assert_string_equal(spec->extra_hosts.items[0], "db:10.0.0.3");
}

static void variables_come_from_files_then_options_and_take_values_from_here(void **state)
{
    _cleanup_line_ Line line = {};
    const StringList *environment = &line.options.spec.environment;

    (void)state;
    assert_int_equal(setenv("CAY_TEST_SET", "here", 1), 0);
    assert_int_equal(unsetenv("CAY_TEST_UNSET"), 0);
    WRITE_FILE("env", "\xef\xbb\xbf"
                      "A=1\n\n  # comment\n  B= spaced \"x\" \r\nCAY_TEST_SET\nCAY_TEST_UNSET\n"
                      "C=\nA=2");
    parse_good(&line, "--env-file env -e D=4 -e CAY_TEST_SET -e CAY_TEST_UNSET img");
    assert_int_equal(environment->count, 8);
    assert_string_equal(environment->items[0], "A=1");
    assert_string_equal(environment->items[1], "B= spaced \"x\" ");
    assert_string_equal(environment->items[2], "CAY_TEST_SET=here");
    assert_string_equal(environment->items[3], "C=");
    assert_string_equal(environment->items[4], "A=2");
    assert_string_equal(environment->items[5], "D=4");
    assert_string_equal(environment->items[6], "CAY_TEST_SET=here");
    assert_string_equal(environment->items[7], "CAY_TEST_UNSET");
}

static void labels_of_the_line_win_over_those_of_files(void **state)
{
    _cleanup_line_ Line line = {};
    const StringMap *labels = &line.options.spec.labels;

    (void)state;
    WRITE_FILE("labels", "a=file\nb=file=x\nempty\n");
    parse_good(&line, "-l a=line --label c --label-file labels img");
    assert_string_equal(string_map_get(labels, "a"), "line");
    assert_string_equal(string_map_get(labels, "b"), "file=x");
    assert_string_equal(string_map_get(labels, "empty"), "");
    assert_string_equal(string_map_get(labels, "c"), "");
}

#define MISUSE(line, text)                                                                         \
    {                                                                                              \
        line, ERROR_INVALID, text                                                                  \
    }
#define LACK(line, text)                                                                           \
    {                                                                                              \
        line, ERROR_UNSUPPORTED, text                                                              \
    }

static const struct {
    const char *line;
    ErrorKind kind;
    const char *message;
} bad_lines[] = {
    MISUSE("--memroy 1g x", "unknown option '--memroy', did you mean '--memory'?"),
    MISUSE("--rm", "needs at least 1 argument: cay run IMAGE [COMMAND] [ARG...]"),
    LACK("--gpus all x", "option '--gpus' is not supported by this version: "
                         "name a CDI device, such as '--device nvidia.com/gpu=all'"),
    MISUSE("-d -a stdout x", "'--detach' and '--attach' contradict each other"),
    MISUSE("-a in x", "invalid value 'in' for option '--attach': use 'stdin', 'stdout' or "
                      "'stderr'"),
    MISUSE("--name a x", "invalid container name 'a': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed"),
    MISUSE("--name -ab x",
           "invalid container name '-ab': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed"),
    MISUSE("--name a/b x",
           "invalid container name 'a/b': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed"),
    MISUSE("-m 5m x", "memory limit of 5242880 bytes is too low: the minimum is 6MB"),
    MISUSE("-m some x", "invalid value 'some' for option '--memory': not a size: write bytes, "
                        "or '512m', '1.5g'"),
    MISUSE("--memory-swap 1g x", "memory-swap limit needs a memory limit: set '--memory' as well"),
    MISUSE("-m 1g --memory-swap 512m x",
           "memory-swap limit is the sum of memory and swap: it cannot be below the memory "
           "limit of 1073741824 bytes"),
    MISUSE("--memory-swap x y", "invalid value 'x' for option '--memory-swap': not a size: "
                                "write bytes, or '512m', or -1 for unlimited swap"),
    MISUSE("--cpus many x",
           "invalid value 'many' for option '--cpus': write a number of CPUs such as '1.5'"),
    MISUSE("-c 1 x", "cpu shares of 1 are not from 2 to 262144"),
    MISUSE("-c 262145 x", "cpu shares of 262145 are not from 2 to 262144"),
    MISUSE("--cpuset-cpus 3-1 x", "invalid list of CPUs '3-1': write it as '0-3' or '0,2'"),
    MISUSE("--pids-limit -2 x",
           "pids limit of -2 is invalid: use a positive number, or -1 for unlimited"),
    MISUSE("--pids-limit few x",
           "invalid value 'few' for option '--pids-limit': not a whole number"),
    MISUSE("-h a_ x", "invalid hostname 'a_': letters, digits, '-' and '.' are allowed"),
    MISUSE("-h aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa x",
           "hostname 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is "
           "longer than 64 characters"),
    MISUSE("-w tmp x", "working directory 'tmp' is invalid: it has to be an absolute path"),
    MISUSE("-e =x y", "invalid environment variable '=x': it has no name"),
    MISUSE("-e _ y", "invalid environment variable '': it has no name"),
    MISUSE("-l =x y", "invalid label '=x': it has no name"),
    MISUSE("--stop-signal SIGNOPE x",
           "invalid stop signal 'SIGNOPE': use a name such as SIGTERM, or its number"),
    MISUSE("--stop-timeout -2 x",
           "invalid stop timeout -2: use seconds from 0, or -1 to wait without end"),
    MISUSE("--cap-add NET_ADMEN x",
           "unknown capability 'NET_ADMEN', see capabilities(7), or use ALL"),
    MISUSE("--cap-drop _ x", "unknown capability '', see capabilities(7), or use ALL"),
    MISUSE("--group-add _ x", "the name of a group to add is empty"),
    MISUSE("--security-opt nonsense x",
           "unknown security option 'nonsense', there are no-new-privileges, seccomp, "
           "systempaths, apparmor and label"),
    MISUSE("--security-opt seccomp x", "security option 'seccomp' needs a value: seccomp=VALUE"),
    { "--security-opt seccomp=my.json x", ERROR_NOT_FOUND,
      "open seccomp profile 'my.json': No such file or directory" },
    MISUSE("--security-opt no-new-privileges=maybe x",
           "security option 'no-new-privileges': 'maybe' is not true or false"),
    LACK("--security-opt apparmor=mine x",
         "security option 'apparmor': profile 'mine': AppArmor is not supported by this "
         "version, use 'unconfined'"),
    LACK("--security-opt label=type:x y", "security option 'label': label 'type:x': SELinux is "
                                          "not supported by this version, use 'disable'"),
    MISUSE("--security-opt systempaths=all x",
           "security option 'systempaths': 'all' is not 'unconfined'"),
    MISUSE("--sysctl kernel.hostname=x y",
           "sysctl 'kernel.hostname' is not allowed: it is not separate for each container"),
    MISUSE("--sysctl net.=x y",
           "sysctl 'net.' is not allowed: it is not separate for each container"),
    MISUSE("--sysctl net.../../kernel=x y",
           "sysctl 'net.../../kernel' is not allowed: it is not separate for each container"),
    MISUSE("--network host --sysctl net.core.somaxconn=9 x",
           "sysctl 'net.core.somaxconn' is not allowed in the host's network namespace"),
    MISUSE("--sysctl nothing x",
           "invalid value 'nothing' for option '--sysctl': write it as NAME=VALUE"),
    MISUSE("--ulimit nofile x",
           "invalid value 'nofile' for option '--ulimit': write it as NAME=SOFT[:HARD]"),
    MISUSE("--ulimit nofile=a x",
           "invalid value 'nofile=a' for option '--ulimit': 'a' is not a whole number"),
    MISUSE("--ulimit nofile=1:2:3 x", "invalid value 'nofile=1:2:3' for option '--ulimit': "
                                      "more than two limits: write it as NAME=SOFT[:HARD]"),
    MISUSE("--ulimit files=1 x", "unknown ulimit 'files', see getrlimit(2)"),
    MISUSE("--ulimit nofile=3:2 x",
           "ulimit 'nofile': the soft limit 3 must not be above the hard limit 2"),
    MISUSE("--ulimit nofile=-1:2 x",
           "ulimit 'nofile': the soft limit -1 must not be above the hard limit 2"),
    MISUSE("--ulimit nofile=-2 x",
           "ulimit 'nofile' is negative: only -1, for unlimited, is allowed"),
    MISUSE("--pull sometimes x",
           "invalid value 'sometimes' for option '--pull': use 'always', 'missing' or 'never'"),
    MISUSE("-v /a:b x",
           "invalid value '/a:b' for option '--volume': the target 'b' is not an absolute path"),
    MISUSE("-v /a:/b:rx x", "invalid value '/a:/b:rx' for option '--volume': unknown option "
                            "'rx', use ro, rw, z, Z, nocopy or a propagation such as rslave"),
    MISUSE("--mount type=bind,target=/b x",
           "invalid value 'type=bind,target=/b' for option '--mount': the mount has no source"),
    MISUSE("--mount type=volume,src=v,dst=/b x",
           "invalid value 'type=volume,src=v,dst=/b' for option '--mount': invalid volume name "
           "'v': it has to match [a-zA-Z0-9][a-zA-Z0-9_.-]+"),
    MISUSE("--tmpfs tmp x",
           "invalid value 'tmp' for option '--tmpfs': the target 'tmp' is not an absolute path"),
    MISUSE("--tmpfs /tmp:fast x",
           "invalid value '/tmp:fast' for option '--tmpfs': unknown tmpfs option 'fast'"),
    MISUSE("-v /a:/c --tmpfs /b/../c/ x", "duplicate mount point '/c'"),
    MISUSE("-v /a:/c --mount type=tmpfs,dst=/c x", "duplicate mount point '/c'"),
    MISUSE("--no-healthcheck --health-retries 1 x",
           "'--no-healthcheck' conflicts with the options '--health-*'"),
    MISUSE("--health-interval 1us x", "the interval of a health check cannot be less than 1ms"),
    MISUSE("--health-timeout=-1s x", "the timeout of a health check cannot be less than 1ms"),
    MISUSE("--health-start-period soon x",
           "invalid value 'soon' for option '--health-start-period': write a time such as '30s' "
           "or '1m30s'"),
    MISUSE("--health-retries=-1 x", "the retries of a health check cannot be negative"),
    MISUSE("_ x", "no image was given"),
    MISUSE("--env-file bad-name x",
           "read 'bad-name': line 2: variable 'my var' contains white space"),
    MISUSE("--env-file no-name x", "read 'no-name': line 1: no variable name in '=x'"),
    MISUSE("--label-file not-text x", "read 'not-text': line 2: it is not UTF-8"),
    MISUSE("--env-file zero x", "read 'zero': it contains a zero byte: not a text file"),
    { "--env-file missing x", ERROR_NOT_FOUND, "open 'missing': No such file or directory" },
    { "--env-file . x", ERROR_SYSTEM, "read '.': Is a directory" },
};

static void bad_lines_are_answered_with_what_is_wrong(void **state)
{
    (void)state;
    WRITE_FILE("bad-name", "a=1\nmy var=2\n");
    WRITE_FILE("no-name", "=x\n");
    WRITE_FILE("not-text", "a=1\nb=\xff\n");
    WRITE_FILE("zero", "a=1\0b=2\n");
    for (size_t i = 0; i < ARRAY_SIZE(bad_lines); i++) {
        _cleanup_line_ Line line = {};

        parse(&line, bad_lines[i].line);
        if (line.result == 0)
            fail_msg("'%s' was accepted", bad_lines[i].line);
        assert_true(line.invocation.is_misuse);
        check_error(&line.error, bad_lines[i].kind, bad_lines[i].message);
    }
}

static void more_cpus_than_there_are_is_an_error_that_names_the_range(void **state)
{
    _cleanup_line_ Line few = {}, many = {};
    _cleanup_free_ char *message = NULL;
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

    (void)state;
    assert_true(
        asprintf(&message,
                 "range of CPUs is from 0.01 to %ld.00, as there are only %ld CPUs available",
                 n_cpus, n_cpus) > 0);
    parse(&many, "--cpus 100000 x");
    check_error(&many.error, ERROR_INVALID, message);
    parse(&few, "--cpus 0.001 x");
    check_error(&few.error, ERROR_INVALID, message);
}

static void a_terminal_with_input_needs_a_terminal_here(void **state)
{
    _cleanup_line_ Line line = {}, no_input = {};
    Error error = {};

    (void)state;
    parse_good(&line, "-it x");
    assert_int_equal(run_options_check_terminal(&line.options, true, &error), 0);
    assert_true(run_options_check_terminal(&line.options, false, &error) < 0);
    check_error(&error, ERROR_INVALID,
                "the input device is not a TTY: leave '-t' out, or run it in a terminal");
    parse_good(&no_input, "-t x");
    assert_int_equal(run_options_check_terminal(&no_input.options, false, &error), 0);
}

static int enter_temporary_directory(void **state)
{
    static char path[] = "/tmp/cay-run-options-XXXXXX";

    *state = path;
    return mkdtemp(path) ? chdir(path) : -1;
}

static int leave_temporary_directory(void **state)
{
    static const char *const names[] = {
        "env", "labels", "bad-name", "no-name", "not-text", "zero"
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        unlink(names[i]);
    return chdir("/") == 0 ? rmdir(*state) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_only_image_and_command_are_set),
        cmocka_unit_test(every_simple_option_reaches_its_member),
        cmocka_unit_test(limits_are_taken_in_their_units),
        cmocka_unit_test(the_health_check_is_put_together_of_its_options),
        cmocka_unit_test(security_and_kernel_options_are_lists),
        cmocka_unit_test(mounts_of_three_kinds),
        cmocka_unit_test(an_empty_entrypoint_resets_and_another_replaces),
        cmocka_unit_test(options_of_the_command_itself),
        cmocka_unit_test(networks_ports_and_names_reach_the_specification),
        cmocka_unit_test(variables_come_from_files_then_options_and_take_values_from_here),
        cmocka_unit_test(labels_of_the_line_win_over_those_of_files),
        cmocka_unit_test(bad_lines_are_answered_with_what_is_wrong),
        cmocka_unit_test(more_cpus_than_there_are_is_an_error_that_names_the_range),
        cmocka_unit_test(a_terminal_with_input_needs_a_terminal_here),
    };

    return cmocka_run_group_tests(tests, enter_temporary_directory, leave_temporary_directory);
}
