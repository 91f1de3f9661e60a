# SPDX-License-Identifier: Apache-2.0
"""cay-dns without any engine around it: harness/dns.py."""

import contextlib
import tempfile

import pytest

from harness import dns, hosts


@pytest.fixture
def host():
    """What cay-dns runs on."""
    with hosts.Host() as host:
        yield host


@pytest.fixture
def names(build, host, worker_directory):
    """cay-dns on `host`, which no container is known to yet."""
    with tempfile.TemporaryDirectory(dir=worker_directory) as directory:
        with contextlib.closing(dns.Names(build, host, directory)) as names:
            yield names


@pytest.fixture
def upstream(host):
    """Servers: upstream(ADDRESS, FUNCTION) is one at an address of the host's loopback."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(
            contextlib.closing(dns.Upstream(host, *arguments, **options)))


@pytest.fixture
def resolv_conf(host, tmp_path):
    """Write the host's /etc/resolv.conf, and again."""
    file = tmp_path / "resolv.conf"

    def write(*servers):
        is_new = not file.exists()
        file.write_text("".join(f"nameserver {server}\n" for server in servers), encoding="ascii")
        if is_new:
            host.run("mount", "--bind", file, "/etc/resolv.conf")
    return write
