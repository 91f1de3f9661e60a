# SPDX-License-Identifier: Apache-2.0
"""Images and parts of them where a detached mount can neither be cloned nor mounted twice."""

import pytest


@pytest.mark.vm_core
def test_images_and_parts_of_them_are_mounted_at_each_run(cay, image):
    cay.ok("run", "--rm", "-v", "web:/data", image, "sh", "-c", "mkdir /data/sub; >/data/sub/file")
    cay.ok("run", "-d", "--name", "again", "--restart", "on-failure:1", "--mount",
           f"type=image,src={image},dst=/all", "--mount",
           f"type=image,src={image},dst=/part,image-subpath=etc", "--mount",
           f"type=image,src={image},dst=/file,image-subpath=etc/group", "--mount",
           "src=web,dst=/sub,volume-subpath=sub", image, "sh", "-c",
           "ls -d /all/bin /part/group /sub/file; head -n 1 /file; touch /part/made; exit 1")
    while cay.ok("wait", "again") and cay.ok(
            "inspect", "--format", "{{.State.Status}}", "again") != "exited":
        pass
    run = "/all/bin\n/part/group\n/sub/file\nroot:x:0:\n"
    result = cay("logs", "again")
    assert result.stdout == run + run, str(result)
    assert result.stderr.count("Read-only file system") == 2, str(result)


def test_a_volume_starts_with_what_the_image_has_there(cay, image):
    assert cay.ok("run", "--rm", "-v", "web:/etc", image, "cat", "/etc/group").startswith("root:")
    assert "group" in cay.ok("run", "--rm", "-v", "web:/data", image, "ls", "/data")
