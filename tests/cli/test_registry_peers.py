# SPDX-License-Identifier: Apache-2.0
"""
The other tools of this field: what they push is pulled, what is pushed they pull, and a digest is
the same whoever has carried the image.
"""

import json
import os
import subprocess

import pytest

from harness import image_archives, leaks, pulling, registry_images

FILES = {"f": b"a file", "d/g": pulling.random_file(40 << 10)}


@pytest.fixture(name="run")
def _run(tmp_path):
    """run(*command) of a tool whose files are all below one directory -> its output."""
    (tmp_path / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"\n')
    (tmp_path / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    (tmp_path / "registries.conf").write_text("")
    environment = dict(
        os.environ, HOME=str(tmp_path), TMPDIR=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path),
        CONTAINERS_STORAGE_CONF=str(tmp_path / "storage.conf"),
        CONTAINERS_REGISTRIES_CONF=str(tmp_path / "registries.conf"), BUILDAH_ISOLATION="chroot",
        **{leaks.MARKER: f"{tmp_path}/"})

    def run(*command):
        done = subprocess.run([*map(str, command)], env=environment, cwd=tmp_path, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
                              check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    return run


def skopeo_copy(run, source, target, *options):
    run("skopeo", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", *options,
        source, target)


def pushed_by(run, registry, repository, tag, *options):
    """An image that skopeo has pushed as it is asked to."""
    registry.push(repository, "source", registry_images.image(
        [image_archives.tar({"f": FILES["f"]}),
         image_archives.tar({"d": None, "d/g": FILES["d/g"]})]))
    skopeo_copy(run, f"docker://{registry.name(repository, 'source')}",
                f"docker://{registry.name(repository, tag)}", *options)
    return registry.name(repository, tag)


def digests(cay):
    return cay.ok("images", "--digests", "--format", "{{.Digest}}").split()


FORMATS = {
    "zstd": ["--dest-compress-format", "zstd"],
    "zstd:chunked": ["--dest-compress-format", "zstd:chunked"],
    "gzip": ["--dest-compress-format", "gzip"],
    "OCI": ["--format", "oci"],
    "schema 2": ["--format", "v2s2"],
}


@pytest.mark.parametrize("how", FORMATS)
def test_an_image_that_skopeo_has_packed_is_pulled(cay, run, registry, repository, tmp_path, how):
    name = pushed_by(run, registry, repository, "packed", *FORMATS[how])
    cay.ok("pull", "--quiet", name)
    assert pulling.files_of(cay, name, tmp_path) == FILES
    assert digests(cay) == [registry.digest(repository, "packed")]


def test_an_image_that_buildah_has_made_is_pulled(cay, run, registry, repository, tmp_path):
    (tmp_path / "f").write_bytes(FILES["f"])
    container = run("buildah", "from", "scratch")
    run("buildah", "copy", container, tmp_path / "f", "/f")
    run("buildah", "config", "--cmd", "/hello", container)
    run("buildah", "commit", "--quiet", "--tls-verify=false", container,
        f"docker://{registry.name(repository, 'buildah')}")
    run("buildah", "rm", container)
    name = registry.name(repository, "buildah")
    cay.ok("pull", "--quiet", name)
    assert pulling.files_of(cay, name, tmp_path) == {"f": FILES["f"]}


def test_an_image_that_umoci_has_made_is_pulled(cay, run, registry, repository, tmp_path):
    run("umoci", "init", "--layout", "layout")
    run("umoci", "new", "--image", "layout:one")
    run("umoci", "unpack", "--image", "layout:one", "bundle")
    (tmp_path / "bundle" / "rootfs" / "f").write_bytes(FILES["f"])
    run("umoci", "repack", "--image", "layout:one", "bundle")
    skopeo_copy(run, "oci:layout:one", f"docker://{registry.name(repository, 'umoci')}")
    name = registry.name(repository, "umoci")
    cay.ok("pull", "--quiet", name)
    assert pulling.files_of(cay, name, tmp_path) == {"f": FILES["f"]}


@pytest.mark.parametrize("family", ["oci", "docker"])
@pytest.mark.parametrize("packing", ["gzip", "zstd", "none"])
def test_what_is_pulled_and_pushed_has_the_same_digest(cay, registry, repository, family, packing):
    image = registry_images.small(packing=packing, family=family)
    registry.push(repository, "latest", image)
    source, target = registry.name(repository), registry.name(repository + "-copy", "1")
    cay.ok("pull", "--quiet", source)
    cay.ok("tag", source, target)
    cay.ok("push", "--quiet", target)
    assert registry.get_manifest(repository + "-copy", "1") == (image.data, image.media_type)


@pytest.mark.parametrize("tool", ["podman", "skopeo"])
def test_others_pull_what_was_pushed(cay, image, run, registry, repository, tmp_path, tool):
    name = registry.name(repository, "1")
    cay.ok("tag", image, name)
    cay.ok("push", "--quiet", name)
    identity = cay.ok("image", "inspect", "--format", "{{.Id}}", name).removeprefix("sha256:")
    if tool == "podman":
        assert run("podman", "pull", "--quiet", "--tls-verify=false", name) == identity
        assert name in run("podman", "images", "--format", "{{.Repository}}:{{.Tag}}")
        run("podman", "rmi", "--force", name)
    else:
        skopeo_copy(run, f"docker://{name}", "oci:pulled:1")
        index = json.loads((tmp_path / "pulled" / "index.json").read_text())
        assert index["manifests"][0]["digest"] == registry.digest(repository, "1")


def test_what_podman_pushes_is_pulled(cay, run, registry, repository, tmp_path):
    run("podman", "pull", "--quiet", "--tls-verify=false",
        pushed_by(run, registry, repository, "packed"))
    name = registry.name(repository, "podman")
    run("podman", "push", "--quiet", "--tls-verify=false", registry.name(repository, "packed"),
        f"docker://{name}")
    run("podman", "rmi", "--all", "--force")
    cay.ok("pull", "--quiet", name)
    assert pulling.files_of(cay, name, tmp_path) == FILES


@pytest.mark.parametrize("transport", ["oci", "oci-archive", "docker-archive", "dir"])
def test_a_copy_to_another_transport_is_understood_by_skopeo(cay, image, run, tmp_path, transport):
    target = f"{transport}:{tmp_path}/copy" + ("" if transport == "dir" else ":name:1")
    cay.ok("image", "copy", image, target)
    inspected = json.loads(run("skopeo", "inspect", "--config", target))
    shown = json.loads(cay.ok("image", "inspect", image))[0]
    assert inspected["rootfs"]["diff_ids"] == shown["RootFS"]["Layers"]


@pytest.mark.parametrize("transport", ["oci", "oci-archive", "docker-archive", "dir"])
def test_what_skopeo_has_copied_is_pulled(cay, run, registry, repository, tmp_path, transport):
    name = pushed_by(run, registry, repository, "packed")
    target = f"{transport}:{tmp_path}/copy" + ("" if transport == "dir" else ":name:1")
    skopeo_copy(run, f"docker://{name}", target)
    cay.ok("image", "copy", target, f"docker://{registry.name(repository, 'again')}")
    copied = registry.name(repository, "again")
    cay.ok("pull", "--quiet", copied)
    assert pulling.files_of(cay, copied, tmp_path) == FILES
