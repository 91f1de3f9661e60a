# SPDX-License-Identifier: Apache-2.0
"""`cay pull`: what it says and what is there afterwards; what is shared, resumed and left out."""

import io
import json
import os
import shutil
import subprocess
import tarfile
import threading

import pytest

from harness import fault_proxy, images, pulling, registry_images
from harness.image_archives import tar


def short(digest):
    return digest.removeprefix("sha256:")[:12]


@pytest.fixture
def push(registry, repository):
    """push(document, tag="latest") -> the document, which is in `repository` then."""
    def call(document, tag="latest"):
        registry.push(repository, tag, document)
        return document
    return call


@pytest.fixture
def name(registry, repository):
    return registry.name(repository)


@pytest.fixture
def through(proxy, repository):
    """The same repository through the proxy, which writes down what is asked."""
    return proxy.name(repository)


def inspected(cay, name):
    return json.loads(cay.ok("image", "inspect", name))[0]


@pytest.mark.parametrize("family", ["oci", "docker"])
@pytest.mark.parametrize("packing", ["gzip", "zstd", "none"])
def test_an_image_is_here_as_it_was_pushed(cay, push, name, tmp_path, family, packing):
    pushed = push(registry_images.many_layers(3, packing=packing, family=family))
    assert cay.ok("pull", "-q", name) == f"{name}:latest"
    assert inspected(cay, name)["Id"] == pushed.id
    assert pulling.files_of(cay, name, tmp_path) == {
        "f0": b"0", "f1": b"1", "f2": b"2", "all": b"2"}


def test_a_pull_says_what_docker_says(cay, push, name, repository):
    pushed = push(registry_images.many_layers(2))
    result = cay("pull", name)
    assert (result.returncode, result.stderr) == (0, ""), str(result)
    lines = result.stdout.splitlines()
    ids = [short(layer.digest) for layer in pushed.layers]
    assert lines[:4] == ["Using default tag: latest", f"latest: Pulling from {repository}",
                         f"{ids[0]}: Pulling fs layer", f"{ids[1]}: Pulling fs layer"]
    assert lines[-3:] == [f"Digest: {pushed.digest}",
                          f"Status: Downloaded newer image for {name}:latest", f"{name}:latest"]
    for layer in ids:
        assert [line.partition(": ")[2] for line in lines if line.startswith(layer)] == [
            "Pulling fs layer", "Verifying Checksum", "Download complete", "Pull complete"]
    complete = [line for line in lines if line.endswith("Pull complete")]
    assert complete == [f"{layer}: Pull complete" for layer in ids]


def test_a_second_pull_asks_for_one_document_and_changes_nothing(cay, push, proxy, through,
                                                                  repository):
    pushed = push(registry_images.many_layers(2))
    cay.ok("pull", through)
    proxy.forget()
    result = cay.ok("pull", through).splitlines()
    assert result[-2] == f"Status: Image is up to date for {through}:latest"
    assert result[1:3] == [f"latest: Pulling from {repository}", f"Digest: {pushed.digest}"]
    assert [request.path.rpartition("/")[2] for request in proxy.asked("")
            if request.path != "/v2/"] == ["latest"]


def test_layers_that_are_here_are_not_fetched_again(cay, push, proxy, through, repository):
    base = push(registry_images.many_layers(2), "base")
    more = push(registry_images.image([*(tar({f"f{i}": b"%d" % i, "all": b"%d" % i})
                                         for i in range(2)), tar({"more": b"more"})]), "more")
    cay.ok("pull", f"{through}:base")
    proxy.forget()
    lines = cay.ok("pull", f"{through}:more").splitlines()
    assert [f"{short(layer.digest)}: Already exists" in lines for layer in more.layers] == [
        True, True, False]
    blobs = {request.path.rpartition("/")[2] for request in proxy.asked("/blobs/")}
    assert blobs == {more.blobs[0].digest, more.layers[2].digest}
    assert base.layers[0].digest == more.layers[0].digest


def test_a_layer_that_is_here_packed_otherwise_brings_its_blob_only(cay, push, name, tmp_path):
    layer = tar({"f": b"content"})
    push(registry_images.image([layer], packing="gzip", author="one"), "gzip")
    other = push(registry_images.image([layer], packing="zstd", author="two"), "zstd")
    cay.ok("pull", f"{name}:gzip")
    cay.ok("pull", f"{name}:zstd")
    assert len(list((cay.state.directory / "layers").iterdir())) == 1
    blob = other.layers[0].digest.removeprefix("sha256:")
    stored = cay.state.directory / "content" / "blobs" / "sha256" / blob
    assert stored.read_bytes() == other.layers[0].data
    assert pulling.files_of(cay, f"{name}:zstd", tmp_path) == {"f": b"content"}


def test_a_layer_that_occurs_twice_is_fetched_once(cay, push, proxy, through, tmp_path):
    same = tar({"same": b"same"})
    pushed = push(registry_images.image([same, tar({"other": b"other"}), same]))
    cay.ok("pull", through)
    assert len(proxy.asked(pushed.layers[0].digest)) == 1
    assert pulling.files_of(cay, through, tmp_path) == {"same": b"same", "other": b"other"}


def test_a_tag_that_moves_leaves_the_old_image_without_a_name(cay, push, name):
    old = push(registry_images.small(b"old"))
    cay.ok("pull", name)
    new = push(registry_images.small(b"new"))
    assert "Status: Downloaded newer image" in cay.ok("pull", name)
    assert inspected(cay, name)["Id"] == new.id
    assert inspected(cay, old.id)["RepoTags"] == []
    assert inspected(cay, old.id)["RepoDigests"] == [f"{name}@{old.digest}"]


def test_an_old_image_is_pruned_and_a_tagged_one_is_not(cay, push, name):
    old = push(registry_images.small(b"old"))
    cay.ok("pull", name)
    new = push(registry_images.small(b"new"))
    cay.ok("pull", name)
    listed = ("images", "-q", "--no-trunc", "--filter")
    assert cay.ok(*listed, "dangling=true") == old.id
    assert sorted(cay.ok(*listed, "dangling=false").split()) == sorted([old.id, new.id])
    lines = cay.ok("image", "prune", "--force").splitlines()
    assert lines[:3] == ["Deleted Images:", f"untagged: {name}@{old.digest}", f"deleted: {old.id}"]
    assert cay.ok("images", "-q", "--no-trunc") == new.id


def test_pulls_that_want_the_same_in_another_order_do_not_wait_for_each_other(cay, registry, proxy,
                                                                              repository):
    shared = [tar({"a": b"a"}), tar({"b": b"b"})]
    own = [[tar({f"{side}{number}": b"x"}) for number in range(3)] for side in ("p", "q")]
    documents = [registry_images.image([shared[0], *own[0], shared[1]]),
                 registry_images.image([shared[1], *own[1], shared[0]])]
    begun = threading.Event()
    for tag, document in zip("pq", documents, strict=True):
        registry.push(repository, tag, document)
        for layer in document.layers[:4]:
            proxy.on(layer.digest, fault_proxy.hold(begun))
    pulls = [cay.spawn("pull", proxy.name(repository, tag)) for tag in "pq"]
    for document in documents: # each has as much as it may, and wants one of the other's
        for layer in document.layers[:4]:
            proxy.wait_for_request(layer.digest)
    begun.set()
    proxy.changed()
    for pull in pulls:
        _, errors = pull.communicate(timeout=60)
        assert (pull.returncode, errors) == (0, b"")
    for layer in (*documents[0].layers, *documents[1].layers):
        assert len(proxy.asked(layer.digest)) == 1


def test_the_image_for_the_platform_is_chosen_from_an_index(cay, push, name):
    children = {architecture: registry_images.small(architecture.encode(),
                                                    architecture=architecture)
                for architecture in ("s390x", "amd64", "arm64")}
    index = push(registry_images.index(*((child, registry_images.platform(architecture))
                                         for architecture, child in children.items())))
    cay.ok("pull", "--platform", "linux/arm64", name)
    assert inspected(cay, name)["Id"] == children["arm64"].id
    cay.ok("pull", "--platform", "linux/amd64", name)
    found = inspected(cay, name)
    assert found["Id"] == children["amd64"].id and found["Architecture"] == "amd64"
    assert found["RepoDigests"] == [f"{name}@{index.digest}"]
    assert inspected(cay, f"{name}@{index.digest}")["Id"] == children["amd64"].id
    assert pulling.pull_refused(cay, name, "--platform", "linux/riscv64").endswith(
        "there are: linux/s390x, linux/amd64, linux/arm64")


def test_a_nested_index_is_followed(cay, push, name):
    child = registry_images.small()
    inner = registry_images.index((child, registry_images.platform()))
    outer = push(registry_images.index(inner))
    cay.ok("pull", name)
    assert inspected(cay, name)["Id"] == child.id
    assert inspected(cay, name)["RepoDigests"] == [f"{name}@{outer.digest}"]


def test_an_image_for_one_other_platform_is_refused_when_one_is_asked_for(cay, push, name):
    push(registry_images.small(architecture="arm64"))
    assert "there are: linux/arm64" in pulling.pull_refused(cay, name, "--platform", "linux/386")
    cay.ok("pull", name)


def test_an_artifact_is_no_image(cay, push, name):
    push(registry_images.artifact())
    assert "no image, but an artifact" in pulling.pull_refused(cay, name)


def test_all_tags_are_pulled(cay, push, name):
    for tag in ("1", "2"):
        push(registry_images.small(tag.encode()), tag)
    lines = cay.ok("pull", "--all-tags", name).splitlines()
    assert lines[-1] == name and "Using default tag: latest" not in lines
    assert sorted(cay.ok("images", "--format", "{{.Tag}}", name).split()) == ["1", "2"]


def test_a_pull_by_digest_gives_a_digest_and_no_tag(cay, push, name):
    pushed = push(registry_images.small())
    by_digest = f"{name}@{pushed.digest}"
    lines = cay.ok("pull", by_digest).splitlines()
    assert lines[0].startswith(f"{by_digest}: Pulling from")
    assert lines[-2:] == [f"Status: Downloaded newer image for {by_digest}", by_digest]
    assert cay.ok("images", "--format", "{{.Repository}} {{.Tag}}") == f"{name} <none>"
    assert cay.ok("rmi", by_digest).splitlines()[0] == f"Untagged: {by_digest}"
    assert cay.ok("images", "-q") == ""


def test_the_digest_goes_with_the_last_tag_of_its_repository(cay, push, name):
    pushed = push(registry_images.small())
    cay.ok("pull", name)
    assert cay.ok("rmi", name).splitlines()[:2] == [f"Untagged: {name}:latest",
                                                    f"Untagged: {name}@{pushed.digest}"]
    assert cay.ok("images", "-q") == ""


def test_a_pull_is_an_event(cay, push, name):
    push(registry_images.small())
    cay.ok("pull", name)
    event = json.loads(cay.ok("events", "--until", "0s", "--since", "1h", "--filter", "event=pull",
                              "--format", "json"))
    assert event["Actor"]["ID"] == f"{name}:latest"
    assert event["Actor"]["Attributes"]["name"] == name


@pytest.mark.parametrize("arguments, reason", [
    (["-a", "x:1"], "tag can't be used with --all-tags/-a"),
    (["--disable-content-trust=false", "x"], "is not supported"),
    (["--platform", "a/b/c/d", "x"], "invalid platform"),
    (["X"], "must be lowercase"),
])
def test_a_wrong_command_line_is_refused_before_anybody_is_asked(cay, arguments, reason):
    result = cay("pull", *arguments)
    assert result.returncode == 1 or result.returncode == 125, str(result)
    assert reason in result.stderr


def test_what_is_not_there_is_said(cay, push, name):
    push(registry_images.small())
    assert f"manifest for '{name}:nosuch' not found" in pulling.pull_refused(cay, f"{name}:nosuch")


def test_a_pull_that_was_cut_goes_on_where_it_ended(cay, push, proxy, through, tmp_path):
    content = pulling.random_file(4 << 20)
    pushed = push(registry_images.small(content, packing="none"))
    blob = pushed.layers[0].digest
    proxy.on(blob, fault_proxy.cut(1 << 20, reset=False), nth=1)
    proxy.on(blob, fault_proxy.error(404, "BLOB_UNKNOWN", "gone"))
    partial = cay.state.directory / "content" / "partial" / blob.removeprefix("sha256:")
    pulling.pull_refused(cay, through)
    assert partial.stat().st_blocks
    proxy.forget()
    cay.ok("pull", through)
    assert sum(request.sent for request in proxy.asked(blob)) < len(pushed.layers[0].data)
    assert pulling.files_of(cay, through, tmp_path) == {"f": content}
    assert not list(partial.parent.iterdir())


def test_parts_that_are_damaged_are_fetched_anew(cay, push, name, tmp_path):
    content = pulling.random_file(1 << 20)
    pushed = push(registry_images.small(content, packing="none"))
    cay.ok("images")
    partial = cay.state.directory / "content" / "partial"
    partial.mkdir(parents=True)
    (partial / pushed.layers[0].digest.removeprefix("sha256:")).write_bytes(bytes(300_000))
    cay.ok("pull", name)
    assert pulling.files_of(cay, name, tmp_path) == {"f": content}


def test_what_is_damaged_in_the_store_is_fetched_anew(cay, push, proxy, through, tmp_path):
    pushed = push(registry_images.many_layers(3))
    cay.ok("pull", through)
    content = cay.state.directory / "content" / "blobs" / "sha256"
    for layer in pushed.layers:
        blob = content / layer.digest.removeprefix("sha256:")
        blob.write_bytes(bytes(len(layer.data)))
    layers = cay.state.directory / "layers"
    shutil.rmtree(layers)
    layers.mkdir(mode=0o700)
    proxy.forget()
    cay.ok("pull", through)
    assert [len(proxy.asked(layer.digest)) for layer in pushed.layers] == [1, 1, 1]
    assert pulling.files_of(cay, through, tmp_path) == {
        "f0": b"0", "f1": b"1", "f2": b"2", "all": b"2"}


def test_two_pulls_at_once_fetch_each_blob_once(cay, push, proxy, through):
    pushed = push(registry_images.many_layers(6))
    pulls = [cay.spawn("pull", through) for _ in range(3)]
    for pull in pulls:
        _, errors = pull.communicate(timeout=60)
        assert (pull.returncode, errors) == (0, b"")
    for layer in pushed.layers:
        assert len(proxy.asked(layer.digest)) == 1


def test_many_layers_come_and_go(cay, push, name, tmp_path):
    push(registry_images.many_layers(60))
    cay.ok("pull", "-q", name)
    assert len(pulling.files_of(cay, name, tmp_path)) == 61
    cay.ok("rmi", name)
    assert list((cay.state.directory / "layers").iterdir()) == []
    assert list((cay.state.directory / "content" / "blobs" / "sha256").iterdir()) == []


@pytest.fixture
def runnable(push):
    """An image that can be run, pushed."""
    return push(registry_images.image([images.busybox_tar(["sh", "true", "cat"])],
                                      config={"Cmd": ["true"]}))


def test_run_pulls_what_is_missing(cay, runnable, name, no_leaks):
    result = cay("run", "--rm", name)
    assert result.returncode == 0, str(result)
    lines = result.stderr.splitlines()
    assert lines[0] == f"Unable to find image '{name}:latest' locally"
    assert lines[-1] == f"Status: Downloaded newer image for {name}:latest"
    assert result.stdout == ""
    assert cay("run", "--rm", name).stderr == ""


def test_run_pulls_always_or_never_when_it_is_told_so(cay, runnable, proxy, through, no_leaks):
    result = cay("run", "--rm", "--pull", "never", through)
    assert result.returncode == 125 and "no such image" in result.stderr
    assert proxy.requests == []
    cay.ok("pull", through)
    proxy.forget()
    result = cay("run", "--rm", "--pull", "always", through)
    assert result.returncode == 0 and "Status: Image is up to date" in result.stderr
    assert proxy.requests
    assert cay("create", "--quiet", "--pull", "always", through).stderr == ""


def test_an_image_of_another_machine_is_made_a_container_of_with_a_warning(cay, push, name):
    push(registry_images.small(architecture="arm64"))
    result = cay("create", "-q", name)
    assert result.returncode == 0, str(result)
    assert "image's platform (linux/arm64) does not match the detected host" in result.stderr
    result = cay("create", "-q", "--platform", "linux/arm64", name)
    assert (result.returncode, result.stderr) == (0, "")


def test_run_of_what_nobody_has_fails_as_docker_s_does(cay, registry, no_leaks):
    result = cay("run", "--rm", registry.name("no/such", "1"))
    assert result.returncode == 125
    assert result.stderr.splitlines()[1].startswith("cay: manifest for ")


def test_names_without_a_domain_are_looked_for_where_it_is_configured(cay, runnable, registry,
                                                                      memory_registry, repository,
                                                                      state):
    settings = state.base / "registries.yaml"
    settings.write_text(json.dumps({"unqualified": [memory_registry.host, registry.host]}))
    environment = {"CAY_REGISTRIES": str(settings)}
    pulled = cay.ok("pull", "-q", repository, env=environment)
    assert pulled == f"{registry.name(repository)}:latest"
    result = cay("run", "--rm", repository, env=environment)
    assert (result.returncode, result.stderr) == (0, "")


def _layer(name, root_mode=None):
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        if root_mode is not None:
            root = tarfile.TarInfo("./")
            root.type, root.mode = tarfile.DIRTYPE, root_mode
            archive.addfile(root)
        archive.addfile(tarfile.TarInfo(name))
    return output.getvalue()


def test_the_root_directory_is_what_the_uppermost_layer_says_that_says_anything(cay, push, name):
    push(registry_images.image([_layer("a"), _layer("b", 0o710), _layer("c"), _layer("d", 0o755),
                                _layer("e")]))
    cay.ok("pull", name)
    roots = [layer / "diff" for layer in (cay.state.directory / "layers").iterdir()]
    assert {path.name: os.stat(root).st_mode & 0o7777 for root in roots
            for path in root.iterdir()} == {"a": 0o755, "b": 0o710, "c": 0o710, "d": 0o755,
                                            "e": 0o755}


@pytest.mark.parametrize("transport", ["oci", "oci-archive", "docker-archive", "dir"])
def test_files_are_pulled_from_too(cay, push, name, tmp_path, transport):
    pushed = push(registry_images.many_layers(3))
    place = f"{transport}:{tmp_path / 'there'}"
    subprocess.run(["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{name}:latest",
                    place + ("" if transport == "dir" else ":some/image:1")], check=True)
    copied = place if transport == "dir" else f"{place}:some/image:1"
    lines = cay.ok("pull", copied).splitlines()
    called = pushed.id if transport == "dir" else "docker.io/some/image:1"
    assert lines[-1] == called
    assert pulling.files_of(cay, called, tmp_path) == {
        "f0": b"0", "f1": b"1", "f2": b"2", "all": b"2"}
    assert "Image is up to date" in cay.ok("pull", copied)
    assert "for registries" in cay("pull", "-a", copied).stderr
