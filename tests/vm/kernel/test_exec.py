# SPDX-License-Identifier: Apache-2.0
"""What only cgroup v2 does to processes that join."""

# As systemd would: all processes further down, and controllers for those below.
DIVIDE = """mkdir /sys/fs/cgroup/sub
echo 1 >/sys/fs/cgroup/sub/cgroup.procs
echo +pids >/sys/fs/cgroup/cgroup.subtree_control
echo up
exec cat"""


def test_a_container_that_has_divided_its_cgroup_can_be_joined(cay, image, spawn, no_leaks):
    process = spawn("run", "-i", "--privileged", "--name", "box", image, "sh", "-c", DIVIDE)
    assert process.stdout.readline() == b"up\n"
    assert cay.ok("exec", "box", "cat", "/proc/self/cgroup") == "0::/sub"
    process.stdin.close()
    assert process.wait() == 0
