# SPDX-License-Identifier: Apache-2.0
"""Images come in by archives and tars, have names, and go without a trace."""

import bz2
import gzip
import hashlib
import json
import lzma
import os
import platform
import signal
import subprocess

import pytest

from harness import image_archives
from harness.image_archives import DOCKER, OCI, Layout, config, docker_archive, docker_files, tar

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
OTHER = "arm64" if ARCHITECTURE == "amd64" else "amd64"

LAYER = tar({"hello": b"world\n"})
UPPER = tar({"second": b"layer\n"})


def image(layers=(LAYER,), names=("test:1",), **changes):
    """One image as docker_archive() takes it."""
    return config(layers, ARCHITECTURE, **changes), list(layers), list(names)


def oci(names=("test:1",), layers=(LAYER,), **changes):
    layout = Layout()
    for name in names:
        layout.add(layout.manifest(config(layers, ARCHITECTURE), layers, **changes), name)
    return layout


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


COMPRESSIONS = {"plain": bytes, "gzip": gzip.compress, "zstd": zstd, "xz": lzma.compress,
                "bzip2": bz2.compress}


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_a_docker_archive_is_loaded_whatever_its_compression(store, name):
    assert store.load(COMPRESSIONS[name](docker_archive(image()))) == ["Loaded image: test:1"]
    assert (store.root("test:1") / "hello").read_text() == "world\n"
    assert store.is_clean()


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_an_oci_archive_is_loaded_whatever_its_compression(store, name):
    assert store.load(COMPRESSIONS[name](oci().tar())) == ["Loaded image: test:1"]
    assert (store.root("test:1") / "hello").read_text() == "world\n"
    assert store.is_clean()


def test_the_id_is_the_digest_of_the_configuration(store):
    text, layers, names = image((LAYER, UPPER))
    store.load(docker_archive((text, layers, names)))
    shown = store("inspect", "test:1")
    assert shown["Id"] == image_archives.sha256(text)
    assert shown["RootFS"]["Layers"] == [image_archives.sha256(layer) for layer in layers]
    assert shown["Size"] == len("world\n") + len("layer\n")
    assert shown["Created"] == image_archives.CREATED
    assert shown["Config"]["Cmd"] == ["/hello"] and shown["Config"]["User"] == ""


def test_several_images_and_names_come_from_one_archive(store):
    first = image((LAYER,), ["a:1", "b:2"])
    second = image((LAYER, UPPER), ["c:3"])
    third = image((UPPER,), [])
    lines = store.load(docker_archive(first, second, third))
    assert lines == ["Loaded image: a:1", "Loaded image: b:2", "Loaded image: c:3",
                     "Loaded image ID: " + image_archives.sha256(third[0])]
    assert store.names() == ["a:1", "b:2", "c:3"]
    assert len(store.layers()) == 3


def test_layers_that_are_links_to_others_are_found(store):
    """Docker before 25 wrote a layer that occurs twice as a link to its first copy."""
    text, layers, names = image((LAYER, LAYER))
    files = docker_files([(text, [LAYER], names)])
    first = f"{image_archives.sha256(LAYER).removeprefix('sha256:')}/layer.tar"
    manifest = json.loads(files["manifest.json"])
    manifest[0]["Layers"] = [first, "other/layer.tar"]
    files["manifest.json"] = json.dumps(manifest).encode()
    store.load(tar(files, {"other/layer.tar": "../" + first}))
    assert len(store("layers", "test:1")) == 2


def test_links_that_go_round_in_circles_end(store):
    text, _, names = image()
    files = docker_files([(text, [], names)])
    manifest = json.loads(files["manifest.json"])
    manifest[0]["Layers"] = ["a"]
    files["manifest.json"] = json.dumps(manifest).encode()
    kind, message = store.fails("load", "-", input=tar(files, {"a": "b", "b": "a"}))
    assert kind == "corrupt" and "lacks the layer 'a'" in message


def test_a_docker_archive_with_an_oci_layout_inside_is_loaded_once(store):
    """What `docker save` has written since version 25."""
    text = config([LAYER], ARCHITECTURE)
    layout = Layout()
    layout.add(layout.manifest(text, [LAYER]), "docker.io/library/test:1",
               "io.containerd.image.name")
    files = layout.files()
    files["manifest.json"] = json.dumps([{
        "Config": image_archives.blob_path(text), "RepoTags": ["test:1"],
        "Layers": [image_archives.blob_path(LAYER)]}]).encode()
    assert store.load(tar(files)) == ["Loaded image: test:1"]
    assert store.names() == ["test:1"]


@pytest.mark.parametrize("suffix", ["+gzip", "+zstd"])
def test_packed_layers_keep_the_digests_that_the_manifest_states(store, suffix):
    packed = gzip.compress(LAYER, mtime=0) if suffix == "+gzip" else zstd(LAYER)
    layout = Layout()
    entry = layout.manifest(config([LAYER], ARCHITECTURE), [packed],
                            [OCI + "layer.v1.tar" + suffix])
    store.load(layout.add(entry, "test:1").tar())
    assert store("inspect", "test:1")["RepoDigests"] == ["test@" + entry["digest"]]
    assert hashlib.sha256(packed).hexdigest() in store.blobs()
    assert (store.root("test@" + entry["digest"]) / "hello").exists()


def test_a_docker_schema_2_manifest_is_taken_as_well(store):
    layers = [gzip.compress(LAYER, mtime=0)]
    layout = Layout()
    entry = layout.manifest(config([LAYER], ARCHITECTURE), layers,
                            [DOCKER + "image.rootfs.diff.tar.gzip"], DOCKER)
    assert store.load(layout.add(entry, "test:1").tar()) == ["Loaded image: test:1"]


def nested():
    """An index in the index, as buildx writes it: two platforms and an attestation."""
    layout = Layout()
    entries = []
    for architecture, layers in ((OTHER, [UPPER]), (ARCHITECTURE, [LAYER])):
        entry = layout.manifest(config(layers, architecture), layers)
        entry["platform"] = {"os": "linux", "architecture": architecture}
        entries.append(entry)
    attestation = layout.manifest(b"{}", [LAYER])
    attestation["platform"] = {"os": "unknown", "architecture": "unknown"}
    return layout.add(layout.index(*entries, attestation), "test:1")


def test_of_several_platforms_the_hosts_is_taken(store):
    assert store.load(nested().tar()) == ["Loaded image: test:1"]
    assert store("inspect", "test:1")["Architecture"] == ARCHITECTURE
    assert (store.root("test:1") / "hello").exists()


def test_of_several_platforms_the_one_that_was_asked_for_is_taken(store):
    store.load(nested().tar(), f"linux/{OTHER}")
    assert store("inspect", "test:1")["Architecture"] == OTHER


def test_a_platform_that_the_archive_lacks_is_said(store):
    for archive in (nested().tar(), docker_archive(image())):
        kind, message = store.fails("load", "-", "linux/s390x", input=archive)
        assert kind == "not-found" and "linux/s390x" in message
    assert store("list") == []


def test_a_tag_alone_is_no_name(store):
    layout = oci(["latest"])
    digest = image_archives.sha256(config([LAYER], ARCHITECTURE))
    assert store.load(layout.tar()) == ["Loaded image ID: " + digest]


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_what_skopeo_writes_is_loaded_to_the_same_image(store, tmp_path, form):
    layout = tmp_path / "layout"
    for name, data in oci(["test:1"]).files().items():
        path = layout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    archive = tmp_path / "archive.tar"
    subprocess.run(["skopeo", "copy", "--quiet", f"oci:{layout}:test:1",
                    f"{form}:{archive}:test:1"], check=True)
    assert store("load", archive) == ["Loaded image: test:1"]
    assert (store.root("test:1") / "hello").read_text() == "world\n"


def test_the_content_store_is_a_layout_that_skopeo_reads(store, tmp_path):
    store.load(docker_archive(image((LAYER, UPPER), ["test:1"])))
    store("tag", "test:1", "other:2")
    target = tmp_path / "copy"
    subprocess.run(["skopeo", "copy", "--quiet", f"oci:{store.directory}/content:2",
                    f"dir:{target}"], check=True)
    assert len(list(target.iterdir())) >= 4


def test_loading_twice_changes_nothing(store):
    archive = docker_archive(image((LAYER, UPPER)))
    store.load(archive)
    before = store.layers(), store.blobs(), store("list")[0]["Id"]
    store.load(archive)
    assert (store.layers(), store.blobs(), store("list")[0]["Id"]) == before


def test_a_damaged_blob_is_replaced_by_loading_again(store):
    archive = oci().tar()
    store.load(archive)
    blob = store.directory / "content" / image_archives.blob_path(LAYER)
    blob.write_bytes(b"x" * len(LAYER))
    store.load(archive)
    assert blob.read_bytes() == LAYER


def test_a_damaged_blob_that_was_packed_here_is_made_again(store):
    archive = docker_archive(image())
    store.load(archive)
    digest = store("inspect", "test:1")["RepoDigests"][0].rpartition(":")[2]
    directory = store.directory / "content/blobs/sha256"
    manifest = json.loads((directory / digest).read_text())
    blob = directory / manifest["layers"][0]["digest"].removeprefix("sha256:")
    intact = blob.read_bytes()
    blob.write_bytes(b"x" * len(intact))
    store.load(archive)
    assert blob.read_bytes() == intact


# What is wrong with an archive, each with the words that say so.

def replaced(files, name, data):
    return tar({**files, name: data})


def without(files, name):
    return tar({key: data for key, data in files.items() if key != name})


def lying(layout, **changes):
    """The layout's only entry, with something else about it."""
    layout.entries[0].update(changes)
    return layout.tar()


DOCKER_FILES = docker_files([image()])
CONFIG_NAME = next(name for name in DOCKER_FILES if name.endswith(".json") and "/" not in name)
LAYER_NAME = next(name for name in DOCKER_FILES if name.endswith("layer.tar"))
DEEP = b'[' * 100000

FAULTY = {
    "empty": (b"", "corrupt", ""),
    "text": (b"hello, world\n" * 100, "corrupt", ""),
    "root file system": (tar({"etc/os-release": b"x"}), "corrupt", "not an archive of images"),
    "cut short": (docker_archive(image())[:3000], "corrupt", "cut short"),
    "cut short inside gzip": (gzip.compress(docker_archive(image()))[:-40], "corrupt", ""),
    "no configuration": (without(DOCKER_FILES, CONFIG_NAME), "corrupt", "lacks"),
    "no layer": (without(DOCKER_FILES, LAYER_NAME), "corrupt", "lacks the layer"),
    "other layer": (replaced(DOCKER_FILES, LAYER_NAME, UPPER), "corrupt", ""),
    "layer cut short": (replaced(DOCKER_FILES, LAYER_NAME, LAYER[:700]), "corrupt", ""),
    "other configuration": (
        replaced(DOCKER_FILES, CONFIG_NAME, config([LAYER], ARCHITECTURE, author="x")),
        "corrupt", "digest mismatch"),
    "no JSON": (replaced(DOCKER_FILES, "manifest.json", b"{"), "invalid", "manifest.json"),
    "deep JSON": (replaced(DOCKER_FILES, "manifest.json", DEEP), "invalid", "manifest.json"),
    "huge JSON": (replaced(DOCKER_FILES, "manifest.json", b"[" + b" " * 4 * 1024 * 1024 + b"]"),
                  "invalid", "longer than"),
    "path as configuration": (
        replaced(DOCKER_FILES, "manifest.json",
                 b'[{"Config":"/etc/passwd","Layers":[]}]'), "corrupt", "lacks '/etc/passwd'"),
    "more layers than diff ids": (
        docker_archive((config([LAYER], ARCHITECTURE), [LAYER, UPPER], ["test:1"])), "invalid",
        "2 layers, but the configuration has 1"),
    "name without tag": (docker_archive(image(names=["test"])), "invalid", "not a name with a tag"),
    "malformed name": (docker_archive(image(names=["Test:1"])), "invalid", "lowercase"),
    "128 layers": (docker_archive(image([LAYER] * 128)), "invalid", "at most 127"),
    "another system": (docker_archive((config([LAYER], ARCHITECTURE, "windows"), [LAYER], ["t:1"])),
                       "unsupported", "cannot run on linux"),
    "no oci-layout": (without(oci().files(), "oci-layout"), "corrupt", "lacks 'oci-layout'"),
    "later layout": (replaced(oci().files(), "oci-layout", b'{"imageLayoutVersion":"2.0.0"}'),
                     "unsupported", "2.0.0"),
    "no manifest": (lying(oci(), digest="sha256:" + "0" * 64), "corrupt", "lacks"),
    "wrong size": (lying(oci(), size=1), "corrupt", "bytes, its descriptor says 1"),
    "other digest": (lying(oci(), digest="sha512:" + "0" * 128), "invalid", "not a sha256 digest"),
    "digest that is a path": (lying(oci(), digest="sha256:../../../../etc/passwd"), "invalid",
                              "not a sha256 digest"),
    "malformed annotation": (lying(oci(), annotations={"io.containerd.image.name": "A B"}),
                             "invalid", "reference"),
    "manifest and index at once": (oci(manifests=[]).tar(), "invalid", "ambiguous"),
    "two types": (lying(oci(), mediaType=DOCKER + "distribution.manifest.v2+json"), "invalid",
                  "it says to be"),
    "artifact": (oci(config={"mediaType": "application/x", "size": 2,
                             "digest": image_archives.sha256(b"{}")}).tar(), "unsupported",
                 "no image"),
    "unknown layer type": (oci(layer_types=["application/x"]).tar(), "unsupported",
                           "unknown type"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_archive_is_refused_and_leaves_nothing(store, name):
    data, kind, words = FAULTY[name]
    assert store.fails("load", "-", input=data)[0] == kind
    assert words in store.fails("load", "-", input=data)[1]
    assert store("list") == []
    assert store.is_clean()
    store("collect")
    assert not store.layers() and not store.blobs()


def test_a_blob_with_another_digest_is_refused(store):
    files = oci().files()
    path = image_archives.blob_path(LAYER)
    changed = LAYER.replace(b"world", b"w0rld")
    kind, message = store.fails("load", "-", input=replaced(files, path, changed))
    assert kind == "corrupt" and "digest mismatch" in message


def test_a_manifest_with_another_digest_is_refused(store):
    layout = oci()
    path = "blobs/sha256/" + layout.entries[0]["digest"].removeprefix("sha256:")
    changed = layout.blobs[path].replace(b"schemaVersion", b"schemaversion")
    kind, message = store.fails("load", "-", input=replaced(layout.files(), path, changed))
    assert kind == "corrupt" and "digest mismatch" in message


def test_an_index_that_is_nested_too_deeply_is_refused(store):
    layout = Layout()
    entry = layout.manifest(config([LAYER], ARCHITECTURE), [LAYER])
    for _ in range(6):
        entry = layout.index(entry)
    kind, message = store.fails("load", "-", input=layout.add(entry).tar())
    assert kind == "invalid" and "nested" in message


def test_an_index_that_refers_to_much_again_and_again_is_refused(store):
    """A small archive must not cause work without end."""
    layout = Layout()
    entry = layout.index(annotations={"x": "y" * (3 * 1024 * 1024)})
    for _ in range(1000):
        layout.add(entry)
    assert store.fails("load", "-", input=layout.tar())[0] == "exhausted"


def test_images_before_a_faulty_one_stay(store):
    good, bad = image(names=["good:1"]), image((UPPER,), ["bad:1"])
    files = docker_files([good, bad])
    files[f"{image_archives.sha256(UPPER).removeprefix('sha256:')}/layer.tar"] = b"x"
    store.fails("load", "-", input=tar(files))
    assert store.names() == ["good:1"]


# Import

def test_a_root_file_system_becomes_an_image(store):
    store("import", "-", "root:1", "a message", "linux/" + OTHER, "CMD [\"/hello\"]", "ENV A=b",
          input=LAYER)
    shown = store("inspect", "root:1")
    assert shown["Config"]["Cmd"] == ["/hello"] and shown["Config"]["Env"] == ["A=b"]
    assert shown["Comment"] == "a message" and shown["Architecture"] == OTHER
    assert shown["RootFS"]["Layers"] == [image_archives.sha256(LAYER)]
    history = store("history", "root:1")
    assert [item["Comment"] for item in history] == ["a message"]
    assert history[0]["Size"] == len("world\n") and history[0]["Tags"] == ["root:1"]


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_importing_gives_the_same_layer_whatever_the_compression(store, name):
    store("import", "-", "root:1", input=COMPRESSIONS[name](LAYER))
    assert store("inspect", "root:1")["RootFS"]["Layers"] == [image_archives.sha256(LAYER)]


def test_names_that_would_be_whiteouts_in_a_layer_are_files_in_a_root(store):
    store("import", "-", "root:1", input=tar({"dir": None, "dir/.wh.x": b"y"}))
    assert (store.root("root:1") / "dir/.wh.x").read_text() == "y"


@pytest.mark.parametrize("arguments, words", [
    (["Root:1"], "lowercase"),
    (["root:1", "", "linux/"], "invalid platform"),
    (["root:1", "", "", "RUN x"], "cannot be changed"),
])
def test_what_is_wrong_with_an_import_is_said_before_anything_is_read(store, arguments, words):
    kind, message = store.fails("import", "-", *arguments, input=LAYER)
    assert kind == "invalid" and words in message
    assert store("list") == []


def test_a_corrupt_root_file_system_leaves_nothing(store):
    assert store.fails("import", "-", "root:1", input=gzip.compress(LAYER)[:-30])[0] == "corrupt"
    assert store("list") == [] and store.is_clean()


# Names and removal

def test_an_image_that_is_loaded_anew_takes_the_name_and_leaves_the_old_one_without(store):
    store.load(docker_archive(image(author="old")))
    store.load(docker_archive(image(author="new")))
    assert sorted(len(entry["RepoTags"]) for entry in store("list")) == [0, 1]
    assert store("inspect", "test:1")["Author"] == "new"


def test_removing_the_last_name_removes_everything(store):
    store.load(docker_archive(image((LAYER, UPPER))))
    chain_ids = store("layers", "test:1")
    identity = store("inspect", "test:1")["Id"]
    assert store("remove", "test:1") == [{"Untagged": "test:1"}, {"Deleted": identity},
                                         {"Deleted": chain_ids[1]}, {"Deleted": chain_ids[0]}]
    assert not store.layers() and not store.blobs() and store.is_clean()


def test_an_image_in_use_is_not_removed(store):
    store.load(docker_archive(image()))
    identity = store("inspect", "test:1")["Id"]
    kind, message = store.fails("remove", "test:1", users=identity + ":running")
    assert kind == "conflict" and "container 0123456789ab is using" in message
    kind, message = store.fails("force-remove", identity, users=identity + ":running")
    assert kind == "conflict" and "cannot be forced" in message
    assert store.names() == ["test:1"]


# Several processes, and processes that die

def test_many_loads_at_once_share_their_layers(store):
    archives = [docker_archive(image((LAYER, UPPER), [f"test:{number}"], author=str(number)))
                for number in range(6)]
    running = []
    for archive in archives:
        process = subprocess.Popen(store.command("load", "-"), env=store.environment,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdin.write(archive)
        running.append(process)
    collector = subprocess.Popen(store.command("collect"), env=store.environment)
    for process in running:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    assert collector.wait(timeout=300) == 0
    assert store.names() == [f"test:{number}" for number in range(6)]
    assert len(store.layers()) == 2
    store("collect")
    for number in range(6):
        assert (store.root(f"test:{number}") / "second").exists()


def test_a_collection_waits_for_a_load_that_is_under_way(store):
    """The load has its layer but not its image yet: a collection now must not take the layer."""
    store.load(docker_archive(image(names=["first:1"])))
    reader, writer = os.pipe()
    load = subprocess.Popen(store.command("load", "-"), env=store.environment, stdin=reader,
                            stdout=subprocess.PIPE)
    os.close(reader)
    archive = docker_archive(image((LAYER, UPPER), ["second:1"]))
    try:
        os.write(writer, archive[:512])
        store("remove", "first:1")  # leaves its layers to whoever can collect
    finally:
        with os.fdopen(writer, "wb") as stream:
            stream.write(archive[512:])
    assert json.loads(load.communicate(timeout=300)[0]) == ["Loaded image: second:1"]
    store("collect")
    assert (store.root("second:1") / "second").exists()
    assert store.names() == ["second:1"]


POINTS = [1, 2, 3, 5, 8, 12, 16]


@pytest.mark.parametrize("system_call", ["renameat", "renameat2", "fsync", "mkdirat", "unlinkat"])
@pytest.mark.parametrize("when", POINTS)
def test_a_killed_load_leaves_nothing_that_the_next_command_does_not_clear(store, system_call,
                                                                          when):
    archive = docker_archive(image((LAYER, UPPER)))
    environment = dict(store.environment, ASAN_OPTIONS="detect_leaks=0")  # not while traced
    inject = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={system_call}", "-e",
              f"inject={system_call}:signal=SIGKILL:when={when}", *store.command("load", "-")]
    result = subprocess.run(inject, input=archive, check=False, env=environment,
                            capture_output=True, timeout=300)
    assert result.returncode in (0, -signal.SIGKILL)
    assert store.load(archive) == ["Loaded image: test:1"]
    assert (store.root("test:1") / "second").exists()
    store("remove", "test:1")
    assert not store.layers() and not store.blobs() and store.is_clean()
