# SPDX-License-Identifier: Apache-2.0
"""What volumes mount, where neither detached mounts have clones nor a tmpfs can map ids."""

import subprocess

import pytest


@pytest.fixture
def memory(cay):
    cay.ok("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "memory")
    return "memory"


def test_two_places_in_a_container_are_the_same_memory(cay, image, memory, no_leaks):
    assert cay.ok("run", "--rm", "--userns", "host", "-v", f"{memory}:/a", "-v", f"{memory}:/b",
                  image, "sh", "-c", "echo hello > /a/file; cat /b/file") == "hello"


def test_containers_have_the_same_memory(cay, image, memory, no_leaks):
    cay.ok("run", "-d", "--name", "one", "--userns", "host", "-v", f"{memory}:/data:ro", image,
           "sleep", "1000")
    cay.ok("run", "--rm", "--userns", "host", "-v", f"{memory}:/data", image, "sh", "-c",
           "echo hello > /data/file")
    assert cay.ok("exec", "one", "cat", "/data/file") == "hello"
    cay.ok("rm", "-f", "one")


def test_what_cannot_map_ids_says_what_to_choose(cay, image, memory, no_leaks):
    result = cay("run", "--rm", "-v", f"{memory}:/data", image, "true")
    assert result.returncode == 125
    assert "mount '/data': 'memory' is on a file system whose ids cannot be mapped" in result.stderr
    assert "choose '--userns host'" in result.stderr


def test_a_part_of_an_image_and_two_places_of_it_have_ids_mapped(cay, image, tmp_path, no_leaks):
    with open(tmp_path / "disk", "wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", tmp_path / "disk"], check=True)
    cay.ok("volume", "create", "-o", "type=ext4", "-o", f"device={tmp_path}/disk", "disk")
    cay.ok("run", "--rm", "-v", "disk:/a", "-v", "disk:/b", image, "sh", "-c",
           "mkdir /a/part; echo hello > /b/part/file")
    assert cay.ok("run", "--rm", "--mount", "type=volume,src=disk,dst=/c,volume-subpath=part",
                  image, "stat", "-c", "%u %n", "/c/file") == "0 /c/file"


def test_a_network_file_system_is_asked_for_with_the_kernel_s_own_options(cay, image, no_leaks):
    cay.ok("volume", "create", "-o", "type=nfs", "-o", "device=:/srv", "-o",
           "o=addr=127.0.0.1,nfsvers=4,soft,timeo=1,retrans=1", "net")
    result = cay("run", "--rm", "-v", "net:/data", image, "true")  # nobody serves it
    assert result.returncode == 125 and "mount ':/srv': " in result.stderr
    result = cay("volume", "create", "-o", "type=nfs", "-o", "device=:/srv", "-o",
                 "o=addr=127.0.0.1,colour=red", "other")
    assert result.returncode == 1 and "colour" in result.stderr
