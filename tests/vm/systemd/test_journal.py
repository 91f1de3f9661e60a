# SPDX-License-Identifier: Apache-2.0
"""The log driver journald with a journal that is not played."""

import json
import subprocess


def test_the_journal_takes_what_a_container_writes(cay, image):
    result = cay("run", "--name", "box", "--log-driver", "journald", "--log-opt", "tag=the-tag",
                 image, "sh", "-c", "echo hello; echo wrong >&2")
    assert result.returncode == 0, str(result)
    subprocess.run(["journalctl", "--sync"], check=True)
    found = subprocess.run(["journalctl", "--output=json", "CONTAINER_NAME=box"], check=True,
                           capture_output=True, text=True).stdout
    entries = [json.loads(line) for line in found.splitlines()]
    assert {(e["MESSAGE"], e["PRIORITY"]) for e in entries} == {("hello", "6"), ("wrong", "3")}
    [container] = cay.state.containers()
    for entry in entries:
        assert entry["CONTAINER_ID_FULL"] == container
        assert entry["CONTAINER_ID"] == container[:12]
        assert entry["SYSLOG_IDENTIFIER"] == entry["CONTAINER_TAG"] == "the-tag"
        assert entry["IMAGE_NAME"] == image
