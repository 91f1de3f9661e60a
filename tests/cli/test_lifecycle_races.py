# SPDX-License-Identifier: Apache-2.0
"""Two commands on one container at once: one wins, and the other says why or is just as right."""

import itertools

import pytest

ROUNDS = 8
STAYS = ("sleep", "100000")
IN_USE = "is in use by another command"
GONE = "no such container"
REMOVING = "is marked for removal"
RUNNING = "running"
NOT_RUNNING = "is not running"


@pytest.fixture
def cay(cay, release):
    """As shipped: only what is quick runs into each other."""
    return cay.on(release)


@pytest.fixture
def race(cay):
    """race((command, reasons to fail)...) -> exit statuses; the first is not always the first."""
    turns = itertools.count()

    def call(*contests):
        contests = [(list(command), reasons) for command, *reasons in contests]
        order = contests if next(turns) % 2 == 0 else contests[::-1]
        running = {id(command): cay.spawn(*command) for command, _ in order}
        statuses = []
        for command, reasons in contests:
            process = running[id(command)]
            _, stderr = process.communicate(timeout=60)
            told = stderr.decode()
            assert process.returncode == 0 or any(reason in told for reason in reasons), \
                f"{command}: {process.returncode}: {told}"
            assert len(told.splitlines()) <= 1, told
            statuses.append(process.returncode)
        return statuses

    return call


def state_of(cay, name="raced"):
    """Of the container, "" if there is none."""
    return cay.ok("ps", "-a", "--filter", f"name=^/{name}$", "--format", "{{.State}}")


def create(cay, image, name="raced"):
    cay.ok("create", "--network", "none", "--name", name, image, *STAYS)


def start(cay, image, name="raced", *options):
    cay.ok("run", "-d", "--network", "none", "--name", name, *options, image, *STAYS)


def remove(cay, *names):
    cay.ok("rm", "-f", *(names or ["raced"]))


def test_of_two_starts_one_starts_it(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        create(cay, image)
        statuses = race((["start", "raced"], IN_USE), (["start", "raced"], IN_USE))
        assert 0 in statuses and state_of(cay) == "running"
        assert len(cay.ok("top", "raced").splitlines()) == 2
        remove(cay)


def test_a_start_and_a_removal_leave_it_running_or_gone(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        create(cay, image)
        started, removed = race((["start", "raced"], IN_USE, GONE, REMOVING),
                                (["rm", "raced"], IN_USE, RUNNING))
        assert sorted([started, removed]) == [0, 1]
        assert state_of(cay) == ("running" if removed else "")
        if removed:
            remove(cay)


def test_a_start_and_a_removal_by_force_leave_it_gone_or_say_why(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        create(cay, image)
        _, removed = race((["start", "raced"], IN_USE, GONE, REMOVING, "ended"),
                          (["rm", "-f", "raced"], IN_USE))
        assert removed == 0 or state_of(cay) == "running"
        cay("rm", "-f", "raced")


def test_a_stop_and_a_removal_end_in_its_end(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        start(cay, image)
        stopped, removed = race((["stop", "-t", "0", "raced"],),
                                (["rm", "raced"], RUNNING, IN_USE))
        assert stopped == 0
        assert state_of(cay) == ("exited" if removed else "")
        if removed:
            remove(cay)


def test_a_stop_does_not_mind_a_removal_by_force(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        start(cay, image)
        _, removed = race((["stop", "-t", "0", "raced"], GONE), (["rm", "-f", "raced"], "\0"))
        assert removed == 0 and state_of(cay) == ""


def test_two_stops_both_hear_of_the_end(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        start(cay, image)
        assert race((["stop", "-t", "0", "raced"],), (["stop", "-t", "0", "raced"],)) == [0, 0]
        assert state_of(cay) == "exited"
        remove(cay)


def test_of_two_kills_one_may_come_too_late(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        start(cay, image)
        assert 0 in race((["kill", "raced"], NOT_RUNNING), (["kill", "raced"], NOT_RUNNING))
        assert cay.ok("wait", "raced") == "137"
        remove(cay)


def test_a_stop_ends_what_is_being_paused(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        start(cay, image)
        stopped, _ = race((["stop", "-t", "0", "raced"],), (["pause", "raced"], NOT_RUNNING))
        assert stopped == 0 and state_of(cay) == "exited"
        remove(cay)


def test_restarts_at_once_leave_it_running_once(cay, image, race, no_leaks):
    start(cay, image)
    for _ in range(ROUNDS):
        assert 0 in race((["restart", "-t", "0", "raced"], IN_USE),
                         (["restart", "-t", "0", "raced"], IN_USE))
        assert state_of(cay) == "running"
        assert len(cay.ok("top", "raced").splitlines()) == 2
    remove(cay)


def test_a_start_and_a_stop_leave_it_as_one_of_them_wants(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        create(cay, image)
        started, _ = race((["start", "raced"], IN_USE), (["stop", "-t", "0", "raced"], IN_USE))
        assert started == 0
        assert state_of(cay) in ("running", "exited")
        remove(cay)


def test_of_two_names_it_has_the_last_one(cay, image, race, no_leaks):
    create(cay, image, "first")
    for number in range(ROUNDS):
        # no hexadecimal numbers: a name that has gone would be looked for among the ids
        name = cay.ok("ps", "-a", "--format", "{{.Names}}")
        wanted = [f"left{number}", f"right{number}"]
        statuses = race((["rename", name, wanted[0]], GONE), (["rename", name, wanted[1]], GONE))
        assert sorted(statuses) == [0, 1]
        assert cay.ok("ps", "-a", "--format", "{{.Names}}") == wanted[statuses.index(0)]
    remove(cay, cay.ok("ps", "-aq"))


def test_of_two_containers_one_gets_the_name(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        create(cay, image, "one")
        start(cay, image, "two")
        statuses = race((["rename", "one", "raced"], "the container name 'raced' is in use"),
                        (["rename", "two", "raced"], "the container name 'raced' is in use"))
        assert sorted(statuses) == [0, 1]
        names = set(cay.ok("ps", "-a", "--format", "{{.Names}}").split())
        assert "raced" in names and len(names) == 2
        remove(cay, *names)


def test_an_update_does_not_keep_it_from_its_end(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        start(cay, image)
        stopped, updated = race((["stop", "-t", "0", "raced"],),
                                (["update", "--pids-limit", "77", "raced"], IN_USE))
        assert stopped == 0 and state_of(cay) == "exited"
        assert updated or cay.ok("inspect", "-f", "{{.HostConfig.PidsLimit}}", "raced") == "77"
        remove(cay)


def test_a_changed_policy_counts_or_comes_too_late(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        start(cay, image, "raced", "--restart", "always")
        race((["update", "--restart", "no", "raced"], IN_USE), (["kill", "raced"],))
        assert cay.ok("wait", "raced") == "137" # a kill by the user is the end, either way
        remove(cay)


def test_an_exec_runs_or_is_told_that_nothing_does(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        start(cay, image)
        stopped, executed = race((["stop", "-t", "0", "raced"],),
                                 (["exec", "raced", "true"], NOT_RUNNING, ""))
        assert stopped == 0 and state_of(cay) == "exited"
        assert executed in (0, 1, 126, 137)
        remove(cay)


def test_all_who_wait_hear_the_same(cay, image, no_leaks):
    start(cay, image)
    waiting = [cay.spawn("wait", "raced") for _ in range(8)]
    cay.ok("kill", "raced")
    assert {process.communicate(timeout=60) for process in waiting} == {(b"137\n", b"")}
    remove(cay)


def test_what_removes_itself_may_be_removed_and_stopped_meanwhile(cay, image, race, no_leaks):
    for _ in range(ROUNDS):
        start(cay, image, "raced", "--rm")
        race((["stop", "-t", "0", "raced"], GONE), (["rm", "-f", "raced"], GONE))
        assert state_of(cay) == ""
