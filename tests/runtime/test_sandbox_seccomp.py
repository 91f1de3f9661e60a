# SPDX-License-Identifier: Apache-2.0
"""Filters, and agents that answer for the kernel."""

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import struct
import threading

import pytest

IOCTL_RECV, IOCTL_SEND = 0xc0502100, 0xc0182101  # SECCOMP_IOCTL_NOTIF_RECV, _SEND
FLAG_CONTINUE = 1
STATE = {"ociVersion": "1.3.0", "id": "agent-test", "status": "created", "bundle": "/somewhere",
         "annotations": {"key": "value"}}
SYSCALLS = {"mkdir": 83, "write": 1, "sendmsg": 46, "close": 3, "execve": 59, "read": 0,
            "setgroups": 116, "capset": 126, "poll": 7, "getcwd": 79, "prctl": 157}


class Agent:
    """Listens at a path, takes one listener, and answers each call until the filter is gone."""

    def __init__(self, directory):
        self.path = directory / "agent.sock"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        self.socket.listen()
        self.message = None
        self.fds = []
        self.seen = []
        self.errno = 0  # what a notified mkdir fails with, 0: it is made
        self.enough = os.eventfd(0)  # nobody will come any more
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        if self.socket not in select.select([self.socket, self.enough], [], [])[0]:
            return
        connection, _ = self.socket.accept()
        with connection:
            data, self.fds, _, _ = socket.recv_fds(connection, 1 << 16, 4)
            assert not connection.recv(1), "the connection is to be closed after the message"
        self.message = json.loads(data)
        self._answer(self.fds[0])

    def _answer(self, fd):
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        while True:
            if not poll.poll()[0][1] & select.POLLIN:
                return  # the last process under the filter has ended
            call = bytearray(80)
            try:
                fcntl.ioctl(fd, IOCTL_RECV, call)
            except OSError:
                continue  # it was killed while it waited
            number, = struct.unpack_from("=i", call, 16)
            self.seen.append(number)
            error = -self.errno if number == SYSCALLS["mkdir"] else 0
            answer = bytearray(struct.pack("=QqiI", *struct.unpack_from("=Q", call), 0, error,
                                           0 if error else FLAG_CONTINUE))
            with contextlib.suppress(OSError):
                fcntl.ioctl(fd, IOCTL_SEND, answer)

    def end(self):
        os.eventfd_write(self.enough, 1)
        self.thread.join()
        self.socket.close()
        for fd in (*self.fds, self.enough):
            os.close(fd)
        self.fds = []


@pytest.fixture
def agent(outside):
    agent = Agent(outside)
    yield agent
    if agent.socket.fileno() >= 0:
        agent.end()


def profile(*rules, default="SCMP_ACT_ALLOW", **members):
    return {"defaultAction": default, "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [dict({"names": names, "action": action}, **more)
                         for names, action, more in rules], **members}


def notifying(agent, *names, **members):
    return profile((list(names), "SCMP_ACT_NOTIFY", {}), listenerPath=str(agent.path),
                   listenerMetadata="about me", **members)


OPTIONS = ["--state=" + json.dumps(STATE)]


@pytest.mark.parametrize("no_new_privileges", [False, True])
@pytest.mark.parametrize("uid", [0, 1000])
def test_an_agent_gets_the_listener_and_the_containers_state(bundle, agent, no_new_privileges, uid):
    bundle.process["user"] = {"uid": uid, "gid": uid}
    bundle.process["noNewPrivileges"] = no_new_privileges
    bundle.linux["seccomp"] = notifying(agent, "mkdir")
    agent.errno = 95
    created = bundle.create("mkdir", "/tmp/x", options=OPTIONS)
    result = created.finish()
    assert "Operation not supported" in result.stderr, result
    agent.thread.join()
    assert agent.message == {"ociVersion": "1.3.0", "fds": ["seccompFd"], "pid": created.pid,
                             "metadata": "about me", "state": dict(STATE, pid=created.pid)}
    assert len(agent.fds) == 1 and agent.seen == [SYSCALLS["mkdir"]]


def test_an_agent_is_told_by_whoever_starts_the_container(bundle, agent, outside):
    bundle.linux["seccomp"] = notifying(agent, "mkdir")
    agent.errno = 95
    result = bundle.run("mkdir", "/tmp/x", options=[f"--start-socket={outside}", *OPTIONS])
    assert "Operation not supported" in result.stderr, result
    agent.thread.join()
    assert agent.message["state"] == dict(STATE, pid=agent.message["pid"])


def test_an_agent_may_let_a_call_go_on(bundle, agent):
    bundle.linux["seccomp"] = notifying(agent, "mkdir")
    assert bundle.shell("mkdir /tmp/x; ls /tmp", options=OPTIONS) == "x\n"


@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_an_agent_that_is_asked_about_the_runtimes_own_calls_does_not_wait_for_itself(
        bundle, agent, no_new_privileges):
    """All that is called between the filter and the program, but write(2): it has the listener."""
    names = ["sendmsg", "close", "execve", "read", "setgroups", "setresuid", "setresgid", "capset",
             "capget", "poll", "ppoll", "getcwd", "prctl", "fchdir", "rt_sigaction", "recvmsg",
             "recvfrom", "exit_group", "openat2"]
    bundle.process["noNewPrivileges"] = no_new_privileges
    bundle.linux["seccomp"] = notifying(agent, *names)
    assert bundle.run("true", options=OPTIONS).status == 0
    agent.thread.join()
    assert SYSCALLS["execve"] in agent.seen
    assert (SYSCALLS["capset"] in agent.seen) == (not no_new_privileges)


def test_a_profile_that_notifies_write_is_refused(bundle, agent):
    """The agent gets its listener with the help of a write(2), and would wait for itself."""
    bundle.linux["seccomp"] = notifying(agent, "mkdir", "write")
    result = bundle.run("true", options=OPTIONS)
    assert result.status == 125
    assert "linux.seccomp.syscalls[0]: 'write' cannot be notified" in result.stderr
    bundle.linux["seccomp"] = profile(default="SCMP_ACT_NOTIFY", listenerPath=str(agent.path))
    assert "linux.seccomp.defaultAction: cannot be SCMP_ACT_NOTIFY" in bundle.run("true").stderr


def test_a_profile_that_notifies_nobody_is_refused(bundle, agent):
    bundle.linux["seccomp"] = profile((["mkdir"], "SCMP_ACT_NOTIFY", {}))
    assert "linux.seccomp.listenerPath: is required by SCMP_ACT_NOTIFY" in bundle.run("true").stderr
    bundle.linux["seccomp"] = notifying(agent, "mkdir")
    assert bundle.run("true").stderr == \
        "invalid: linux.seccomp.listenerPath: the container's state is not known here\n"


def test_an_agent_that_is_not_there_is_an_error_and_not_a_hang(bundle, agent, outside):
    agent.end()
    bundle.linux["seccomp"] = notifying(agent, "mkdir")
    result = bundle.run("true", options=OPTIONS)
    assert result.stderr == \
        f"unavailable: linux.seccomp.listenerPath: nobody listens at '{agent.path}'\n"
    bundle.linux["seccomp"]["listenerPath"] = str(outside / "nothing")
    assert "not-found: linux.seccomp.listenerPath: open" in bundle.run("true",
                                                                       options=OPTIONS).stderr


def test_a_long_path_to_the_agent_is_no_problem(bundle, outside):
    directory = outside / ("d" * 100) / ("e" * 100)
    directory.mkdir(parents=True)
    current = os.getcwd()
    os.chdir(directory)  # sun_path is short
    try:
        agent = Agent(type(directory)("."))
    finally:
        os.chdir(current)
    agent.path = directory / "agent.sock"
    bundle.linux["seccomp"] = notifying(agent, "mkdir")
    assert bundle.run("mkdir", "/tmp/x", options=OPTIONS).status == 0
    agent.end()
    assert agent.seen == [SYSCALLS["mkdir"]]


def test_a_process_that_joins_has_a_listener_of_its_own(bundle, agent):
    created = bundle.create("cat")
    created.start()
    bundle.linux["seccomp"] = notifying(agent, "mkdir")
    agent.errno = 95
    result = bundle.run("mkdir", "/tmp/x", options=[f"--join={created.pid}", *OPTIONS])
    assert "Operation not supported" in result.stderr
    agent.thread.join()
    assert agent.message["state"]["pid"] == created.pid != agent.message["pid"]
    assert created.wait().status == 0


@pytest.mark.parametrize("action, more, expected", [
    ("SCMP_ACT_ERRNO", {}, (1, "Operation not permitted")),
    ("SCMP_ACT_ERRNO", {"errnoRet": 28}, (1, "No space left on device")),
    ("SCMP_ACT_KILL", {}, (128 + signal.SIGSYS, "")),
    ("SCMP_ACT_KILL_THREAD", {}, (128 + signal.SIGSYS, "")),
    ("SCMP_ACT_KILL_PROCESS", {}, (128 + signal.SIGSYS, "")),
    ("SCMP_ACT_TRACE", {}, (1, "Function not implemented")),  # nobody traces
    ("SCMP_ACT_ALLOW", {}, (0, "")),
    ("SCMP_ACT_LOG", {}, (0, "")),
])
def test_each_action_has_its_effect(bundle, action, more, expected):
    bundle.remove_namespace("pid")  # the first process of one is not killed by its own signals
    bundle.linux["seccomp"] = profile((["mkdir"], action, more))
    result = bundle.run("mkdir", "/tmp/x")
    assert result.status == expected[0], result
    assert expected[1] in result.stderr


def test_a_trap_is_a_signal_to_the_program(host_tools):
    host_tools.linux["seccomp"] = profile((["mkdir"], "SCMP_ACT_TRAP", {}))
    assert host_tools.python("""
        import signal
        signal.signal(signal.SIGSYS, lambda number, frame: print("trapped", number))
        try:
            os.mkdir("/tmp/x")
        except OSError:
            pass
    """) == f"trapped {int(signal.SIGSYS)}\n"


@pytest.mark.parametrize("default, more", [("SCMP_ACT_ALLOW", {"errnoRet": 5}),
                                           ("SCMP_ACT_KILL", {"errnoRet": 5})])
def test_an_errno_for_an_action_that_has_none_is_refused(bundle, default, more):
    """The specification: print an error and fail."""
    bundle.linux["seccomp"] = profile((["mkdir"], default, more), default="SCMP_ACT_LOG")
    assert f"linux.seccomp.syscalls[0].errnoRet: is of no use with {default}" in \
        bundle.run("true").stderr
    bundle.linux["seccomp"] = profile(default=default, defaultErrnoRet=5)
    assert "linux.seccomp.defaultErrnoRet: is of no use" in bundle.run("true").stderr


@pytest.mark.parametrize("op, value, value_two, refused", [
    ("SCMP_CMP_NE", 7, 0, [6, 8]), ("SCMP_CMP_LT", 7, 0, [5, 6]), ("SCMP_CMP_LE", 7, 0, [5, 6, 7]),
    ("SCMP_CMP_EQ", 7, 0, [7]), ("SCMP_CMP_GE", 7, 0, [7, 8]), ("SCMP_CMP_GT", 7, 0, [8]),
    ("SCMP_CMP_MASKED_EQ", 1, 1, [5, 7]),
    ("SCMP_CMP_MASKED_EQ", 18446744073709551615, 6, [6]),
    ("SCMP_CMP_GT", 9223372036854775808, 0, [18446744073709551615]),
])
def test_each_comparison_means_what_it_says(host_tools, op, value, value_two, refused):
    """On the second argument of lseek(2), which has 64 bits."""
    numbers = sorted({5, 6, 7, 8} | set(refused))
    host_tools.linux["seccomp"] = profile(
        (["lseek"], "SCMP_ACT_ERRNO",
         {"errnoRet": 95, "args": [{"index": 1, "value": value, "valueTwo": value_two, "op": op}]}))
    expected = [number for number in numbers if number in refused or
                (op == "SCMP_CMP_NE" and number != 7)]
    assert host_tools.python(f"""
        refused = []
        for number in {numbers}:
            libc.syscall(8, -1, ctypes.c_ulong(number), 0)
            if ctypes.get_errno() == 95:
                refused.append(number)
        print(refused)
    """) == f"{expected}\n"


@pytest.mark.parametrize("flag", ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                                  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                                  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
@pytest.mark.parametrize("notifies", [False, True])
def test_each_flag_works_with_and_without_an_agent(bundle, agent, flag, notifies):
    rule = (["mkdir"], "SCMP_ACT_NOTIFY" if notifies else "SCMP_ACT_ERRNO",
            {} if notifies else {"errnoRet": 95})
    bundle.linux["seccomp"] = profile(rule, flags=[flag])
    if notifies:
        bundle.linux["seccomp"]["listenerPath"] = str(agent.path)
        agent.errno = 95
    result = bundle.run("mkdir", "/tmp/x", options=OPTIONS)
    assert "Operation not supported" in result.stderr, result


def test_a_call_that_libseccomp_does_not_know_is_skipped(bundle):
    bundle.linux["seccomp"] = profile(
        (["of_the_future", "mkdir"], "SCMP_ACT_ERRNO", {"errnoRet": 95}))
    assert "Operation not supported" in bundle.run("mkdir", "/tmp/x").stderr


@pytest.mark.parametrize("no_new_privileges, capabilities, status", [
    (True, [], 0), (False, ["CAP_SYS_ADMIN"], 0), (False, [], 128 + signal.SIGSYS)])
def test_a_filter_that_may_come_last_need_allow_nothing_but_the_program(
        bundle, no_new_privileges, capabilities, status):
    """With no_new_privs, or with CAP_SYS_ADMIN: of our own calls only execve(2) follows it."""
    own = ["setgroups", "setresgid", "setresuid", "capset", "capget", "getcwd", "poll", "ppoll",
           "fchdir", "umask", "keyctl", "personality"]
    bundle.remove_namespace("pid")
    bundle.process["noNewPrivileges"] = no_new_privileges
    for names in bundle.process["capabilities"].values():
        names += capabilities
    bundle.linux["seccomp"] = profile((own, "SCMP_ACT_KILL_PROCESS", {}))
    assert bundle.run("true").status == status
