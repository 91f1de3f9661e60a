# SPDX-License-Identifier: Apache-2.0
"""
Pulls over connections that end, stall, lie and come too often; by several at once; by who is
killed. What has arrived is not asked for again, and each blob is fetched once.
"""

import re
import signal
import threading

import pytest

from harness import fault_proxy, image_archives, pulling, registry_images
from harness.pulling import pull_refused

KIB = 1 << 10
SIZE = 600 * KIB
BLOCK = 64 * KIB  # what has arrived is known in blocks, of whichever file system


@pytest.fixture(name="big")
def _big(proxy, repository):
    """An image with one layer of one file that does not get smaller: (name, layer's digest)."""
    image = registry_images.small(pulling.random_file(SIZE), packing="none")
    proxy.push(repository, "latest", image)
    return proxy.name(repository), image.layers[0]


def start_of(request):
    return int(re.match(r"bytes=(\d+)-", request.range or "bytes=0-").group(1))


def is_there(cay, name, tmp_path):
    return pulling.files_of(cay, name, tmp_path) == {"f": pulling.random_file(SIZE)}


def brought(requests):
    return sum(request.sent for request in requests if request.status in (200, 206))


# Connections

def test_a_cut_connection_is_made_again_and_only_the_rest_asked_for(cay, proxy, big, tmp_path):
    name, layer = big
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.cut(400 * KIB, reset=False), nth=1)
    cay.ok("pull", "--quiet", name)
    first, second = proxy.asked(f"/blobs/{layer.digest}")
    assert first.sent == 400 * KIB
    assert 0 < start_of(second) <= 400 * KIB and start_of(second) > 400 * KIB - 2 * BLOCK
    assert is_there(cay, name, tmp_path)


@pytest.mark.parametrize("what", ["manifests/latest", "blobs/"])
@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_what_may_work_the_next_time_is_tried_again(cay, proxy, big, what, status):
    name, _ = big
    more = {"Retry_After": "0"} if status == 429 else {}
    proxy.on(what, fault_proxy.error(status, "UNKNOWN", "not now", **more), nth=1)
    cay.ok("pull", "--quiet", name)
    assert len(proxy.asked(what)) > 1


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_ends_before_an_answer_is_made_again(cay, proxy, big, reset):
    name, layer = big
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.cut(None, reset), nth=1)
    cay.ok("pull", "--quiet", name)
    assert len(proxy.asked(f"/blobs/{layer.digest}")) == 2


def test_who_asks_in_vain_gives_up_and_names_the_host(cay, proxy, big):
    name, _ = big
    proxy.on("/blobs/", fault_proxy.error(503, "UNAVAILABLE", "never"))
    said = pull_refused(cay, name)
    assert "503" in said and proxy.host in said
    assert len(proxy.asked("/blobs/")) < 30


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_is_not_there_is_not_asked_for_again(cay, proxy, big, status):
    name, layer = big
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.error(status, "BLOB_UNKNOWN", "gone"))
    pull_refused(cay, name)
    assert len(proxy.asked(f"/blobs/{layer.digest}")) == 1


def test_a_registry_without_ranges_is_pulled_from(cay, proxy, big, tmp_path):
    name, layer = big
    proxy.on("/blobs/", fault_proxy.cut(400 * KIB, reset=False), nth=1)
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.cut(300 * KIB, reset=False), nth=1)
    proxy.on("/blobs/", fault_proxy.no_ranges)
    cay.ok("pull", "--quiet", name)
    assert is_there(cay, name, tmp_path)


def test_an_answer_that_is_longer_than_the_layer_is_not_taken(cay, proxy, big):
    name, layer = big
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.extended(b"more" * KIB))
    pull_refused(cay, name)
    proxy.forget()
    cay.ok("pull", "--quiet", name)


def test_a_range_that_was_not_asked_for_is_not_taken(cay, proxy, big, tmp_path):
    """The rest is asked for, and something from elsewhere in the blob is answered."""
    name, layer = big
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.cut(400 * KIB, reset=False), nth=1)
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.answer(
        206, layer.data[:1000], Content_Range=f"bytes 0-999/{len(layer.data)}"), nth=2)
    result = cay("pull", "--quiet", name)
    proxy.forget()
    assert result.returncode == 0 or cay.ok("pull", "--quiet", name)
    assert is_there(cay, name, tmp_path)


def test_bytes_that_were_damaged_on_the_way_are_fetched_anew(cay, proxy, big, tmp_path):
    name, layer = big
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.corrupt(300 * KIB), nth=1)
    result = cay("pull", "--quiet", name)
    assert result.returncode == 0 or layer.digest in result.stderr
    cay.ok("pull", "--quiet", name)
    assert is_there(cay, name, tmp_path)
    assert len(proxy.asked(f"/blobs/{layer.digest}")) == 2


# Mirrors

@pytest.mark.parametrize("action", [
    fault_proxy.error(500, "UNKNOWN", "not now"), fault_proxy.raw(b"garbage\r\n\r\n"),
    fault_proxy.cut(None)], ids=["500", "garbage", "cut"])
@pytest.mark.parametrize("what", ["/manifests/", "/blobs/"])
def test_what_a_mirror_does_not_give_comes_from_the_registry(cay, proxy, other_host, big, what,
                                                             action):
    name, _ = big
    env = pulling.settings(cay.state, **{proxy.host: {"mirrors": [other_host.url]}})
    other_host.on(what, action)
    cay.ok("pull", "--quiet", name, env=env)
    assert other_host.asked(what) and proxy.asked(what)


# Who is interrupted

def stop_in_the_middle(cay, proxy, big, number):
    """A pull that gets 400 KiB of the layer and then no more, ended by a signal; how it ended."""
    name, layer = big
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.cut(400 * KIB, reset=False), nth=1)
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.hold(None))
    process = cay.spawn("pull", "--quiet", name)
    # Asking for the rest shows that all before it is in the file.
    proxy.wait_for_request(f"/blobs/{layer.digest}", 2)
    process.send_signal(number)
    process.communicate()
    assert not cay.state.settle()
    return process.returncode


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_pull_after_one_that_was_ended_asks_for_the_rest_only(cay, proxy, big, number,
                                                                  tmp_path):
    name, layer = big
    before = pulling.visible(cay)
    assert stop_in_the_middle(cay, proxy, big, number) != 0
    assert pulling.visible(cay) == before
    proxy.forget()
    cay.ok("pull", "--quiet", name)
    requests = proxy.asked(f"/blobs/{layer.digest}")
    assert brought(requests) <= len(layer.data) - 400 * KIB + 2 * BLOCK
    assert all(start_of(request) > 0 for request in requests)
    assert is_there(cay, name, tmp_path)


def test_parts_that_turn_out_wrong_are_thrown_away_and_the_whole_fetched_once(cay, proxy, big,
                                                                              tmp_path):
    name, layer = big
    stop_in_the_middle(cay, proxy, big, signal.SIGKILL)
    (part,) = (cay.state.directory / "content" / "partial").iterdir()
    with open(part, "r+b") as file:
        file.seek(100 * KIB)
        file.write(b"wrong")
    proxy.forget()
    cay.ok("pull", "--quiet", name)
    assert is_there(cay, name, tmp_path)
    assert brought(proxy.asked(f"/blobs/{layer.digest}")) < 2 * len(layer.data)


def test_parts_of_what_nobody_pulls_any_more_are_collected(cay, proxy, big):
    stop_in_the_middle(cay, proxy, big, signal.SIGKILL)
    assert list((cay.state.directory / "content" / "partial").iterdir())
    cay.ok("image", "prune", "--force")
    assert not list((cay.state.directory / "content" / "partial").iterdir())


def test_a_registry_that_goes_away_is_told_at_once(cay, spawn, registry, repository):
    image = registry_images.small(pulling.random_file(SIZE), packing="none")
    registry.push(repository, "latest", image)
    with fault_proxy.serve(registry) as proxy:
        proxy.on(f"/blobs/{image.layers[0].digest}", fault_proxy.hold(None, after=1000))
        process = spawn("pull", "--quiet", proxy.name(repository))
        proxy.wait_for_request(f"/blobs/{image.layers[0].digest}")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and proxy.host in said.decode()


# Several at once

def test_two_pulls_of_one_image_fetch_each_blob_once(cay, spawn, proxy, big):
    name, layer = big
    event = threading.Event()
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.hold(event, after=100 * KIB))
    pulls = [spawn("pull", "--quiet", name)]
    proxy.wait_for_request(f"/blobs/{layer.digest}")
    pulls.append(spawn("pull", "--quiet", name))
    proxy.wait_for_request("/manifests/", 2, method="GET")
    event.set()
    for process in pulls:
        said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert len(proxy.asked(f"/blobs/{layer.digest}")) == 1
    assert len(pulling.visible(cay)) == 1


def test_two_images_with_a_layer_in_common_fetch_it_once(cay, spawn, proxy, repository, tmp_path):
    base = image_archives.tar({"base": pulling.random_file(SIZE)})
    images = [registry_images.image([base, image_archives.tar({"own": name})], packing="none")
              for name in (b"one", b"two")]
    event = threading.Event()
    shared = images[0].layers[0].digest
    proxy.on(f"/blobs/{shared}", fault_proxy.hold(event, after=100 * KIB))
    pulls = []
    for number, image in enumerate(images):
        proxy.push(repository, f"tag-{number}", image)
        pulls.append(spawn("pull", "--quiet", proxy.name(repository, f"tag-{number}")))
        proxy.wait_for_request(f"/blobs/{shared}" if number == 0
                               else f"/blobs/{image.layers[1].digest}")
    event.set()
    for process in pulls:
        said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert len(proxy.asked(f"/blobs/{shared}")) == 1
    for number, own in enumerate((b"one", b"two")):
        files = pulling.files_of(cay, proxy.name(repository, f"tag-{number}"), tmp_path)
        assert files["own"] == own and len(files["base"]) == SIZE


def test_the_second_pull_goes_on_where_the_first_was_killed(cay, spawn, proxy, big, tmp_path):
    """It was waiting for the first one's layer meanwhile."""
    name, layer = big
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.cut(400 * KIB, reset=False), nth=1)
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.hold(None), nth=2)
    first = spawn("pull", "--quiet", name)
    proxy.wait_for_request(f"/blobs/{layer.digest}", 2)
    second = spawn("pull", "--quiet", name)
    proxy.wait_for_request("/manifests/", 2)
    first.kill()
    said = second.communicate(timeout=60)
    assert second.returncode == 0, said
    assert start_of(proxy.asked(f"/blobs/{layer.digest}")[2]) > 0
    assert is_there(cay, name, tmp_path)


def test_a_collection_does_not_hurt_a_pull_that_goes_on(cay, spawn, proxy, big, tmp_path):
    name, layer = big
    event = threading.Event()
    proxy.on(f"/blobs/{layer.digest}", fault_proxy.hold(event, after=300 * KIB))
    process = spawn("pull", "--quiet", name)
    proxy.wait_for_request(f"/blobs/{layer.digest}")
    pruned = cay("image", "prune", "--all", "--force")
    event.set()
    said = process.communicate(timeout=60)
    assert (process.returncode, pruned.returncode) == (0, 0), (said, pruned)
    assert is_there(cay, name, tmp_path)


# What is here already

def test_what_is_here_is_not_fetched(cay, proxy, repository):
    base = image_archives.tar({"base": b"base"})
    one = registry_images.image([base])
    two = registry_images.image([base, image_archives.tar({"own": b"own"})])
    proxy.push(repository, "one", one)
    proxy.push(repository, "two", two)
    cay.ok("pull", "--quiet", proxy.name(repository, "one"))
    proxy.forget()
    cay.ok("pull", "--quiet", proxy.name(repository, "two"))
    assert not proxy.asked(one.layers[0].digest)
    proxy.forget()
    assert "up to date" in cay.ok("pull", proxy.name(repository, "two"))
    assert not proxy.asked("/blobs/")


def test_the_same_layer_packed_another_way_is_not_unpacked_twice(cay, proxy, repository):
    layers = [image_archives.tar({"f": pulling.random_file(SIZE)})]
    for packing in ("gzip", "zstd"):
        proxy.push(repository, packing, registry_images.image(layers, packing=packing))
    cay.ok("pull", "--quiet", proxy.name(repository, "gzip"))
    trees = sorted(path.name for path in (cay.state.directory / "layers").iterdir())
    cay.ok("pull", "--quiet", proxy.name(repository, "zstd"))
    assert sorted(path.name for path in (cay.state.directory / "layers").iterdir()) == trees


@pytest.mark.as_shipped
def test_an_image_of_120_layers_is_pulled(cay, registry, repository, tmp_path):
    image = registry_images.many_layers(120)
    registry.push(repository, "latest", image)
    cay.ok("pull", "--quiet", registry.name(repository))
    files = pulling.files_of(cay, registry.name(repository), tmp_path)
    assert len(files) == 121 and files["all"] == b"119" and files["f7"] == b"7"
