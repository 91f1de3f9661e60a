# SPDX-License-Identifier: Apache-2.0
"""`cay logs`, and the log drivers: what a container writes is found again, wherever it was sent."""

import json
import re
import select
import socket
import subprocess

import pytest

TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"


def run(cay, image, script, *options, **more):
    """A container 'box' that has ended; what is said of it goes to its log as well as to us."""
    result = cay("run", "--name", "box", *options, image, "sh", "-c", script, **more)
    assert result.returncode == 0, str(result)
    return result


def directory(cay):
    [container] = cay.state.containers()
    return cay.state.directory / "containers" / container


def json_entries(cay):
    [path] = directory(cay).glob("*-json.log")
    assert path.name == f"{directory(cay).name}-json.log"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def numbers(first, last):
    return "".join(f"{number}\n" for number in range(first, last + 1))


class Box:
    """A container that writes what it is told to, while the test goes on."""

    def __init__(self, cay, image, *options):
        self.process = cay.spawn("run", "-i", "--name", "box", *options, image, "cat")

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()
        assert self.process.stdout.read(len(data)) == data

    def end(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


def test_each_stream_comes_out_where_it_went(cay, image, no_leaks):
    run(cay, image, "echo out; echo err >&2; printf rest")
    result = cay("logs", "box")
    assert (result.returncode, result.stdout, result.stderr) == (0, "out\nrest", "err\n")


def test_the_file_is_docker_s(cay, image, no_leaks):
    run(cay, image, "echo '<out> \"x\"'; echo err >&2; printf rest")
    entries = json_entries(cay)
    assert [list(entry) for entry in entries] == [["log", "stream", "time"]] * 3
    assert {(entry["log"], entry["stream"]) for entry in entries} == {
        ("<out> \"x\"\n", "stdout"), ("err\n", "stderr"), ("rest", "stdout")}


def test_a_terminal_s_output_is_one_stream(cay, image, pty_run, no_leaks):
    terminal = pty_run("run", "-t", "--name", "box", image, "sh", "-c", "echo out; echo err >&2")
    assert terminal.wait() == 0
    result = cay("logs", "box", text=False)
    assert (result.stdout, result.stderr) == (b"out\r\nerr\r\n", b"")


def test_entries_bear_what_was_asked_for(cay, image, no_leaks):
    run(cay, image, "echo hello", "--label", "a=1 2", "--label", "b=3", "--label", "x.y=4", "-e",
        "COLOUR=red", "--log-opt", "labels=a,none", "--log-opt", r"labels-regex=^x\.", "--log-opt",
        "env=COLOUR", "--log-opt", "tag={{.Name}}/{{.ImageName}}/{{.ID}}")
    container = directory(cay).name
    tag = f"box/{image}/{container[:12]}"
    assert json_entries(cay)[0]["attrs"] == {"a": "1 2", "x.y": "4", "COLOUR": "red", "tag": tag}
    escaped = tag.replace("/", "%2F").replace(":", "%3A")
    assert cay.ok("logs", "--details", "box") == f"COLOUR=red,a=1+2,tag={escaped},x.y=4 hello"
    assert re.fullmatch(f"{TIMESTAMP} COLOUR=red,.* hello", cay.ok("logs", "-t", "--details",
                                                                   "box"))


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_the_log_is_bounded_and_its_end_is_found_across_files(cay, image, no_leaks, driver):
    run(cay, image, "seq 1000", "--log-driver", driver, "--log-opt", "max-size=2k", "--log-opt",
        "max-file=3")
    files = [path for path in directory(cay).iterdir() if ".log" in path.name]
    assert len(files) == 3 and all(path.stat().st_size < 3000 for path in files)
    everything = cay.ok("logs", "box").splitlines()
    assert everything == [str(n) for n in range(1001 - len(everything), 1001)]
    for tail in 0, 1, 5, 50, len(everything):
        assert cay("logs", "--tail", tail, "box").stdout == numbers(1001 - tail, 1000)
    assert cay.ok("logs", "-n", "all", "box").splitlines() == everything


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_times_select_entries(cay, image, no_leaks, driver):
    box = Box(cay, image, "--log-driver", driver)
    for number in range(5):
        box.write(b"%d\n" % number)
    box.end()
    lines = cay.ok("logs", "-t", "box").splitlines()
    assert all(re.fullmatch(f"{TIMESTAMP} {number}", line) for number, line in enumerate(lines))
    times = [line.split()[0] for line in lines]
    assert len(set(times)) == 5
    assert cay.ok("logs", "--since", times[3], "box") == "3\n4"
    assert cay.ok("logs", "--until", times[1], "box") == "0\n1"
    assert cay.ok("logs", "--since", times[1], "--until", times[2], "box") == "1\n2"
    assert cay.ok("logs", "--since", times[1], "--tail", "1", "box") == "4"
    assert cay.ok("logs", "--since", "10m", "box") == "0\n1\n2\n3\n4"
    assert cay.ok("logs", "--until", "10m", "box") == ""
    assert cay.ok("logs", "--since", "4102444800", "box") == ""


def test_following_goes_on_over_rotation_until_the_container_has_ended(cay, image, no_leaks):
    box = Box(cay, image, "--log-opt", "max-size=1k", "--log-opt", "max-file=2")
    box.write(b"first\n")
    follower = cay.spawn("logs", "--follow", "box")
    assert follower.stdout.readline() == b"first\n"
    for number in range(200):
        box.write(b"%d\n" % number)
        assert follower.stdout.readline() == b"%d\n" % number
    box.end()
    assert (follower.stdout.read(), follower.wait()) == (b"", 0)


def test_following_can_begin_at_the_end(cay, image, no_leaks):
    box = Box(cay, image)
    box.write(b"old\nlast\n")
    follower = cay.spawn("logs", "-f", "-n", "1", "-t", "box")
    assert follower.stdout.readline().endswith(b" last\n")
    box.write(b"new\n")
    assert follower.stdout.readline().endswith(b" new\n")
    box.end()
    assert follower.wait() == 0


def test_following_ends_when_its_time_is_over(cay, image, no_leaks):
    box = Box(cay, image)
    box.write(b"line\n")
    assert cay.ok("logs", "-f", "--until", "-1s", "box") == "line"
    box.end()


def test_following_what_has_ended_ends(cay, image, no_leaks):
    run(cay, image, "echo done")
    assert cay.ok("logs", "-f", "box") == "done"


def test_the_log_goes_on_over_restarts_and_so_does_who_follows_it(cay, image, no_leaks):
    script = "echo run; echo x >> /runs; [ $(wc -l < /runs) -gt 2 ] && exec sleep 60; exit 1"
    process = cay.spawn("run", "--restart", "on-failure", "--name", "box", image, "sh", "-c",
                        script)
    assert process.wait() == 1
    follower = cay.spawn("logs", "-f", "box")
    assert [follower.stdout.readline() for _ in range(3)] == [b"run\n"] * 3
    cay.ok("stop", "-t", "0", "box")
    assert (follower.stdout.read(), follower.wait()) == (b"", 0)
    assert cay.ok("logs", "box") == "run\nrun\nrun"
    cay.ok("start", "box")
    follower = cay.spawn("logs", "-f", "-n", "1", "box")
    assert follower.stdout.readline() == b"run\n"
    cay.ok("kill", "box")
    assert follower.wait() == 0
    assert cay.ok("logs", "box") == "run\nrun\nrun\nrun"


def test_nobody_has_to_be_attached(cay, image, no_leaks):
    cay.ok("run", "-d", "--name", "box", image, "sh", "-c", "echo out; echo err >&2; exec sleep 60")
    follower = cay.spawn("logs", "-f", "box")
    assert follower.stdout.readline() == b"out\n"
    assert follower.stderr.readline() == b"err\n"
    cay.ok("rm", "-f", "box")
    assert (follower.stdout.read(), follower.wait()) == (b"", 0)


def test_what_was_never_started_has_no_log_and_is_not_waited_for(cay, image, no_leaks):
    cay.ok("create", "--name", "box", image, "echo", "hello")
    assert cay.ok("logs", "-f", "box") == ""
    cay.ok("start", "-a", "box")
    assert cay.ok("logs", "-f", "box") == "hello"


def test_a_slow_reader_holds_nobody_up_and_loses_nothing(cay, image, no_leaks):
    box = Box(cay, image, "--log-opt", "max-size=-1")
    box.write(b"first\n")
    follower = cay.spawn("logs", "-f", "box")
    assert follower.stdout.readline() == b"first\n"
    lines = b"".join(b"%099d\n" % number for number in range(4000))
    for begin in range(0, len(lines), 10000):
        box.write(lines[begin:begin + 10000])
    box.end()
    assert follower.stdout.read() == lines


def test_arbitrary_bytes_survive(cay, image, no_leaks):
    data = bytes(range(256)) * 300 + b"\n" + b"x" * 50000 + b"\nend"
    box = Box(cay, image, "--log-driver", "local")
    box.write(data)
    box.end()
    assert cay("logs", "box", text=False).stdout == data


def test_what_is_not_utf_8_is_replaced_as_docker_does(cay, image, no_leaks):
    data = bytes(range(256)) * 200 + "x\u20ac".encode() * 20000 + b"\n"
    box = Box(cay, image)
    box.write(data)
    box.end()
    assert cay("logs", "box", text=False).stdout == data.decode(errors="replace").encode()


@pytest.fixture
def full_disk(state):
    """Mount a small file system for the containers of the test's state: full_disk(bytes)."""
    containers = state.directory / "containers"
    mounted = []

    def mount(size):
        containers.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", containers],
                       check=True)
        mounted.append(containers)
        return containers

    yield mount
    state.settle()
    for path in mounted:
        subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_full_disk_costs_what_the_log_says_and_the_container_goes_on(cay, image, full_disk,
                                                                      driver):
    containers = full_disk("1m")
    box = Box(cay, image, "--log-driver", driver, "--log-opt", "max-size=-1")
    box.write(b"first\n")
    total = 0
    for number in range(40):
        line = b"%d %s\n" % (number, b"x" * 40000)
        box.write(line)
        total += len(line)
    result = cay("logs", "box", text=False)
    assert result.stdout.startswith(b"first\n0 xxx") and result.stdout.endswith((b"x", b"\n"))
    subprocess.run(["mount", "-o", "remount,size=8m", containers], check=True)
    box.write(b"last\n")
    box.end()
    result = cay("logs", "box", text=False)
    # Several, where single lines found room in between; nothing else is on standard error.
    notice = rb"\[cay: (\d+) bytes of output are missing here: No space left on device\]\n"
    assert re.fullmatch(rb"(?:" + notice + rb")+", result.stderr)
    missing = sum(map(int, re.findall(notice, result.stderr)))
    assert len(result.stdout) + missing == len(b"first\n") + total + len(b"last\n")
    assert result.stdout.endswith(b"last\n")
    cay.ok("rm", "box")


def test_the_driver_none_keeps_nothing(cay, image, no_leaks):
    assert run(cay, image, "echo out", "--log-driver", "none").stdout == "out\n"
    result = cay("logs", "box")
    assert result.returncode == 1
    assert result.stderr == "cay: configured logging driver does not support reading\n"
    assert not [path for path in directory(cay).iterdir() if ".log" in path.name]


def test_unknown_drivers_options_and_tags_are_refused(cay, image):
    cases = {
        ("--log-driver", "gelf"): "unknown log driver 'gelf': there are 'json-file', 'local', ",
        ("--log-opt", "x=1"): "unknown log option 'x' for log driver 'json-file': there are ",
        ("--log-opt", "max-size=huge"): "log option 'max-size=huge': ",
        ("--log-opt", "compress=true"): "log files are not compressed in this version",
        ("--log-opt", "tag={{.Nope}}"): "log option 'tag={{.Nope}}': there are '{{.ID}}', ",
        ("--log-opt", "novalue"): "write it as NAME=VALUE",
    }
    for options, message in cases.items():
        result = cay("run", *options, image, "true")
        assert result.returncode == 125 and message in result.stderr, str(result)
    assert not cay.state.containers()


def test_wrong_times_and_containers_are_refused(cay, image):
    for option in "--since", "--until", "--tail":
        result = cay("logs", option, "soon", "box")
        assert result.returncode == 1 and f"'{option}': 'soon' is neither" in result.stderr
    result = cay("logs", "nobody")
    assert (result.returncode, result.stderr) == (1, "cay: no such container: 'nobody'\n")


@pytest.fixture
def receiver(tmp_path):
    """A datagram socket that plays syslogd or journald."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
        unix.bind(str(tmp_path / "socket"))
        unix.settimeout(30)
        yield unix


def test_syslog_gets_each_line_and_a_copy_can_be_read(cay, image, receiver, no_leaks):
    run(cay, image, "echo out; echo err >&2; printf rest", "--log-driver", "syslog", "--log-opt",
        f"syslog-address=unixgram://{receiver.getsockname()}", "--log-opt", "tag={{.Name}}")
    messages = [receiver.recv(65536) for _ in range(3)]
    stamp = rb"\w{3} [ \d]\d \d\d:\d\d:\d\d"
    for level, text in (b"30", b"out"), (b"27", b"err"), (b"30", b"rest"):
        pattern = b"<" + level + b">" + stamp + rb" box\[\d+\]: " + text + b"\n"
        assert [m for m in messages if re.fullmatch(pattern, m)], messages
    result = cay("logs", "box")
    assert (result.stdout, result.stderr) == ("out\nrest", "err\n")


@pytest.mark.parametrize("form, pattern", [
    ("rfc3164", r"<134>\w{{3}} [ \d]\d \d\d:\d\d:\d\d {host} {id}\[\d+\]: hello\n"),
    ("rfc5424", r"<134>1 \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ {host} {id} \d+ {id} - hello\n"),
    ("rfc5424micro",
     r"<134>1 \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{6}}Z {host} {id} \d+ {id} - hello\n"),
], ids=["rfc3164", "rfc5424", "rfc5424micro"])
def test_syslog_s_formats(cay, image, no_leaks, form, pattern):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(30)
        run(cay, image, "echo hello", "--log-driver", "syslog", "--log-opt",
            f"syslog-address=udp://127.0.0.1:{receiver.getsockname()[1]}", "--log-opt",
            "syslog-facility=local0", "--log-opt", f"syslog-format={form}", "--log-opt",
            "cache-disabled=true")
        message = receiver.recv(65536).decode()
    expected = pattern.format(host=re.escape(socket.gethostname()), id=directory(cay).name[:12])
    assert re.fullmatch(expected, message), message
    assert "does not support reading" in cay("logs", "box").stderr


def test_a_stream_of_syslog_is_waited_for_and_nothing_is_lost(cay, image, no_leaks):
    """The receiver takes nothing until the container has written more than a socket holds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        process = cay.spawn(
            "run", "--name", "box", "--log-driver", "syslog", "--log-opt",
            f"syslog-address=tcp://127.0.0.1:{server.getsockname()[1]}", "--log-opt", "tag=t",
            image, "sh", "-c", "yes 0123456789 | head -n 600000 >&2; echo over >&2",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        connection = server.accept()[0]
        with connection, connection.makefile("rb") as stream:
            lines = sum(1 for line in stream if line.endswith((b"]: 0123456789\n", b"]: over\n")))
        assert lines == 600001
        assert process.wait() == 0


def test_without_blocking_what_a_receiver_has_no_room_for_is_lost_and_told(cay, image, tmp_path,
                                                                          no_leaks):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "log"))
        receiver.settimeout(30)
        box = Box(cay, image, "--log-driver", "syslog", "--log-opt",
                  f"syslog-address=unixgram://{tmp_path}/log", "--log-opt", "mode=non-blocking",
                  "--log-opt", "max-buffer-size=64k", "--log-opt", "tag=t")
        lines = [b"%099d\n" % number for number in range(5000)]
        for begin in range(0, len(lines), 100):
            box.write(b"".join(lines[begin:begin + 100]))
        received = 0
        while select.select([receiver], [], [], 0)[0]:
            assert receiver.recv(4096).endswith(b": " + lines[received])
            received += 1
        assert 0 < received < len(lines)
        box.write(b"last\n")
        missing = 100 * (len(lines) - received)
        assert b"[cay: %d bytes of output are missing here: " % missing in receiver.recv(4096)
        assert receiver.recv(4096).endswith(b": last\n")
        box.end()
    assert len(cay.ok("logs", "box").splitlines()) == 5001


def test_a_receiver_that_goes_away_and_comes_back_is_told_what_it_missed(cay, image, tmp_path,
                                                                        no_leaks):
    path = tmp_path / "log"

    def listen():
        path.unlink(missing_ok=True)
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(str(path))
        receiver.settimeout(30)
        return receiver

    with listen() as receiver:
        box = Box(cay, image, "--log-driver", "syslog", "--log-opt",
                  f"syslog-address=unixgram://{path}")
        box.write(b"one\n")
        assert receiver.recv(4096).endswith(b": one\n")
    box.write(b"two\n")
    with listen() as receiver:
        box.write(b"three\n")
        assert b"[cay: 4 bytes of output are missing here: " in receiver.recv(4096)
        assert receiver.recv(4096).endswith(b": three\n")
        box.end()
    assert cay.ok("logs", "box") == "one\ntwo\nthree"


def test_a_syslog_that_is_not_there_fails_the_start(cay, image, tmp_path, no_leaks):
    result = cay("run", "--rm", "--log-driver", "syslog", "--log-opt",
                 f"syslog-address=unixgram://{tmp_path}/none", image, "true")
    assert result.returncode == 125
    assert "log driver 'syslog': nobody takes messages at 'unixgram://" in result.stderr


# A /run of its own, whose journal is the one that the test plays.
JOURNAL = ("unshare", "--mount", "sh", "-c",
           'mount -t tmpfs tmpfs /run && mkdir /run/systemd && '
           'ln -s "$1" /run/systemd/journal && shift && exec "$@"', "sh")


def test_journald_gets_docker_s_fields(cay, image, tmp_path, no_leaks):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))
        journal.settimeout(30)
        run(cay, image, "echo hello; printf rest >&2", "--log-driver", "journald", "--label",
            "my.label=two\nlines", "--log-opt", "labels=my.label", "--log-opt", "tag=the-tag",
            prefix=(*JOURNAL, tmp_path))
        entries = [journal.recv(65536) for _ in range(2)]
    container = directory(cay).name.encode()
    common = [b"CONTAINER_ID=" + container[:12], b"CONTAINER_ID_FULL=" + container,
              b"CONTAINER_NAME=box", b"CONTAINER_TAG=the-tag", b"SYSLOG_IDENTIFIER=the-tag",
              b"IMAGE_NAME=" + image.encode()]
    label = b"MY_LABEL\n" + (9).to_bytes(8, "little") + b"two\nlines\n"
    for own in ([b"MESSAGE=hello", b"PRIORITY=6"],
                [b"MESSAGE=rest", b"PRIORITY=3", b"CONTAINER_PARTIAL_MESSAGE=true"]):
        [entry] = [entry for entry in entries if own[0] + b"\n" in entry]
        assert label in entry
        assert set(own + common) <= set(entry.split(b"\n")), entry
    assert (cay("logs", "box").stdout, cay("logs", "box").stderr) == ("hello\n", "rest")


def test_journald_where_there_is_none_fails_the_start(cay, image, tmp_path, no_leaks):
    result = cay("run", "--rm", "--log-driver", "journald", image, "true",
                 prefix=(*JOURNAL, tmp_path))
    assert result.returncode == 125
    assert ("log driver 'journald': this host has no journal at '/run/systemd/journal/socket': No "
            "such file or directory") in result.stderr
