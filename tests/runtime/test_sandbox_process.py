# SPDX-License-Identifier: Apache-2.0
"""What a process has besides its user and its rights: each member as the program sees it."""

import ctypes
import os
import pathlib
import socket
import struct

import pytest

from harness import kernel

# A member that is accepted and has no effect would pass any test that only starts a program: all of
# these look from inside, or at /proc/<pid> from outside.


LIBC = ctypes.CDLL(None, use_errno=True)
SYS_KEYCTL, SYS_SCHED_GETATTR = 250, 315


def scheduling(pid):
    """(policy, flags, nice, realtime priority, runtime, deadline, period), as the kernel tells."""
    buffer = ctypes.create_string_buffer(48)
    assert LIBC.syscall(SYS_SCHED_GETATTR, pid, buffer, 48, 0) == 0, ctypes.get_errno()
    return struct.unpack("=4xIQiIQQQ", buffer.raw)


RESET_ON_FORK = 1


@pytest.mark.parametrize("scheduler, expected", [
    ({"policy": "SCHED_OTHER", "nice": 7}, (0, 0, 7, 0)),
    ({"policy": "SCHED_BATCH", "nice": -3, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
     (3, RESET_ON_FORK, -3, 0)),
    ({"policy": "SCHED_IDLE"}, (5, 0, 0, 0)),
])
@pytest.mark.parametrize("user_namespace", [False, True])
def test_the_scheduler_is_as_configured(bundle, scheduler, expected, user_namespace):
    """Also in a user namespace, where the process itself has no right to it."""
    if user_namespace:
        bundle.add_user_namespace()
    bundle.process["scheduler"] = scheduler
    created = bundle.create("cat")
    assert scheduling(created.pid)[:4] == expected
    assert created.finish().status == 0


@pytest.mark.parametrize("scheduler, expected", [
    ({"policy": "SCHED_FIFO", "priority": 11}, (1, 0, 0, 11)),
    ({"policy": "SCHED_RR", "priority": 99, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
     (2, RESET_ON_FORK, 0, 99)),
])
@pytest.mark.parametrize("user_namespace", [False, True])
def test_a_realtime_policy_is_as_configured(host_tools, scheduler, expected, user_namespace):
    """In our own cgroup: a new one may have no realtime budget."""
    if user_namespace:
        host_tools.add_user_namespace()
    del host_tools.linux["cgroupsPath"], host_tools.linux["resources"]
    host_tools.config["mounts"].remove(host_tools.find_mount("/sys/fs/cgroup"))
    host_tools.process["scheduler"] = scheduler
    assert host_tools.python("""
        buffer = ctypes.create_string_buffer(48)
        assert libc.syscall(315, 0, buffer, 48, 0) == 0
        print(struct.unpack("=4xIQiI24x", buffer.raw))
    """) == f"{expected}\n"


def test_a_deadline_is_as_configured(bundle):
    bundle.process["scheduler"] = {"policy": "SCHED_DEADLINE", "runtime": 1000000,
                                   "deadline": 5000000, "period": 10000000,
                                   "flags": ["SCHED_FLAG_RESET_ON_FORK"]}
    created = bundle.create("cat")
    assert scheduling(created.pid) == (6, RESET_ON_FORK, 0, 0, 1000000, 5000000, 10000000)
    assert created.finish().status == 0


def test_a_scheduler_that_may_not_be_set_is_named(bundle):
    def drop_sys_nice():
        assert LIBC.prctl(24, 23, 0, 0, 0) == 0  # PR_CAPBSET_DROP, CAP_SYS_NICE

    bundle.process["scheduler"] = {"policy": "SCHED_OTHER", "nice": -5}
    result = bundle.run("true", preexec_fn=drop_sys_nice)
    assert result.stderr == "denied: process.scheduler: SCHED_OTHER takes CAP_SYS_NICE\n"


def test_a_policy_that_no_kernel_has_is_named(bundle):
    bundle.process["scheduler"] = {"policy": "SCHED_ISO"}
    result = bundle.run("true")
    assert result.status == 125
    assert result.stderr == "unsupported: process.scheduler: the kernel has no SCHED_ISO\n"


@pytest.mark.parametrize("scheduler, error", [
    ({"policy": "SCHED_FIFO"}, "process.scheduler.priority: is 1 to 99 with SCHED_FIFO"),
    ({"policy": "SCHED_OTHER", "priority": 1},
     "process.scheduler.priority: is of no use with SCHED_OTHER"),
    ({"policy": "SCHED_RR", "priority": 1, "period": 5},
     "process.scheduler.runtime: this, deadline and period are of no use with SCHED_RR"),
    ({"policy": "SCHED_DEADLINE"}, "process.scheduler: set SCHED_DEADLINE: Invalid argument"),
])
def test_a_scheduler_that_contradicts_itself_is_refused(bundle, scheduler, error):
    bundle.process["scheduler"] = scheduler
    assert error in bundle.run("true").stderr


@pytest.mark.parametrize("io_class, priority, expected", [
    ("IOPRIO_CLASS_BE", 6, "best-effort: prio 6"), ("IOPRIO_CLASS_RT", 2, "realtime: prio 2"),
    ("IOPRIO_CLASS_IDLE", 0, "idle"),
])
def test_the_io_priority_is_as_configured(bundle, io_class, priority, expected):
    bundle.process["ioPriority"] = {"class": io_class, "priority": priority}
    assert bundle.shell("ionice -p $$").strip() == expected


@pytest.mark.parametrize("domain, machine", [("LINUX32", "i686"), ("LINUX", os.uname().machine)])
def test_the_personality_is_as_configured(bundle, domain, machine):
    bundle.linux["personality"] = {"domain": domain}
    assert bundle.shell("uname -m").strip() == machine


def test_the_personality_of_the_caller_is_replaced(bundle):
    bundle.linux["personality"] = {"domain": "LINUX"}
    assert bundle.shell("uname -m",
                        preexec_fn=lambda: LIBC.personality(8)).strip() == \
        os.uname().machine


@pytest.mark.parametrize("policy, expected", [
    ({"mode": "MPOL_BIND", "nodes": "0"}, "bind:0"),
    ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, "bind=static:0"),
    ({"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"]},
     "interleave=relative:0"),
    ({"mode": "MPOL_PREFERRED", "nodes": "0"}, "prefer:0"),
    ({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}, "prefer (many):0"),
    ({"mode": "MPOL_LOCAL"}, "local"),
    ({"mode": "MPOL_DEFAULT"}, "default"),
])
def test_the_memory_policy_is_as_configured(bundle, policy, expected):
    bundle.linux["memoryPolicy"] = policy
    lines = bundle.shell("exec cat /proc/self/numa_maps").splitlines()
    assert all(f" {expected} " in line + " " for line in lines), lines


@pytest.mark.parametrize("policy, error", [
    ({}, "linux.memoryPolicy.mode: is required"),
    ({"mode": "MPOL_BIND"}, "linux.memoryPolicy.nodes: are required by MPOL_BIND"),
    ({"mode": "MPOL_LOCAL", "nodes": "0"}, "linux.memoryPolicy.nodes: are of no use with"),
    ({"mode": "MPOL_BIND", "nodes": "x"}, "linux.memoryPolicy.nodes: 'x' is not a list"),
    ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"]},
     "linux.memoryPolicy.flags: nodes are either static or relative"),
    ({"mode": "MPOL_BIND", "nodes": "8191"}, "linux.memoryPolicy: set the policy: Invalid"),
])
def test_a_memory_policy_that_cannot_be_is_refused(bundle, policy, error):
    bundle.linux["memoryPolicy"] = policy
    assert error in bundle.run("true").stderr


SESSION_KEYRING = """
    buffer = ctypes.create_string_buffer(256)
    serial = libc.syscall(250, 0, -3, 0)
    assert libc.syscall(250, 6, serial, buffer, 256) > 0
    print(serial, *buffer.value.decode().split(";"))
"""


def with_a_keyring():
    """A session keyring that the container must not have."""
    assert LIBC.syscall(SYS_KEYCTL, 1, b"callers-secret") > 0


@pytest.mark.parametrize("options, name, rights", [
    (["--id=keyring-test"], "_ses.keyring-test", "3f1b0000"),
    ([], "_ses", "3f030000"),
    (["--id=keyring-test", "--no-new-keyring"], "callers-secret", "3f130000"),
])
def test_the_session_keyring_is_the_containers_own_unless_the_callers_is_to_be_kept(
        host_tools, options, name, rights):
    keyring = host_tools.python(SESSION_KEYRING, preexec_fn=with_a_keyring, options=options)
    assert keyring.split()[1:] == ["keyring", "0", "0", rights, name]


@pytest.mark.parametrize("user_namespace", [False, True])
def test_a_process_that_joins_shares_the_containers_keyring(host_tools, user_namespace):
    if user_namespace:
        host_tools.add_user_namespace()
    options = [f"--id=shared-{os.getpid()}"]
    script = ["/usr/bin/python3", "-u", "-c", host_tools.program(SESSION_KEYRING) +
              "\nimport sys; sys.stdin.read()"]
    created = host_tools.create(*script, options=options)
    created.start()
    first = created.process.stdout.readline().decode()
    joined = host_tools.run(*script, options=[f"--join={created.pid}", *options])
    assert joined.stdout == first and f"_ses.shared-{os.getpid()}" in first, joined
    assert created.wait().status == 0


PASSWD = ("root:x:0:0:root:/root:/bin/sh\n"
          "long:x:1:1:" + "x" * 5000 + ":/long:/bin/sh\n"
          "cut:x:1000\n"
          "app:x:1000:1000::/srv/app:/bin/sh\n"
          "app2:x:1000:1000::/srv/other:/bin/sh\n"
          "empty:x:1001:1001:::/bin/sh\n"
          "last:x:1002:1002::/srv/last:/bin/sh")


@pytest.mark.parametrize("uid, home", [(0, "/root"), (1, "/"), (1000, "/srv/app"), (1001, "/"),
                                       (1002, "/srv/last"), (77, "/")])
def test_home_is_that_of_the_containers_passwd(bundle, uid, home):
    bundle.write("/etc/passwd", PASSWD)
    bundle.process["user"] = {"uid": uid, "gid": uid}
    assert bundle.shell("echo $HOME").strip() == home


def test_home_is_that_of_a_passwd_that_is_mounted(bundle, outside):
    (outside / "passwd").write_text("root:x:0:0::/mounted:/bin/sh\n")
    bundle.write("/etc/passwd", PASSWD)
    bundle.mount("/etc/passwd", outside / "passwd")
    assert bundle.shell("echo $HOME").strip() == "/mounted"


def test_a_configured_home_is_kept_and_an_empty_one_is_not(bundle):
    bundle.write("/etc/passwd", PASSWD)
    bundle.process["env"].append("HOME=/mine")
    assert bundle.shell("echo $HOME").strip() == "/mine"
    bundle.process["env"][-1] = "HOME="
    assert bundle.shell("echo $HOME").strip() == "/root"


def test_variables_are_as_configured(bundle):
    bundle.process["env"] += ["A=1", "B=a=b c", "EMPTY=", "HOME=/"]
    assert bundle.run("env").stdout.splitlines() == bundle.process["env"]


def test_unlimited_is_the_largest_number(bundle):
    """What podman and docker write. jansson alone cannot read it."""
    unlimited = 18446744073709551615
    bundle.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": unlimited, "hard": unlimited},
                                 {"type": "RLIMIT_FSIZE", "soft": 9223372036854775808,
                                  "hard": unlimited}]
    lines = bundle.shell("exec cat /proc/self/limits").splitlines()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    assert limits["Max core file size"] == ["unlimited", "unlimited"]
    assert limits["Max file size"] == ["9223372036854775808", "unlimited"]


def test_limits_hold_for_a_user_in_a_user_namespace(bundle):
    bundle.add_user_namespace()
    bundle.process["rlimits"] = [{"type": "RLIMIT_NPROC", "soft": 50, "hard": 60}]
    assert ["Max", "processes", "50", "60", "processes"] in \
        [line.split() for line in bundle.shell("exec cat /proc/self/limits").splitlines()]


def descriptors(bundle, **options):
    return bundle.shell("exec ls -l /proc/self/fd", **options)


def test_descriptors_are_preserved_as_far_as_asked_for(bundle, outside):
    """SECURITY: one more would be a handle of the host's that nobody meant to give."""
    files = []
    for name in ("first", "second", "third"):
        (outside / name).write_text(name)
        files.append(os.open(outside / name, os.O_RDONLY))

    def arrange():
        for number, file in zip((13, 14, 15), files):
            os.dup2(file, number)
        for number, source in zip((3, 4, 5), (13, 14, 15)):
            os.dup2(source, number)

    script = "for i in 3 4 5; do cat <&$i 2>/dev/null || echo none; echo; done"
    output = bundle.shell(script, preexec_fn=arrange, close_fds=False,
                          options=["--preserve-fds=2"])
    assert output.split() == ["first", "second", "none"]
    output = bundle.shell(script, preexec_fn=arrange, close_fds=False)
    assert output.split() == ["none"] * 3
    for file in files:
        os.close(file)


def test_a_descriptor_of_the_runtime_is_none_of_those_that_are_preserved(bundle):
    """The caller promises ten and passes none: what has their numbers is ours."""
    listing = descriptors(bundle, options=["--preserve-fds=10"])
    numbers = {line.split()[-3] for line in listing.splitlines() if "->" in line}
    assert numbers <= {"0", "1", "2", "3"}, listing  # 3: the directory that ls reads
    assert "sandbox" not in listing and "socket" not in listing


def test_listening_sockets_are_announced(bundle):
    listener = socket.socket(socket.AF_UNIX)

    def arrange():
        os.dup2(listener.fileno(), 23)
        os.dup2(23, 3)

    bundle.process["env"] += ["LISTEN_PID=4711", "LISTEN_FDS=9"]
    output = bundle.shell("echo $LISTEN_FDS $LISTEN_PID; readlink /proc/self/fd/3",
                          preexec_fn=arrange, close_fds=False,
                          options=["--preserve-fds=1", "--listen-fds=1"])
    announced, link = output.splitlines()
    assert announced == "1 1"
    assert link.startswith("socket:")


LARGE = (4294967295, 4294967296, -1, 18446744073709551615)


@pytest.mark.parametrize("member", ["uid", "gid", "additionalGids"])
@pytest.mark.parametrize("number", LARGE)
def test_an_id_that_would_overflow_is_refused(bundle, member, number):
    """4294967296 would be root, 4294967295 "leave it as it is", which is root as well."""
    bundle.process["user"] = {member: [number] if member == "additionalGids" else number}
    result = bundle.run("true")
    assert result.status == 125
    assert f"process.user.{member}" in result.stderr


def with_capabilities_to_inherit():
    """As a careless caller has them: inheritable and ambient."""
    header = struct.pack("=Ii", 0x20080522, 0)
    data = ctypes.create_string_buffer(24)
    assert LIBC.syscall(125, header, data) == 0  # capget
    sets = list(struct.unpack("=6I", data.raw))
    sets[2], sets[5] = sets[1], sets[4]
    assert LIBC.syscall(126, header, struct.pack("=6I", *sets)) == 0  # capset
    for capability in range(10):
        assert LIBC.prctl(47, 2, capability, 0, 0) == 0  # PR_CAP_AMBIENT_RAISE
    os.setgroups([4, 27])


@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize("joins", [False, True])
def test_nothing_of_the_callers_rights_is_inherited(bundle, uid, joins):
    """CVE-2022-29162, CVE-2022-36109."""
    created = bundle.create("cat") if joins else None
    if joins:
        created.start()
    bundle.process["user"] = {"uid": uid, "gid": uid}
    result = bundle.run("cat", "/proc/self/status", preexec_fn=with_capabilities_to_inherit,
                        options=[f"--join={created.pid}"] if joins else [])
    fields = dict(line.split(":\t", 1) for line in result.stdout.splitlines() if ":\t" in line)
    assert int(fields["CapInh"], 16) == int(fields["CapAmb"], 16) == 0
    assert fields["Groups"].split() == []
    assert (int(fields["CapEff"], 16) == 0) == (uid != 0)
    if joins:
        assert created.wait().status == 0


def test_the_affinity_of_exec_is_not_for_the_first_process(bundle):
    bundle.process["execCPUAffinity"] = {"initial": "0", "final": "0"}
    allowed = pathlib.Path("/proc/self/status").read_text()
    line = next(line for line in allowed.splitlines() if line.startswith("Cpus_allowed_list"))
    assert line in bundle.shell("cat /proc/self/status").splitlines()


@pytest.mark.parametrize("affinity, expected", [({"initial": "0"}, "0"), ({"final": "1"}, "1"),
                                                ({"initial": "0", "final": "1"}, "1")])
def test_a_process_that_joins_has_its_affinity(bundle, affinity, expected):
    created = bundle.create("cat")
    created.start()
    bundle.process["execCPUAffinity"] = affinity
    result = bundle.run("sh", "-c", "grep Cpus_allowed_list /proc/self/status",
                        options=[f"--join={created.pid}"])
    if "final" not in affinity and not kernel.CPUSETS_KEEP_AFFINITY:
        expected = "0-1"
    assert result.stdout.split() == ["Cpus_allowed_list:", expected], result
    assert created.wait().status == 0


def test_an_affinity_to_no_cpu_is_named(bundle):
    created = bundle.create("cat")
    created.start()
    bundle.process["execCPUAffinity"] = {"final": "8000"}
    result = bundle.run("true", options=[f"--join={created.pid}"])
    assert result.stderr == ("invalid: process.execCPUAffinity.final: none of the CPUs '8000' may "
                             "be used\n")
    assert created.wait().status == 0


def test_resctrl_that_is_not_mounted_is_named(bundle):
    bundle.linux["intelRdt"] = {"closID": "guests", "memBwSchema": "MB:0=20"}
    result = bundle.run("true", options=["--id=rdt-test"])
    if os.path.exists("/sys/fs/resctrl/schemata"):
        assert "linux.intelRdt" in result.stderr or result.status == 0
    else:
        assert result.stderr == ("unsupported: linux.intelRdt: no resctrl is mounted at "
                                 "'/sys/fs/resctrl'\n")
