# SPDX-License-Identifier: Apache-2.0
"""Bundles, and terminals in which their containers run."""

import pytest

from harness.terminal import Terminal

from . import bundles


@pytest.fixture(scope="session")
def rootfs(worker_directory):
    return bundles.make_rootfs(worker_directory / "supervisor-rootfs")


@pytest.fixture
def bundle(state, rootfs, build, numbers):
    bundle = bundles.Bundle(state, f"bundle-{next(numbers)}", rootfs, build)
    yield bundle
    bundle.close()


@pytest.fixture
def terminal_run(bundle, state):
    """terminal_run(*options, rows=, columns=) -> Terminal in which shim-run runs."""
    terminals = []

    def run(*options, rows=24, columns=80):
        terminals.append(Terminal(bundle.command(*options), state.environment(), rows, columns))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.close()
