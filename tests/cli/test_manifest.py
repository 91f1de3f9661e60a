# SPDX-License-Identifier: Apache-2.0
"""`cay manifest`: lists of images, made here and pushed."""

import base64
import json

import pytest

from harness import registry_images
from harness.registry_images import platform


@pytest.fixture(name="images")
def _images(registry, repository):
    """Two images for different machines at the registry."""
    made = [registry_images.small(architecture.encode(), architecture=architecture, family=family)
            for architecture, family in (("amd64", "oci"), ("arm64", "oci"))]
    for image, tag in zip(made, ("amd", "arm"), strict=True):
        registry.push(repository, tag, image)
    return made


@pytest.fixture(name="create")
def _create(cay, registry, repository, images):
    """create(*options) -> the name of the list of both."""
    def create(*options, tag="list"):
        name = registry.name(repository, tag)
        said = cay.ok("manifest", "create", *options, name, registry.name(repository, "amd"),
                      registry.name(repository, "arm"))
        assert said == f"Created manifest list {name}"
        return name
    return create


def fails(cay, *words):
    result = cay("manifest", *words)
    assert result.returncode == 1, result
    return result.stderr


def inspect(cay, *words):
    return json.loads(cay.ok("manifest", "inspect", *words))


def test_a_list_is_made_and_pushed(cay, registry, repository, images, create):
    name = create()
    digest = cay.ok("manifest", "push", name)
    data, media_type = registry.get_manifest(repository, "list")
    assert registry.digest(repository, "list") == digest
    assert media_type == registry_images.INDEX
    assert json.loads(data)["manifests"] == [
        {**image.descriptor, "platform": platform(architecture)}
        for image, architecture in zip(images, ("amd64", "arm64"), strict=True)]
    assert inspect(cay, name) == json.loads(data)


def test_lists_of_docker_s_images_are_docker_s(cay, registry, repository):
    image = registry_images.small(family="docker")
    registry.push(repository, "one", image)
    name = registry.name(repository, "list")
    cay.ok("manifest", "create", name, registry.name(repository, "one"))
    cay.ok("manifest", "push", name)
    assert registry.get_manifest(repository, "list")[1] == registry_images.DOCKER_LIST


def test_images_of_other_repositories_are_brought_along(cay, registry, repository, images):
    name = registry.name(repository + "/other", "list")
    cay.ok("manifest", "create", name, registry.name(repository, "amd"))
    cay.ok("manifest", "push", name)
    there, _ = registry.get_manifest(repository + "/other", images[0].digest)
    assert there == images[0].data
    assert registry.has_blob(repository + "/other", images[0].layers[0].digest)


def test_what_is_pushed_is_what_was_added(cay, registry, repository, images):
    """Whatever the tag leads to meanwhile."""
    name = registry.name(repository + "/other", "list")
    cay.ok("manifest", "create", name, registry.name(repository, "amd"))
    registry.push(repository, "amd", images[1])
    cay.ok("manifest", "push", name)
    data, _ = registry.get_manifest(repository + "/other", "list")
    assert [entry["digest"] for entry in json.loads(data)["manifests"]] == [images[0].digest]


def test_a_list_is_amended_only_when_asked_to(cay, registry, repository, create):
    name = create()
    arm = registry.name(repository, "arm")
    assert "no --amend flag" in fails(cay, "create", name, arm)
    cay.ok("manifest", "create", "--amend", name, arm)
    assert len(inspect(cay, name)["manifests"]) == 2


def test_annotations_say_what_an_image_is_for(cay, registry, repository, create):
    name = create()
    arm = registry.name(repository, "arm")
    cay.ok("manifest", "annotate", "--os", "linux", "--arch", "arm", "--variant", "v7",
           "--os-version", "1.2", "--os-features", "a", "--os-features", "b", name, arm)
    assert inspect(cay, name)["manifests"][1]["platform"] == {
        "architecture": "arm", "os": "linux", "variant": "v7", "os.version": "1.2",
        "os.features": ["a", "b"]}
    assert "unsupported os/arch combination" in fails(cay, "annotate", "--arch", "pdp11", name,
                                                      arm)
    assert "does not exist in" in fails(cay, "annotate", "--arch", "arm", name, "nobody")


def test_lists_are_forgotten(cay, create):
    one, two = create(tag="one"), create(tag="two")
    cay.ok("manifest", "push", "--purge", one)
    assert "no such manifest" in fails(cay, "push", one)
    assert "no such manifest" in fails(cay, "rm", one, two)
    assert "no such manifest" in fails(cay, "rm", two)


def test_a_registry_s_manifest_is_shown_with_tabs(cay, registry, repository, images):
    text = cay.ok("manifest", "inspect", registry.name(repository, "amd"))
    assert json.loads(text) == images[0].json
    assert '\n\t"config": {\n\t\t"mediaType"' in text
    by_digest = registry.name(repository, digest=images[1].digest)
    assert inspect(cay, by_digest) == images[1].json


def test_verbosely_each_image_is_described(cay, registry, repository, images, create):
    name = create()
    cay.ok("manifest", "push", "--purge", name)
    first, second = inspect(cay, "--verbose", name)
    assert first["Ref"] == f"{name}@{images[0].digest}"
    assert first["OCIManifest"] == images[0].json
    assert base64.b64decode(first["Raw"]) == images[0].data
    assert second["Descriptor"]["platform"]["architecture"] == "arm64"
    one = inspect(cay, "-v", registry.name(repository, "amd"))
    assert one["Descriptor"]["digest"] == images[0].digest


def test_an_image_of_a_list_is_shown(cay, registry, repository, images, create):
    name = create()
    assert inspect(cay, name, registry.name(repository, "arm")) == images[1].json
    assert "does not exist in" in fails(cay, "inspect", name, "nobody")
    assert "no such manifest" in fails(cay, "inspect", "nobody", registry.name(repository, "arm"))


def test_a_list_in_a_list_is_refused(cay, registry, repository, images, create):
    cay.ok("manifest", "push", create())
    assert "is a manifest list" in fails(cay, "create", registry.name(repository, "more"),
                                         registry.name(repository, "list"))


def test_what_the_registry_does_not_have_is_named(cay, registry, repository, images):
    name = registry.name(repository, "nothing")
    assert repository in fails(cay, "create", registry.name(repository, "list"), name)
    assert repository in fails(cay, "inspect", name)


def test_what_refers_to_an_image_is_listed(cay, memory_registry, repository):
    """Of the type that is asked for, whether or not the registry can choose."""
    image = registry_images.small()
    memory_registry.push(repository, "1", image)
    artifacts = [registry_images.artifact(image, f"application/vnd.example.{kind}")
                 for kind in ("signature", "sbom")]
    for artifact in artifacts:
        memory_registry.push(repository, None, artifact)
    name = memory_registry.name(repository, "1")
    said = cay.ok("image", "referrers", "-q", name).splitlines()
    assert sorted(said) == sorted(artifact.digest for artifact in artifacts)
    said = cay.ok("image", "referrers", "--artifact-type", "application/vnd.example.sbom",
                  "--format", "{{.Digest}} {{.ArtifactType}}", name)
    assert said == f"{artifacts[1].digest} application/vnd.example.sbom"
