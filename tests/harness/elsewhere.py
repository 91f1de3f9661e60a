# SPDX-License-Identifier: Apache-2.0
"""A network of its own with an address that is not the loopback's: a host somewhere else.

    with elsewhere.network() as network:
        with fault_proxy.serve(registry, listener=network.listen()) as proxy:
            cay("pull", proxy.name("one"), prefix=network.prefix)
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading

ADDRESS = "198.51.100.7"  # RFC 5737: nobody's
_CLONE_NEWNET = 0x40000000
_SCRIPT = f"ip link set lo up && ip addr add {ADDRESS}/32 dev lo && echo && exec cat"


class Network:
    """@pid holds it. Commands enter it with `prefix`."""

    def __init__(self, pid):
        self.path = f"/proc/{pid}/ns/net"
        self.address = ADDRESS
        self.prefix = ["nsenter", f"--net={self.path}"]

    def listen(self):
        """A socket that listens there, for servers that go on living here."""
        found = []

        def enter_and_listen():
            namespace = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            failed = ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET)
            os.close(namespace)
            if not failed:
                found.append(socket.create_server((ADDRESS, 0), backlog=128))

        thread = threading.Thread(target=enter_and_listen)
        thread.start()
        thread.join()
        return found[0]


@contextlib.contextmanager
def network():
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", _SCRIPT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"\n"
        yield Network(process.pid)
        process.stdin.close()
