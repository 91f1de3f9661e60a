# SPDX-License-Identifier: Apache-2.0
"""`cay network graph`: what the kernel has is drawn, whoever has made it."""

import xml.etree.ElementTree as tree

import pytest

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def links(host):
    """Interfaces with addresses, one that hangs on another, and a bridge with a tunnel in it."""
    host.ip("link add to-up type veth peer name to-far",
            "link set to-up up",
            "address add 192.0.2.2/28 dev to-up",
            "link add foreign type bridge",
            "link set foreign up",
            "address add 10.99.0.1/24 dev foreign",
            "link add vx type vxlan id 42 dstport 4789 remote 192.0.2.9 dev to-up",
            "link set vx master foreign",
            "link add mac link to-up type macvlan mode vepa")
    host.run("bridge", "fdb", "append", "00:00:00:00:00:00", "dev", "vx", "dst", "192.0.2.10")


def test_links_of_the_host_hang_on_what_they_hang_on(cay, host, links):
    lines = cay.ok("network", "graph").splitlines()
    assert lines[0] == "host"
    assert "├─ to-far  (veth)  down" in lines
    number = lines.index("├─ to-up  (veth)  192.0.2.2/28")
    assert lines[number + 1] == "│  └─ mac  (macvlan vepa)  down"
    assert "└─ foreign  (bridge)  10.99.0.1/24  vxlan 42, port 4789  to 192.0.2.9" in lines
    assert lines[-1].strip() == "to 192.0.2.10"


def test_a_named_network_is_drawn_alone(cay, host, links):
    cay.ok("network", "create", "red", "--subnet", "10.7.0.0/24", "--ipv6=false")
    _, line = cay.ok("network", "graph", "red").splitlines()
    assert line.startswith("└─ red  (bridge br-") and line.endswith(")  10.7.0.1/24")
    unknown = cay("network", "graph", "blue")
    assert (unknown.returncode, unknown.stderr) == (1, "cay: no such network: 'blue'\n")


def test_a_picture_is_xml_that_needs_nothing_else(cay, host, links, tmp_path):
    cay.ok("network", "create", "red", "--subnet", "10.7.0.0/24")
    picture = tmp_path / "networks.svg"
    assert cay.ok("network", "graph", "--format", "svg", "--output", picture) == ""
    root = tree.parse(picture).getroot()
    assert root.tag == f"{SVG}svg"
    titles = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "title"]
    assert {"red", "foreign", "to-up", "to-far", "mac"} <= set(titles)
    assert not [node for node in root.iter()
                if {"image", "use", "script"} & {node.tag.removeprefix(SVG)}
                or any("href" in name for name in node.attrib)]


def test_other_formats_are_refused(cay, host):
    wrong = cay("network", "graph", "--format", "png")
    assert wrong.returncode == 1
    assert "invalid --format 'png': use text or svg" in wrong.stderr


def test_containers_are_drawn_at_each_of_their_networks(cay, host, image):
    for name, subnet in (("front", "10.5.0.0/24"), ("back", "10.6.0.0/24")):
        cay.ok("network", "create", "--ipv6=false", "--subnet", subnet, name)
    for name, options in (("web", ["front", "--network", "back", "-p", "8080:80"]),
                          ("beside", ["container:web"]), ("free", ["host"]), ("dark", ["none"])):
        cay.ok("run", "-d", "--name", name, "--network", *options, image, "sleep", "1000")
    cay.ok("create", "--name", "idle", "--network", "front", image, "true")
    lines = cay.ok("network", "graph").splitlines()
    (front,) = [line for line in lines if "web  eth0" in line]
    (back,) = [line for line in lines if "web  eth1" in line]
    assert "10.5.0.2/24  (veth" in front and "10.6.0.2/24  (veth" in back
    assert sum("0.0.0.0:8080->80/tcp" in line for line in lines) == 1
    assert lines[-3:] == ["├─ beside  (network of 'web')", "├─ dark",
                          "└─ free  (network of the host)"]
    assert not any("idle" in line for line in lines)
    assert "free" not in cay.ok("network", "graph", "back")
