# SPDX-License-Identifier: Apache-2.0
"""`--network cni:NAME`: Debian's plug-ins make the network, and nothing of it stays."""

import errno
import json
import os
import signal

import faults
import pytest

from harness import hosts, network_peers
from harness.cni import PASS_ON, Cni
from harness.network_peers import Way, reach

SUBNET = "10.88.0.0/24"
FIRST = "10.88.0.2"
STEPS = [*faults.FILES, *faults.LOCKS, *faults.SOCKETS, "vfork", "clone3", "setns", "exit_group"]


@pytest.fixture
def cni(host, state):
    return Cni(state)


def start(cay, image, *options):
    """The id of a container that stays."""
    return cay.ok("run", "-d", *options, image, "sleep", "1000")


def settings(cay, container):
    return json.loads(cay.ok("inspect", "--format", "{{json .NetworkSettings}}", container))


def test_a_chain_gives_addresses_ports_and_settings(host, cay, image, peers, cni):
    tuning = {"type": "tuning", "sysctl": {"net.ipv4.conf.eth0.log_martians": "1"}}
    cni.write("lan", [cni.bridge(SUBNET, "fd88::/64"), tuning,
                      {"type": "portmap", "capabilities": {"portMappings": True}}])
    web = peers.start("web", "--network", "cni:lan", "-p", "8080:80", ports=["tcp:80"])
    assert web.place.addresses("eth0") == {f"{FIRST}/24", "fd88::2/64"}
    assert web.place.links()["lo"]["operstate"] == "UNKNOWN"
    assert web.place.read("/proc/sys/net/ipv4/conf/eth0/log_martians") == "1\n"
    shown = settings(cay, "web")
    assert (shown["IPAddress"], shown["IPPrefixLen"], shown["Gateway"],
            shown["GlobalIPv6Address"]) == (FIRST, 24, "10.88.0.1", "fd88::2")
    assert shown["MacAddress"] == web.place.links()["eth0"]["address"]
    assert reach([Way(host, "10.88.0.1", 8080, "10.88.0.1", "web"),
                  Way(host, FIRST, 80, "10.88.0.1", "web"),
                  Way(host, "10.88.0.1", 8081, None)]) == []
    assert f"web  eth0  {FIRST}/24  fd88::2/64" in cay.ok("network", "graph")
    assert cay.ok("port", "web", "80").splitlines() == ["0.0.0.0:8080", "[::]:8080"]
    taken = cay("run", "--network", "cni:lan", "-p", "8080:80", image, "true")
    assert taken.returncode == 125 and "'web'" in taken.stderr
    peers.forget("web")
    cay.ok("rm", "-f", "web")
    assert cni.leases() == []
    assert "8080" not in host.run("iptables-save")


def test_names_and_servers_come_from_the_result(cay, image, cni):
    cni.write("lan", [cni.bridge(SUBNET), {"type": "own"}])
    servers = {"nameservers": ["10.88.0.53"], "search": ["lan.example"], "options": ["ndots:2"]}
    result = {"cniVersion": "1.0.0", "ips": [{"address": f"{FIRST}/24"}], "dns": servers}
    cni.script("own", f"[ $CNI_COMMAND = DEL ] || echo '{json.dumps(result)}'")
    output = cay.ok("run", "--rm", "--network", "cni:lan", "--hostname", "web", image, "cat",
                    "/etc/hosts", "/etc/resolv.conf")
    assert f"{FIRST}\tweb" in output
    assert "nameserver 10.88.0.53" in output and "search lan.example" in output
    assert "ndots:2" in output


@pytest.mark.parametrize("plugin", [
    {"type": "ptp"}, {"type": "macvlan", "master": "to-lan"}, {"type": "bridge", "bridge": "cni0"},
], ids=lambda plugin: plugin["type"])
def test_debian_s_plug_ins_make_a_link_and_take_it_away(host, cay, image, cni, plugin):
    host.ip("link add to-lan type veth peer name to-there", "link set to-lan up",
            "link set to-there up")
    cni.write("lan", [{**plugin, "ipam": cni.addresses(SUBNET)}], version="0.4.0")
    output = cay.ok("run", "--rm", "--network", "cni:lan", image, "ip", "address", "show", "eth0")
    assert f"inet {FIRST}/24" in output
    assert cni.leases() == []


def test_debian_s_plug_ins_are_asked_for_the_version_that_they_speak(cay, image, cni):
    cni.write("lan", [cni.bridge(SUBNET), {"type": "own"}], version="1.1.0",
              cniVersions=["0.4.0", "1.0.0"])
    cni.script("own", """
        case $CNI_COMMAND in
        VERSION) echo '{"supportedVersions": ["0.4.0", "1.0.0", "1.1.0"]}';;
        esac""" + "\n" + PASS_ON)
    output = cay.ok("run", "--rm", "--network", "cni:lan", image, "ip", "address", "show", "eth0")
    assert f"inet {FIRST}/24" in output
    assert cni.log() == ["VERSION own", "ADD own", "DEL own"] and cni.leases() == []


def test_an_address_is_asked_for_where_plug_ins_give_it(cay, image, cni):
    cni.write("lan", [cni.bridge(SUBNET, capabilities={"ips": True, "mac": True})])
    output = cay.ok("run", "--rm", "--network", "cni:lan", "--ip", "10.88.0.77", "--mac-address",
                    "02:00:00:00:00:77", image, "ip", "address", "show", "eth0")
    assert "inet 10.88.0.77/24" in output and "02:00:00:00:00:77" in output


@pytest.mark.parametrize("options, capability", [
    (("-p", "80:80"), "portMappings"), (("--ip", "10.88.0.9"), "ips"),
    (("--mac-address", "02:00:00:00:00:77"), "mac")])
def test_what_no_plug_in_does_is_refused(host, cay, image, cni, options, capability):
    cni.write("lan", [cni.bridge(SUBNET)])
    result = cay("run", "--rm", "--network", "cni:lan", *options, image, "true")
    assert result.returncode == 125
    assert f"none of its plug-ins has the capability '{capability}'" in result.stderr
    assert cni.leases() == []


def test_a_restart_runs_the_chain_again(host, cay, image, cni):
    cni.write("lan", [cni.bridge(SUBNET), {"type": "own"}])
    cni.script("own", PASS_ON)
    container = start(cay, image, "--network", "cni:lan", "--restart", "always")
    pid = cay.ok("inspect", "--format", "{{.State.Pid}}", container)
    events = cay.spawn("events", "--since", "1h", "--filter", "event=start", "--format",
                       "{{.ID}}")
    host.run("kill", "-9", pid)
    assert [events.stdout.readline().decode().strip() for _ in range(2)] == [container] * 2
    assert cni.log() == ["ADD own", "DEL own", "ADD own"]
    assert len(cni.leases()) == 1
    with hosts.of_process(int(cay.ok("inspect", "--format", "{{.State.Pid}}", container))) as place:
        assert place.addresses("eth0") == {f"{cni.leases()[0]}/24"}
    cay.ok("rm", "-f", container)
    assert cni.leases() == []


@pytest.mark.parametrize("script, words", [
    (None, "no CNI plug-in 'own' in '"),
    ("echo '{\"code\": 7, \"msg\": \"no more of it\"}'; exit 1", "failed with status 1: no more"),
    ("echo oh >&2; exit 3", "failed with status 3: oh"),
    ("echo garbage", "prints what is no JSON"),
    ("exec cat", "prints nothing"),
    ("kill -9 $$", "was killed by signal 9"),
], ids=["missing", "failing", "complaining", "garbage", "silent", "killed"])
def test_one_that_fails_in_the_middle_is_named_and_all_is_undone(host, cay, image, cni, script,
                                                                 words):
    cni.write("lan", [cni.bridge(SUBNET), {"type": "own"}, {"type": "portmap"}])
    if script:
        cni.script("own", f"[ $CNI_COMMAND = DEL ] || {{ {script} </dev/null; }}")
    result = cay("run", "--name", "web", "--network", "cni:lan", image, "true")
    assert result.returncode == 125
    assert words in result.stderr and "own" in result.stderr
    assert cni.leases() == []
    cay.ok("rm", "web")


def test_one_that_hangs_is_killed_and_undone(host, cay, image, state):
    cni = Cni(state, timeout=1)
    cni.write("lan", [cni.bridge(SUBNET), {"type": "own"}])
    cni.script("own", f"mkfifo {cni.base}/never\n[ $CNI_COMMAND = DEL ] || cat {cni.base}/never")
    result = cay("run", "--rm", "--network", "cni:lan", image, "true")
    assert result.returncode == 125
    assert "CNI plug-in 'own': ADD: has not ended within 1 s and was killed" in result.stderr
    assert cni.leases() == []


@pytest.mark.parametrize("command, words", [
    (("update", "--publish-add", "81:81"), "does not change the ports"),
    (("update", "--net-rate", "ingress=1mbit"), "no other options than ip, ip6"),
    (("network", "connect", "bridge"), "cannot be connected to networks beside 'cni:lan'")])
def test_what_its_network_does_not_change_is_refused(cay, image, cni, command, words):
    cni.write("lan", [cni.bridge(SUBNET)])
    start(cay, image, "--name", "web", "--network", "cni:lan")
    refused = cay(*command, "web")
    assert refused.returncode == 1 and words in refused.stderr


def test_one_that_cannot_be_undone_is_tried_again(cay, image, cni):
    cni.write("lan", [cni.bridge(SUBNET), {"type": "own"}])
    cni.script("own", f"[ $CNI_COMMAND = ADD ] || [ -e {cni.base}/ready ] || exit 1\n{PASS_ON}")
    start(cay, image, "--name", "web", "--network", "cni:lan")
    stopped = cay("stop", "-t", "0", "web")
    assert stopped.returncode == 0
    assert "CNI plug-in 'own': DEL: failed with status 1" in stopped.stderr
    (cni.base / "ready").touch()
    cay.ok("rm", "web")
    added, *deleted = cni.log()
    # whoever has stopped it tries, and whom its shim calls may, too, before it is removed
    assert added == "ADD own" and len(deleted) >= 2 and set(deleted) == {"DEL own"}
    assert cni.leases() == []


def test_a_configuration_that_changes_is_undone_as_it_was(host, cay, image, cni):
    cni.write("lan", [cni.bridge(SUBNET), {"type": "own"}])
    cni.script("own", PASS_ON)
    container = start(cay, image, "--network", "cni:lan")
    (cni.configurations / "lan.conflist").unlink()
    cay.ok("rm", "-f", container)
    assert cni.log() == ["ADD own", "DEL own"]
    assert cni.leases() == []


@pytest.mark.parametrize("step", ["ADD first", "ADD last", "DEL last", "DEL first"])
def test_a_command_that_is_killed_leaves_nothing_behind(host, cay, image, cni, step):
    """The plug-in kills who executes it, once."""
    command, name = step.split()
    cni.write("lan", [{"type": "first"}, cni.bridge(SUBNET), {"type": "last"}])
    empty = "echo '{\"cniVersion\": \"1.0.0\"}'"
    for each, otherwise in (("first", f"[ $CNI_COMMAND = DEL ] || {empty}"), ("last", PASS_ON)):
        cni.script(each, f"""
            if [ "$CNI_COMMAND {each}" = "{command} {name}" ] && mkdir {cni.base}/done 2>&-
            then kill -9 $PPID; exit 1; fi
            {otherwise}""")
    started = cay("run", "-d", "--name", "web", "--network", "cni:lan", image, "sleep", "1000")
    assert (started.returncode == 0) == (command == "DEL")
    cay("rm", "-f", "web")
    cay("rm", "-f", "web")
    assert (cni.base / "done").exists()
    assert cay.ok("ps", "-aq") == ""
    assert cni.leases() == []


def test_what_a_killed_command_has_left_running_makes_nothing_after_it_was_undone(cay, image, cni):
    """The plug-in's child waits for the test, as one that executes something waits for that."""
    fifo = cni.base / "fifo"
    os.mkfifo(fifo)
    cni.write("lan", [{"type": "own"}])
    cni.script("own", f"""
        [ $CNI_COMMAND = ADD ] || exit 0
        (read -r line <{fifo}; : >{cni.base}/late) &
        kill -9 $PPID
        wait""")
    assert cay("run", "--network", "cni:lan", image, "true").returncode == -signal.SIGKILL
    cay.state.settle()
    cay.ok("ps", "-aq")
    with pytest.raises(OSError) as refused:
        os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    assert refused.value.errno == errno.ENXIO
    assert cni.log() == ["ADD own", "DEL own"]


@pytest.mark.as_shipped
@pytest.mark.parametrize("command", [["start"], ["stop", "-t", "0"]], ids=lambda words: words[0])
def test_a_command_that_is_killed_at_any_step_loses_no_lease(cay, image, cni, command):
    """A lease is a file of the plug-in's: one for a container that runs, and none for others."""
    cni.write("lan", [{"type": "own"}])
    lease = f"{cni.data}/lan/$CNI_CONTAINERID"
    cni.script("own", f"""mkdir -p {cni.data}/lan
        case $CNI_COMMAND in
        ADD) set -C; : >{lease} && echo '{{"cniVersion": "1.0.0"}}';;
        DEL) rm -f {lease};;
        esac""")
    container = cay.ok("create", "--name", "web", "--network", "cni:lan", image, "sleep", "1000")
    before = ["stop", "-t", "0"] if command == ["start"] else ["start"]
    cay.ok("start", "web")
    cay.ok(*before, "web")
    found = list(faults.kills(cay, *command, "web", calls=STEPS))
    seen = set()
    for fault in found:
        cay.ok(*before, "web")
        fault.run()
        seen.add(state := cay.ok("ps", "-a", "--format", "{{.State}}"))
        if state == "exited":
            cay.state.settle()  # its shim may have been there still
            cay.ok("ps", "-aq")
        assert cni.leases() == ([container] if state == "running" else []), f"{fault}: {state}"
    cay.ok("rm", "-f", "web")
    assert cni.leases() == [] and len(seen) > 1


def test_what_others_than_root_can_change_is_not_executed(cay, image, cni):
    cni.write("lan", [cni.bridge(SUBNET), {"type": "own"}])
    cni.script("own", PASS_ON)
    changeable = {cni.scripts / "own": 0o775, cni.configurations / "lan.conflist": 0o646}
    for path, mode in changeable.items():
        kept = path.stat().st_mode
        path.chmod(mode)
        refused = cay("run", "--network", "cni:lan", image, "true")
        assert refused.returncode == 125 and f"{path.name}' can be changed by" in refused.stderr
        path.chmod(kept)
        os.chown(path, 1, -1)
        assert cay("run", "--network", "cni:lan", image, "true").returncode == 125
        os.chown(path, 0, -1)
    assert cni.leases() == [] and "ADD own" not in cni.log()
    cay.ok("run", "--rm", "--network", "cni:lan", image, "true")


def test_an_unknown_configuration_is_named_with_its_directory(cay, image, cni):
    (cni.configurations / "bad.conf").write_text("{", encoding="ascii")
    result = cay("run", "--rm", "--network", "cni:lan", image, "true")
    assert result.returncode == 125
    assert f"no CNI configuration 'lan' in '{cni.configurations}'" in result.stderr
    assert "'bad.conf'" in result.stderr
