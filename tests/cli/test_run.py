# SPDX-License-Identifier: Apache-2.0
"""`cay run`: each option does in the container what it says."""

import json
import os
import termios

import pytest


@pytest.fixture
def run(cay, image, no_leaks):
    """run(*options, *command after the image) with --rm; the image stands where None is."""
    def call(*words, **options):
        words = [image if word is None else word for word in words]
        return cay("run", "--rm", *words, **options)
    return call


def output(result):
    assert result.returncode == 0, str(result)
    return result.stdout


def test_the_program_s_output_and_errors_come_out_apart(run):
    result = run(None, "sh", "-c", "echo out; echo err >&2")
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 0)


@pytest.mark.parametrize("script, code", [
    ("exit 0", 0), ("exit 1", 1), ("exit 125", 125), ("exit 255", 255),
    ("kill -KILL $$", 137), ("kill -TERM $$", 143),
])
def test_the_exit_status_is_the_program_s(run, script, code):
    # The first process of a pid namespace cannot signal itself: a child does.
    assert run(None, "sh", "-c", f"sh -c '{script}'; exit $?").returncode == code


def test_a_program_killed_from_outside_gives_128_and_the_signal(cay, image, spawn, no_leaks):
    process = spawn("run", "--rm", "--name", "victim", image, "sh", "-c", "echo up; cat /dev/zero")
    assert process.stdout.readline() == b"up\n"
    pid = json.loads(cay.ok("inspect", "victim"))[0]["State"]["Pid"]
    os.kill(pid, 9)
    process.stdout.close()
    process.stderr.close()
    assert process.wait() == 137


def test_a_missing_program_is_127(run):
    result = run(None, "no-such-program")
    assert result.returncode == 127
    assert 'exec: "no-such-program": executable file not found in $PATH' in result.stderr
    assert run(None, "/no/such/program").returncode == 127


def test_what_cannot_be_executed_is_126(run):
    result = run(None, "/etc/passwd")
    assert result.returncode == 126
    assert "permission denied" in result.stderr
    assert run(None, "/etc").returncode == 126


def test_standard_input_arrives_and_half_closes(run):
    data = os.urandom(300_000)
    result = run("-i", None, "sh", "-c", "cat; echo -n end", input=data, text=False)
    assert result.stdout == data + b"end"


def test_without_interactive_there_is_no_input(run):
    assert output(run(None, "cat", input="ignored")) == ""


def test_large_output_is_complete(run):
    result = run(None, "sh", "-c", "dd if=/dev/zero bs=1M count=32 2>/dev/null | tr '\\0' x",
                 text=False)
    assert len(result.stdout) == 32 << 20
    assert result.stdout.count(b"x") == 32 << 20


def test_environment_of_image_files_and_command_line(run, tmp_path):
    file = tmp_path / "env"
    file.write_text("# comment\nFROM_FILE=1\nBOTH=file\nFROM_HERE\n")
    result = run("--env-file", file, "-e", "BOTH=option", "-e", "ALSO_HERE", "-e", "EMPTY=", None,
                 "env", env={"FROM_HERE": "here", "ALSO_HERE": "too"})
    variables = dict(line.split("=", 1) for line in output(result).splitlines())
    assert variables["FROM_FILE"] == "1"
    assert variables["BOTH"] == "option"
    assert variables["FROM_HERE"] == "here"
    assert variables["ALSO_HERE"] == "too"
    assert variables["EMPTY"] == ""
    assert variables["PATH"] == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert variables["HOME"] == "/root"
    assert "TERM" not in variables
    assert len(variables["HOSTNAME"]) == 12


def test_working_directory(run):
    assert output(run("-w", "/usr/bin", None, "pwd")) == "/usr/bin\n"
    assert output(run("--workdir", "/made/anew", None, "pwd")) == "/made/anew\n"


def test_a_working_directory_that_is_a_file_is_refused(run):
    result = run("-w", "/etc/passwd", None, "true")
    assert result.returncode == 125
    assert "/etc/passwd" in result.stderr and "directory" in result.stderr


IDENTITY = ("sh", "-c", "echo $(id -u) $(id -g) $(sed -n 's/^Groups:.//p' /proc/self/status)")


@pytest.mark.parametrize("user, expected", [
    ("user", "1000 1000 29 44"),
    ("1000", "1000 1000 29 44"),
    ("1000:0", "1000 0"),
    ("user:audio", "1000 29"),
    ("4711", "4711 0"),
])
def test_user(run, user, expected):
    assert output(run("-u", user, None, *IDENTITY)).strip() == expected


def test_added_groups(run):
    assert output(run("-u", "4711:4712", "--group-add", "audio", "--group-add", "77", None,
                      *IDENTITY)).strip() == "4711 4712 29 77"


def test_an_unknown_user_is_refused(run):
    result = run("-u", "nobody-here", None, "true")
    assert result.returncode == 125
    assert "unable to find user 'nobody-here'" in result.stderr


def test_hostname(run):
    assert output(run("-h", "web.example", None, "sh", "-c", "hostname; cat /etc/hostname")) == \
        "web.example\nweb.example\n"


def test_entrypoint_and_arguments(run):
    assert output(run("--entrypoint", "/bin/echo", None, "a", "b c")) == "a b c\n"


def test_read_only_root(run):
    result = run("--read-only", None, "sh", "-c",
                 "echo x > /x; echo y > /dev/shm/y && cat /dev/shm/y")
    assert result.stdout == "y\n"
    assert "Read-only file system" in result.stderr


def test_bind_mounts(run, tmp_path):
    (tmp_path / "file").write_text("host\n")
    volume = f"{tmp_path}:/data"
    assert output(run("-v", volume, None, "sh", "-c", "cat /data/file; echo new > /data/made")) == \
        "host\n"
    assert (tmp_path / "made").read_text() == "new\n"
    result = run("-v", f"{volume}:ro", None, "sh", "-c", "echo x > /data/file")
    assert result.returncode != 0 and "Read-only file system" in result.stderr
    assert (tmp_path / "file").read_text() == "host\n"


def test_a_single_file_can_be_mounted(run, tmp_path):
    (tmp_path / "conf").write_text("content\n")
    assert output(run("-v", f"{tmp_path}/conf:/etc/deep/down.conf:ro", None, "cat",
                      "/etc/deep/down.conf")) == "content\n"


def test_a_missing_volume_source_is_made_and_a_missing_mount_source_is_refused(run, tmp_path):
    assert run("-v", f"{tmp_path}/a/b:/data", None, "true").returncode == 0
    assert (tmp_path / "a/b").is_dir()
    result = run("--mount", f"type=bind,source={tmp_path}/none,target=/data", None, "true")
    assert result.returncode == 125
    assert f"mount source '{tmp_path}/none' does not exist" in result.stderr
    assert not (tmp_path / "none").exists()


def test_mount_option(run, tmp_path):
    (tmp_path / "file").write_text("x")
    result = run("--mount", f"type=bind,src={tmp_path},dst=/data,readonly", None, "sh", "-c",
                 "cat /data/file; touch /data/file")
    assert result.stdout == "x" and result.returncode != 0
    text = output(run("--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1700", None,
                      "sh", "-c",
                      "grep ' /t ' /proc/mounts; stat -c %a /t"))
    assert "tmpfs /t tmpfs" in text and "size=1024k" in text and text.endswith("1700\n")


def test_tmpfs(run):
    text = output(run("--tmpfs", "/run:size=2m,mode=755", None, "grep", " /run ", "/proc/mounts"))
    assert "nosuid,nodev,noexec" in text and "size=2048k" in text


def test_mounts_over_standard_ones_replace_them(run, tmp_path):
    (tmp_path / "hosts").write_text("10.0.0.1 mine\n")
    assert output(run("-v", f"{tmp_path}/hosts:/etc/hosts:ro", None, "cat", "/etc/hosts")) == \
        "10.0.0.1 mine\n"


def test_shm_size(run):
    assert "size=65536k" in output(run(None, "grep", "/dev/shm", "/proc/mounts"))
    assert "size=8192k" in output(run("--shm-size", "8m", None, "grep", "/dev/shm", "/proc/mounts"))


def test_init_reaps_and_forwards(run):
    text = output(run("--init", None, "sh", "-c", "cat /proc/1/comm; echo $$"))
    assert text.splitlines()[0] != "sh" and text.splitlines()[1] != "1"
    assert run("--init", None, "sh", "-c", "exit 9").returncode == 9
    assert run("--init", None, "sh", "-c", "kill -TERM $$").returncode == 143
    assert run("--init", None, "no-such-program").returncode == 127


DEFAULT_CAPABILITIES = 0xA80425FB # Docker's


def capabilities(text):
    return {line.split()[0][3:-1].lower(): int(line.split()[1], 16)
            for line in text.splitlines() if line.startswith("Cap")}


def test_capabilities(run):
    status = ("grep", "Cap", "/proc/self/status")
    default = capabilities(output(run(None, *status)))
    assert default == {"inh": 0, "prm": DEFAULT_CAPABILITIES, "eff": DEFAULT_CAPABILITIES,
                       "bnd": DEFAULT_CAPABILITIES, "amb": 0}
    dropped = capabilities(output(run("--cap-drop", "all", "--cap-add", "CAP_CHOWN", None,
                                      *status)))
    assert dropped["eff"] == dropped["bnd"] == 1
    added = capabilities(output(run("--cap-add", "NET_ADMIN", None, *status)))
    assert added["eff"] == DEFAULT_CAPABILITIES | 1 << 12
    user = capabilities(output(run("-u", "1000", None, *status)))
    assert user == {"inh": 0, "prm": 0, "eff": 0, "bnd": DEFAULT_CAPABILITIES, "amb": 0}


def test_no_new_privileges(run):
    status = ("grep", "NoNewPrivs", "/proc/self/status")
    assert output(run(None, *status)).split() == ["NoNewPrivs:", "0"]
    assert output(run("--security-opt", "no-new-privileges", None, *status)).split()[1] == "1"


def test_seccomp(run, tmp_path):
    assert output(run(None, "grep", "Seccomp:", "/proc/self/status")).split()[1] == "2"
    assert output(run("--security-opt", "seccomp=unconfined", None, "grep", "Seccomp:",
                      "/proc/self/status")).split()[1] == "0"
    result = run(None, "unshare", "-U", "true")
    assert result.returncode != 0 and "not permitted" in result.stderr
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}],
    }))
    result = run("--security-opt", f"seccomp={profile}", None, "mkdir", "/tmp/x")
    assert "No space left on device" in result.stderr


LIMITS = {  # what is asked for -> (v1 file, content), (v2 file, content)
    ("-m", "64m"): (("memory/memory.limit_in_bytes", "67108864"), ("memory.max", "67108864")),
    ("--cpus", "0.5"): (("cpu/cpu.cfs_quota_us", "50000"), ("cpu.max", "50000 100000")),
    ("--cpu-shares", "512"): (("cpu/cpu.shares", "512"), ("cpu.weight", None)),
    ("--cpuset-cpus", "0"): (("cpuset/cpuset.cpus", "0"), ("cpuset.cpus", "0")),
    ("--pids-limit", "33"): (("pids/pids.max", "33"), ("pids.max", "33")),
    (): (("pids/pids.max", "2048"), ("pids.max", "2048")),
}


@pytest.mark.parametrize("option", LIMITS)
def test_limits(run, option):
    (old, old_content), (new, new_content) = LIMITS[option]
    text = output(run(*option, None, "sh", "-c",
                      f"cd /sys/fs/cgroup; cat {old} 2>/dev/null || {{ echo v2; cat {new}; }}"))
    lines = text.split("\n")
    expected = (lines[1], new_content or lines[1]) if lines[0] == "v2" else (lines[0], old_content)
    assert expected[0] == expected[1]


def test_more_memory_than_the_limit_is_not_to_be_had(cay, image, no_leaks):
    assert cay("run", "--name", "hungry", "-m", "16m", image, "tail", "/dev/zero").returncode == 137
    (container,) = json.loads(cay.ok("inspect", "hungry"))
    assert container["State"]["OOMKilled"] and container["State"]["ExitCode"] == 137


def test_more_processes_than_the_limit_are_not_to_be_had(run):
    result = run("--pids-limit", "5", None, "sh", "-c",
                 "for i in 1 2 3 4 5 6 7 8; do cat /dev/ptmx & done; true")
    assert result.returncode != 0 and "can't fork" in result.stderr


@pytest.mark.parametrize("option, complaint", [
    (("-m", "1m"), "memory"), (("--cpus", "x"), "--cpus"), (("--cpus", "999"), "CPUs"),
    (("--cpu-shares", "1"), "shares"), (("--cpuset-cpus", "999"), "cpu"),
    (("--pids-limit", "x"), "pids-limit"), (("--ulimit", "nofile=9:3"), "nofile"),
    (("--sysctl", "kernel.panic=1"), "kernel.panic"), (("--stop-signal", "NOPE"), "NOPE"),
    (("--memory-swap", "8m", "-m", "64m"), "swap"), (("--memroy", "1g"), "--memory"),
    (("--gpus", "all"), "--gpus"),
])
def test_an_option_out_of_range_is_refused_by_name(run, option, complaint):
    result = run(*option, None, "true")
    assert result.returncode == 125 and result.stdout == ""
    assert complaint in result.stderr and result.stderr.count("\n") == 1


def test_sysctls(run):
    assert output(run("--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=9000", None,
                      "cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax")) == \
        "1\n9000\n"


def test_ulimits(run):
    text = output(run("--ulimit", "nofile=100:200", "--ulimit", "core=0", None, "cat",
                      "/proc/self/limits"))
    limits = {line[:25].strip(): line[26:].split()[:2] for line in text.splitlines()}
    assert limits["Max open files"] == ["100", "200"]
    assert limits["Max core file size"] == ["0", "0"]


def test_privileged(run):
    text = output(run("--privileged", None, "sh", "-c",
                      "grep -E 'CapEff|Seccomp:' /proc/self/status; ls /dev | wc -l; "
                      "grep -c ' /sys sysfs rw' /proc/mounts; "
                      "mkdir /m; mount -t tmpfs t /m && echo ok"))
    assert text.splitlines()[-1] == "ok" and "Seccomp:\t0" in text


def test_namespaces_are_the_container_s_own(run):
    kinds = ["cgroup", "ipc", "mnt", "net", "pid", "uts"]
    text = output(run(None, "sh", "-c",
                      "; ".join(f"readlink /proc/self/ns/{kind}" for kind in kinds)))
    own = [os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]
    assert not set(text.split()) & set(own)
    assert len(text.split()) == len(kinds)


def test_networks(run):
    assert output(run("--network", "none", None, "ls", "/sys/class/net")).split() == ["lo"]
    assert output(run("--network", "host", None, "readlink", "/proc/self/ns/net")).strip() == \
        os.readlink("/proc/self/ns/net")
    result = run("--network", "one:color=red", None, "true")
    assert result.returncode == 125 and "invalid field 'color'" in result.stderr


def test_the_container_sees_only_its_own_processes(run):
    assert output(run(None, "sh", "-c", "ls /proc | grep -c '^[0-9]'")).strip() in ("2", "3")


def test_devices_are_few_and_safe(run):
    names = set(output(run(None, "ls", "/dev")).split())
    assert names == {"core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm",
                     "stderr", "stdin", "stdout", "tty", "urandom", "zero"}
    result = run(None, "sh", "-c", "mknod /tmp/kmsg c 1 11 && cat /tmp/kmsg")
    assert "not permitted" in result.stderr


def test_what_procfs_tells_of_the_host_is_hidden(run):
    result = run(None, "sh", "-c", "cat /proc/interrupts /proc/timer_list /proc/keys; "
                 "ls /sys/firmware; echo x > /proc/sys/kernel/domainname")
    assert result.stdout == ""
    assert "Read-only file system" in result.stderr


def test_a_terminal_has_the_caller_s_size_and_follows_it(pty_run, image, no_leaks):
    terminal = pty_run("run", "--rm", "-it", image, "sh", "-c",
                       "stty size; trap 'stty size' WINCH; echo ready; while read x; do :; done",
                       rows=31, columns=97)
    terminal.expect("31 97")
    terminal.expect("ready")
    terminal.resize(13, 44)
    terminal.expect("13 44")
    terminal.send("\x04")
    assert terminal.wait() == 0


def test_the_terminal_is_restored(pty_run, image, no_leaks):
    terminal = pty_run("run", "--rm", "-it", image, "sh", "-c", "echo up; read x; exit 3")
    terminal.expect("up")
    assert not terminal.modes()[3] & termios.ECHO
    terminal.send("\r")
    assert terminal.wait() == 3
    assert terminal.modes()[3] & termios.ECHO


def test_control_c_reaches_the_program_in_a_terminal(pty_run, image, no_leaks):
    terminal = pty_run("run", "--rm", "-it", image, "sh", "-c",
                       "trap 'echo caught; exit 4' INT; echo up; while :; do read x; done")
    terminal.expect("up")
    terminal.send("\x03")
    terminal.expect("caught")
    assert terminal.wait() == 4


def test_a_terminal_needs_one(run):
    result = run("-it", None, "true")
    assert result.returncode == 125
    assert "the input device is not a TTY" in result.stderr


@pytest.mark.parametrize("signal, name", [(15, "TERM"), (1, "HUP"), (10, "USR1"), (2, "INT")])
def test_signals_reach_the_program(spawn, image, no_leaks, signal, name):
    process = spawn("run", "--rm", image, "sh", "-c",
                    f"trap 'echo got; exit 5' {name}; echo up; "
                    "while :; do read x < /dev/ptmx; done")
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal)
    assert process.stdout.readline() == b"got\n"
    assert process.wait() == 5


def test_the_container_id_is_written(run, tmp_path):
    file = tmp_path / "id"
    assert output(run("--cidfile", file, None, "hostname")).strip() == file.read_text()[:12]
    assert len(file.read_text()) == 64
    result = run("--cidfile", file, None, "true")
    assert result.returncode == 125 and "exists" in result.stderr


def test_a_failed_run_leaves_no_id_file(run, tmp_path):
    assert run("--cidfile", tmp_path / "id", "-u", "nobody-here", None, "true").returncode == 125
    assert not (tmp_path / "id").exists()


def test_platform(run):
    result = run("--pull", "never", "--platform", "linux/s390x", None, "true")
    assert result.returncode == 125
    assert "linux/s390x" in result.stderr


def test_pull_policies(run, cay, state):
    assert run("--pull", "never", None, "true").returncode == 0
    assert run("--pull", "missing", None, "true").returncode == 0
    result = run("--pull", "never", "nosuch", "true")
    assert result.returncode == 125 and "no such image: 'nosuch'" in result.stderr


def test_a_real_debian_runs(cay, debian):
    assert 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"' in cay.ok(
        "run", "--rm", debian, "cat", "/etc/os-release")
    assert cay.ok("run", "--rm", debian, "bash", "-c", "dpkg -l | grep -c ^ii").isdigit()
