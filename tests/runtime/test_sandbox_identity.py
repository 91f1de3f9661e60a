# SPDX-License-Identifier: Apache-2.0
"""Who the program is and what it may do."""

import os
import pathlib

import pytest

from harness.bundle import CAPABILITIES

CAP_CHOWN, CAP_NET_RAW, CAP_NET_BIND_SERVICE = 1 << 0, 1 << 13, 1 << 10


def status(bundle, **options):
    text = bundle.shell("cat /proc/self/status", **options)
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_the_user_and_group_are_as_configured(bundle):
    bundle.process["user"] = {"uid": 1234, "gid": 5678, "additionalGids": [5, 6000000]}
    fields = status(bundle)
    assert fields["Uid"].split() == ["1234"] * 4
    assert fields["Gid"].split() == ["5678"] * 4
    assert fields["Groups"].split() == ["5", "6000000"]


def test_supplementary_groups_of_the_caller_are_dropped(bundle):
    fields = status(bundle, extra_groups=[4, 27])
    assert fields["Groups"].split() == []


@pytest.mark.parametrize("umask, mode", [(None, "644"), (0o077, "600"), (0o002, "664")])
def test_the_umask_is_as_configured_and_022_when_not(bundle, umask, mode):
    if umask is not None:
        bundle.process["user"]["umask"] = umask
    assert bundle.shell("touch /tmp/x; stat -c %a /tmp/x") == mode + "\n"


def capability_sets(bundle):
    fields = status(bundle)
    return {name: int(fields[name], 16)
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}


@pytest.mark.vm_core
def test_root_has_the_configured_capabilities_and_none_is_inheritable(bundle):
    sets = capability_sets(bundle)
    assert bin(sets["CapBnd"]).count("1") == len(CAPABILITIES)
    assert sets["CapPrm"] == sets["CapEff"] == sets["CapBnd"]
    assert sets["CapInh"] == sets["CapAmb"] == 0


def test_a_user_has_no_capabilities_but_what_setuid_programs_may_gain(bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    sets = capability_sets(bundle)
    assert sets["CapPrm"] == sets["CapEff"] == sets["CapInh"] == sets["CapAmb"] == 0
    assert bin(sets["CapBnd"]).count("1") == len(CAPABILITIES)


def test_ambient_capabilities_reach_a_user(bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    some = ["CAP_NET_BIND_SERVICE", "CAP_NET_RAW"]
    bundle.process["capabilities"] = dict.fromkeys(
        ("bounding", "effective", "permitted", "inheritable", "ambient"), some)
    sets = capability_sets(bundle)
    assert set(sets.values()) == {CAP_NET_RAW | CAP_NET_BIND_SERVICE}


def test_without_capabilities_in_the_configuration_there_are_none(bundle):
    del bundle.process["capabilities"]
    assert set(capability_sets(bundle).values()) == {0}


def test_no_new_privileges_is_set_only_when_asked_for(bundle):
    assert status(bundle)["NoNewPrivs"] == "0"
    bundle.process["noNewPrivileges"] = True
    assert status(bundle)["NoNewPrivs"] == "1"


SECCOMP = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
           "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO",
                         "errnoRet": 95}]}


@pytest.mark.parametrize("no_new_privileges", [False, True])
@pytest.mark.parametrize("uid", [0, 1000])
def test_the_filter_is_loaded_with_and_without_no_new_privileges(bundle, no_new_privileges, uid):
    bundle.process["user"] = {"uid": uid, "gid": uid}
    bundle.process["noNewPrivileges"] = no_new_privileges
    bundle.linux["seccomp"] = SECCOMP
    fields = status(bundle)
    assert (fields["Seccomp"], fields["Seccomp_filters"]) == ("2", "1")
    result = bundle.run("mkdir", "/tmp/x")
    assert "Operation not supported" in result.stderr


def test_with_no_new_privileges_the_filter_need_not_allow_the_set_up(bundle):
    """It comes last: groups and capabilities are set by then."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.process["noNewPrivileges"] = True
    bundle.linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["setgroups", "capset"], "action": "SCMP_ACT_KILL_PROCESS"}]}
    assert bundle.run("true").status == 0


@pytest.mark.vm_core
def test_limits_are_as_configured(bundle):
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                                 {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
    limits = bundle.shell("cat /proc/self/limits")
    assert ["Max", "open", "files", "100", "200", "files"] in [line.split() for line
                                                               in limits.splitlines()]
    assert bundle.shell("ulimit -c; ulimit -Hc") == "0\n0\n"


def test_a_limit_too_low_for_the_set_up_only_holds_for_the_program(bundle):
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 3, "hard": 3}]
    assert bundle.run("true").status == 0


def test_limits_and_oom_score_are_set_in_a_user_namespace_too(bundle):
    bundle.add_user_namespace()
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
    bundle.process["oomScoreAdj"] = 321
    assert bundle.shell("ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj").split() == \
        ["100", "200", "321"]


def test_a_hard_limit_that_may_not_be_raised_is_named(bundle):
    """Lowered by our parent, without CAP_SYS_RESOURCE, so that raising it is what is refused."""
    import resource
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 600, "hard": 600}]

    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))
        drop_sys_resource()

    result = bundle.run("true", preexec_fn=lower)
    assert result.status == 125
    assert result.stderr == ("denied: process.rlimits: raising the hard RLIMIT_NOFILE from 500 "
                             "to 600 takes CAP_SYS_RESOURCE\n")


def drop_sys_resource():
    """Out of the bounding set and so, with the next exec, out of all the others."""
    import ctypes
    assert ctypes.CDLL(None).prctl(24, 24, 0, 0, 0) == 0


def test_the_oom_score_is_as_configured(bundle):
    bundle.process["oomScoreAdj"] = 321
    assert bundle.shell("cat /proc/self/oom_score_adj") == "321\n"


def test_without_an_oom_score_the_callers_is_kept(bundle):
    own = pathlib.Path("/proc/self/oom_score_adj").read_text()
    assert bundle.shell("cat /proc/self/oom_score_adj") == own


def test_an_oom_score_that_may_not_be_lowered_is_named_unless_it_is_so_already(bundle):
    def raise_it():
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("500")
        drop_sys_resource()

    bundle.process["oomScoreAdj"] = -700
    result = bundle.run("true", preexec_fn=raise_it)
    assert result.status == 125
    assert result.stderr == ("denied: process.oomScoreAdj: lowering it to -700 takes "
                             "CAP_SYS_RESOURCE\n")
    bundle.process["oomScoreAdj"] = 500
    assert bundle.run("true", preexec_fn=raise_it).status == 0


def test_the_process_leads_a_session_of_its_own(bundle):
    bundle.remove_namespace("pid")
    fields = bundle.shell("exec cat /proc/self/stat").rpartition(")")[2].split()
    group, session = fields[2:4]
    assert group == session and int(session) != os.getsid(0)
