# SPDX-License-Identifier: Apache-2.0
"""The table of nftables under a kernel that does not filter bridges unless it is told to, and that
answers transactions as kernels of its time do."""

import subprocess

import pytest

from harness import leaks


@pytest.mark.vm_core
@pytest.mark.parametrize("name", ("firewall", "firewall-traffic"))
def test_packets_go_where_they_should_and_nowhere_else(build, name):
    program = build / f"tests/unit/network/test-network-{name}"
    result = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False, timeout=leaks.SETTLE_LIMIT * 10)
    assert result.returncode == 0, result.stdout
