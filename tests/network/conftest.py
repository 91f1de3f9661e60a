# SPDX-License-Identifier: Apache-2.0
"""Every state here has the images "busybox:test" and "peer:test", see harness/network_peers.py."""

import contextlib

import pytest

from harness import images, network_peers
from harness.program import Cay, State


@pytest.fixture(scope="session")
def busybox_template(build, worker_directory):
    state = State(worker_directory / "peers")
    cay = Cay(build, state)
    images.make_busybox(cay)
    network_peers.make_image(cay)
    yield state
    state.remove()


@pytest.fixture
def peers(host, cay, image):
    """Containers on `host`: network_peers.Peers."""
    with contextlib.closing(network_peers.Peers(cay)) as peers:
        yield peers


@pytest.fixture
def world_peers(world):
    """Containers on `world.one` and on `world.two`."""
    with contextlib.closing(network_peers.Peers(world.one.cay)) as one:
        with contextlib.closing(network_peers.Peers(world.two.cay)) as two:
            yield one, two
