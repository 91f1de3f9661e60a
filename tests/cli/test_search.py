# SPDX-License-Identifier: Apache-2.0
"""cay search: Docker's table, from registries with a search and from those without."""

import json
import re

import pytest
from harness import registry_images

LONG = "A description that goes on and on, well beyond what fits\na table"


@pytest.fixture(name="found")
def _found(memory_registry):
    """A registry with three results for "web"."""
    memory_registry.searches["web"] = [
        {"name": "few", "description": "", "star_count": 3, "is_official": False},
        {"name": "web", "description": LONG, "star_count": 100, "is_official": True},
        {"name": "old/web", "description": "Old", "star_count": 3, "is_automated": True},
    ]
    return memory_registry


def names(cay, *arguments):
    return cay.ok("search", "--format", "{{.Name}}", *arguments).split()


def test_the_table_is_docker_s(cay, found):
    lines = cay.ok("search", f"{found.host}/web").splitlines()
    assert [re.split(r"\s{2,}", line.rstrip()) for line in lines] == [
        ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"],
        [f"{found.host}/web", "A description that goes on and on, well beyo…", "100", "[OK]"],
        [f"{found.host}/few", "3"],
        [f"{found.host}/old/web", "Old", "3"],
    ]
    assert LONG.replace("\n", " ") in cay.ok("search", "--no-trunc", f"{found.host}/web")


@pytest.mark.parametrize("value, wanted", [
    ("stars=4", ["web"]),
    ("stars=3", ["web", "few", "old/web"]),
    ("is-official=true", ["web"]),
    ("is-official=false", ["few", "old/web"]),
    ("is-automated=1", ["old/web"]),
])
def test_filters(cay, found, value, wanted):
    assert names(cay, "--filter", value, f"{found.host}/web") == [
        f"{found.host}/{name}" for name in wanted]


def test_formats_and_the_limit(cay, found):
    assert names(cay, "--limit", "1", f"{found.host}/web") == [f"{found.host}/web"]
    line = cay.ok("search", "--format", "json", "--limit", "1", f"{found.host}/web")
    assert json.loads(line) == {
        "Name": f"{found.host}/web", "Description": "A description that goes on and on, well beyo…",
        "StarCount": "100", "IsOfficial": "true", "IsAutomated": "false"}
    assert cay.ok("search", "--format", "table {{.Name}}\t{{.IsAutomated}}",
                  f"{found.host}/web").splitlines()[0].split() == ["NAME", "AUTOMATED"]


def test_a_term_is_sent_as_it_was_typed(cay, found):
    found.searches["a b&n=1"] = [{"name": "odd"}]
    assert names(cay, f"{found.host}/a b&n=1") == [f"{found.host}/odd"]


def test_nothing_is_found(cay, found):
    assert cay.ok("search", f"{found.host}/nothing").split() == [
        "NAME", "DESCRIPTION", "STARS", "OFFICIAL"]


def test_a_registry_without_a_search_has_its_repositories_looked_through(cay, registry, repository):
    registry.push(f"{repository}/one", "1", registry_images.small())
    registry.push(f"{repository}/two", "1", registry_images.small())
    assert names(cay, f"{registry.host}/{repository}/") == [
        f"{registry.host}/{repository}/{name}" for name in ("one", "two")]
    assert names(cay, f"{registry.host}/{repository}/tw") == [f"{registry.host}/{repository}/two"]


def test_a_registry_that_is_not_there_is_told(cay):
    result = cay("search", "127.0.0.1:1/web")
    assert result.returncode == 1
    assert result.stderr.startswith("cay: search '127.0.0.1:1': ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments, line", [
    (["--limit", "101", "x"], "limit 101 is outside the range of [1, 100]"),
    (["--limit", "-1", "x"], "limit -1 is outside the range of [1, 100]"),
    (["--filter", "stars", "x"], "invalid filter 'stars': write it as NAME=VALUE"),
    (["--filter", "stars=many", "x"], "invalid filter 'stars=many': it is no number"),
    (["--filter", "is-official=maybe", "x"],
     "invalid filter 'is-official=maybe': use true or false"),
    (["--filter", "name=x", "x"],
     "unknown filter 'name', there are is-automated, is-official and stars"),
])
def test_mistakes_are_told(cay, arguments, line):
    result = cay("search", *arguments)
    assert result.stderr == f"cay search: {line}\n"
    assert result.returncode == 1
