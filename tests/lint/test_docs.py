# SPDX-License-Identifier: Apache-2.0
"""What the documents name does exist: files that they link to, tests that they rely on."""

import re

from lint import source

_LINK = r"\[[^\]]*\]\(([^)#:]+)\)"
_TEST = r"`(\w+)`"


def broken_links(path, text):
    return [target for target in re.findall(_LINK, text) if not (path.parent / target).exists()]


def names_of_tests():
    found = set()
    for path in source.files("test_*.py", "test-*.c"):
        pattern = r"^def (test_\w+)" if path.suffix == ".py" else r"^static void (\w+)\("
        found.update(re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))
    return found


def missing_tests(text, known):
    """The tests named in the second column of tables under "proved by" that nobody wrote."""
    rows = [line.split("|")[2] for line in text.splitlines() if line.count("|") == 3]
    return [test for row in rows for test in re.findall(_TEST, row) if test not in known]


def test_every_link_leads_somewhere():
    found = [f"{source.name(path)}: {target}" for path in source.files("*.md")
             for target in broken_links(path, path.read_text(encoding="utf-8"))]
    assert not found


def test_every_promise_of_security_names_tests_that_exist():
    text = (source.ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert text.count("| proved by |") >= 3
    assert missing_tests(text, names_of_tests()) == []


def test_a_broken_link_and_a_missing_test_are_found():
    assert broken_links(source.ROOT / "README.md", "[a](docs/no-such.md)") == ["docs/no-such.md"]
    assert missing_tests("| x | `test_none`, `test_one` |", {"test_one"}) == ["test_none"]
