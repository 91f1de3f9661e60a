# SPDX-License-Identifier: Apache-2.0
"""
Pulls of images that share layers, removals, collections and kills, all at once, over connections
that are cut, refused and damaged: afterwards every image can be had, and nothing else is there.
"""

import io
import random
import signal
import tarfile

from harness import debris, fault_proxy, image_archives, pulling, registry_images

KIB = 1 << 10
IMAGES = 5
STEPS = 70
AT_ONCE = 5
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)


def make_images(chance):
    """Each of three of the same four layers, in any order, and one of its own."""
    bases = [image_archives.tar({f"base-{number}": pulling.random_file((100 + 60 * number) * KIB,
                                                                       number)})
             for number in range(4)]
    for number in range(IMAGES):
        own = image_archives.tar({"own": b"%d" % number})
        layers = [*chance.sample(bases, 3), own]
        yield layers, registry_images.image(layers, packing=chance.choice(["gzip", "zstd", "none"]))


def misbehave(proxy):
    """Of the requests for blobs every seventh is cut, and so on."""
    for period, action in ((7, fault_proxy.cut(60000, reset=False)), (11, fault_proxy.cut(None)),
                           (13, fault_proxy.error(503, "UNAVAILABLE", "not now")),
                           (17, fault_proxy.corrupt(70000))):
        proxy.on("/blobs/", action, nth=range(period, 100000, period))


def storm(cay, chance, names):
    commands = [("pull", "--quiet"), ("pull", "--quiet"), ("pull", "--quiet"), ("rmi", "--force"),
                ("image", "prune", "--force"), None]
    going_on = []
    for _ in range(STEPS):
        command = chance.choice(commands)
        if command is None:
            if going_on:
                chance.choice(going_on).send_signal(chance.choice(SIGNALS))
            continue
        name = () if "prune" in command else (chance.choice(names),)
        process = cay.spawn(*command, *name)
        going_on = [other for other in going_on if other.poll() is None] + [process]
        if len(going_on) > AT_ONCE:
            going_on[0].wait(60)
    for process in going_on:
        process.wait(60)
    assert not cay.state.settle()


def files_in(layers):
    found = {}
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            found.update((entry.name, archive.extractfile(entry).read()) for entry in archive)
    return found


def test_a_storm_of_pulls_and_kills_leaves_whole_images_and_nothing_else(cay, proxy, repository,
                                                                         tmp_path):
    chance = random.Random(6)
    made = {}
    for number, (layers, image) in enumerate(make_images(chance)):
        proxy.push(repository, f"tag-{number}", image)
        made[proxy.name(repository, f"tag-{number}")] = layers
    misbehave(proxy)
    storm(cay, chance, list(made))
    proxy.forget()
    for name in made:
        cay.ok("pull", "--quiet", name)
    for name, layers in made.items():
        assert pulling.files_of(cay, name, tmp_path) == files_in(layers)
    cay.ok("rmi", "--force", *made)
    cay.ok("image", "prune", "--force")
    assert debris.of_store(cay.state) + debris.of_state(cay.state) == []
