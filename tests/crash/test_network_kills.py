# SPDX-License-Identifier: Apache-2.0
"""
Commands change containers and their networks, four at once, and any process of cay is killed in the
middle: the command, a supervisor, the server of names. After the next command addresses, links,
firewall and names are those of what runs, and what runs is reached.
"""

import random
import subprocess

from harness import dns, hosts, leaks, network_state
from harness.network_peers import IMAGE, PATH, Way, make_image, reach

ROUNDS = 12
SIDES, KILLS = 4, 3
NAMES = [f"c{number}" for number in range(8)]
NETWORKS = ("red", "blue")
PROGRAMS = ("cay", "cay-shim", "cay-dns")
FIRST_PORT = 20000


class Storm:
    """What is done to the containers, and what there must be afterwards."""

    def __init__(self, cay, host):
        self.cay, self.host = cay, host
        self.choice = random.Random(7)

    def run(self, name):
        return ["run", "-d", "--name", name, "--hostname", name, "--network",
                self.choice.choice(NETWORKS), "--restart",
                self.choice.choice(("no", "always")), "-p",
                f"{FIRST_PORT + NAMES.index(name)}:80", "--net-rate", "ingress=1gbit,egress=1gbit",
                IMAGE, PATH, "tcp:80"]

    def action(self, name):
        return self.choice.choice((
            self.run(name), self.run(name), ["rm", "-f", name], ["stop", "-t", "0", name],
            ["start", name], ["restart", "-t", "0", name], ["kill", name],
            ["network", "connect", self.choice.choice(NETWORKS), name],
            ["network", "disconnect", self.choice.choice(NETWORKS), name]))

    def fill(self):
        """All are there and run."""
        states = dict(line.split() for line in self.cay.ok(
            "ps", "-a", "--format", "{{.Names}} {{.State}}").splitlines())
        for name in NAMES:
            if name not in states:
                self.cay.ok(*self.run(name))
            elif states[name] not in ("running", "restarting"):
                self.cay.ok("start", name)

    def kill_one(self):
        victims = [pid for pid in self.host.processes() if leaks.program_name(pid) in PROGRAMS]
        if victims:
            leaks.kill(self.choice.choice(victims))

    def round(self):
        self.fill()
        commands = [self.cay.spawn(*self.action(name), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    for name in self.choice.sample(NAMES, SIDES)]
        for command in commands[:KILLS]:
            self.kill_one()
            command.wait(60)
        for command in commands[KILLS:]:
            command.wait(60)

    def running(self):
        """name -> pid"""
        names = self.cay.ok("ps", "--filter", "status=running", "--format", "{{.Names}}").split()
        found = [network_state.inspect(self.cay, name) for name in names]
        return {one["Name"].lstrip("/"): one["State"]["Pid"] for one in found
                if one["State"]["Running"] and one["NetworkSettings"]["Networks"]}

    def problems(self):
        running = self.running()
        ways = [Way(self.host, "127.0.0.1", FIRST_PORT + NAMES.index(name), "*", name)
                for name in running]
        return [*network_state.problems(self.host), *reach(ways, grace=0),
                *self.name_problems(running)]

    def name_problems(self, running):
        """Each knows itself, at the address that it has."""
        for name, pid in running.items():
            with hosts.of_process(pid) as place:
                told = dns.Asker(place).values(name)
                has = {address.partition("/")[0] for link in place.links() if link != "lo"
                       for address in place.addresses(link)}
                if not told or not set(told) <= has:
                    yield f"'{name}' is told to be at {told}, and is at {has}"


def test_after_any_kill_networks_are_those_of_what_runs(host, cay, image, build):
    make_image(cay, build)
    for network in NETWORKS:
        cay.ok("network", "create", network)
    storm, found = Storm(cay, host), []
    for number in range(ROUNDS):
        storm.round()
        found += [f"round {number}: {problem}" for problem in storm.problems()]
    assert not found, "\n".join(found)
    cay("rm", "-f", *NAMES)
    assert network_state.leases(host.state) == {} and network_state.targets(host) == []
    cay.ok("network", "rm", *NETWORKS)
