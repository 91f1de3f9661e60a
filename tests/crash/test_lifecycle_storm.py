# SPDX-License-Identifier: Apache-2.0
"""
200 containers, half of them killed at random, then the machine "reboots": every process is killed,
and what /run had is gone. What cay says afterwards is right, nothing is left, and what the restart
policies ask for runs again.
"""

import concurrent.futures
import json
import pathlib
import random
import shutil

from harness import debris, leaks

COUNT = 200
POLICIES = ("no", "always", "unless-stopped", "on-failure")
STAYS = ("sleep", "100000")
SIDES = 4


class Storm:
    """The containers by name, and what became of each."""

    def __init__(self, cay, image):
        self.cay, self.image = cay, image
        self.policies = {f"c{number}": POLICIES[number % len(POLICIES)] for number in range(COUNT)}
        self.stopped, self.shims_killed, self.programs_killed = set(), set(), set()
        self.choice = random.Random(4)

    def names(self):
        return list(self.policies)

    def start(self, name):
        self.cay.ok("run", "-d", "--network", "none", "--name", name, "--restart",
                    self.policies[name], self.image, *STAYS)

    def start_all(self):
        with concurrent.futures.ThreadPoolExecutor(SIDES) as pool:
            list(pool.map(self.start, self.policies))

    def stop_some(self):
        """As a user does: two of each policy, and more."""
        self.stopped = set(self.choice.sample(self.names(), COUNT // 10)) | set(self.names()[:8])
        self.cay.ok("stop", "-t", "0", *self.stopped)

    def kill_some(self):
        """Half of what runs: its shim, or its program."""
        programs = {entry["Name"].lstrip("/"): entry["State"]["Pid"]
                    for entry in json.loads(self.cay.ok("inspect", *self.policies))}
        left = sorted(set(self.policies) - self.stopped)
        doomed = self.choice.sample(left, len(left) // 2)
        self.shims_killed = set(doomed[::2])
        self.programs_killed = set(doomed[1::2])
        victims = {parent_of(programs[name]) for name in self.shims_killed}
        ending = victims | {parent_of(programs[name]) for name in self.programs_killed
                            if self.policies[name] == "no"}
        handles = [leaks.open_process(pid) for pid in ending]
        for pid in victims | {programs[name] for name in self.programs_killed}:
            leaks.kill(pid)
        leaks.wait_for_handles(handles)

    def states(self):
        rows = self.cay.ok("ps", "-a", "--format", "{{.Names}} {{.State}}").splitlines()
        assert len(rows) == COUNT
        return dict(row.split() for row in rows)

    def possible_states(self, name):
        if name in self.stopped | self.shims_killed:
            return {"exited"}
        if name in self.programs_killed:
            return {"exited"} if self.policies[name] == "no" else {"running", "restarting"}
        return {"running"}

    def wanted_after_boot(self):
        return {name for name, policy in self.policies.items() if policy == "always" or
                (policy != "no" and name not in self.stopped)}

    def reboot(self):
        self.cay.state.kill()
        shutil.rmtree(self.cay.state.runtime)
        self.cay.state.runtime.mkdir(mode=0o700)


def parent_of(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return int(text.rpartition(")")[2].split()[1])


def test_a_storm_and_a_reboot_lose_and_leave_nothing(cay, image, state, no_leaks):
    storm = Storm(cay, image)
    storm.start_all()
    storm.stop_some()
    storm.kill_some()
    assert [(name, found) for name, found in storm.states().items()
            if found not in storm.possible_states(name)] == []
    exited = [entry["State"] for entry in json.loads(cay.ok("inspect", *storm.shims_killed))]
    assert {(entry["ExitCode"], entry["Pid"]) for entry in exited} == {(137, 0)}

    storm.reboot()
    assert set(storm.states().values()) == {"exited"}
    assert state.settle() == []
    assert debris.cgroups_of(state.containers()) == []
    assert debris.runtime_containers(state) == set()
    assert debris.of_state(state) == []

    assert set(cay.ok("system", "boot").split()) == storm.wanted_after_boot()
    assert {name for name, found in storm.states().items() if found == "running"} == \
        storm.wanted_after_boot()
    assert cay.ok("system", "boot") == "" # once is enough

    cay.ok("rm", "-f", *storm.names())
    assert cay.ok("ps", "-aq") == "" and state.containers() == []
    cay.ok("run", "--rm", "--network", "none", "--name", "c0", image, "true")
    cay.ok("rmi", image)
    assert debris.of_store(state) == []
