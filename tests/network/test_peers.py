# SPDX-License-Identifier: Apache-2.0
"""The means of this suite: a way that should pass and does not is found, and the reverse."""

import pytest

from harness.network_peers import TCP, UDP, Way, reach


@pytest.mark.parametrize("family", (4, 6))
def test_ways_are_judged_by_what_the_server_saw(world, world_peers, family):
    world_peers[0].serve_on(world.outside, "tcp:80", "udp:80")
    to, me = world.address("outside", family), world.address("one", family)
    for kind in TCP, UDP:
        assert reach([Way(world.one, to, 80, me, kind=kind),
                      Way(world.one, to, 81, None, kind=kind)]) == []
        (passes,) = reach([Way(world.one, to, 80, None, kind=kind)])
        assert "must not pass" in passes
        (refused,) = reach([Way(world.one, to, 81, me, kind=kind)])
        assert "must pass" in refused and "refused" in refused
        (other,) = reach([Way(world.two, to, 80, me, kind=kind)])
        assert f"came from {world.address('two', family)}, not {me}" in other


def test_what_is_dropped_is_no_answer(world, world_peers):
    world_peers[0].serve_on(world.outside, "tcp:80")
    world.router.run("nft", "add table inet t; add chain inet t c { type filter hook forward "
                     "priority 0; policy drop; }")
    assert reach([Way(world.one, world.address("outside"), 80, None)]) == []
