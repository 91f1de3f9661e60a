# SPDX-License-Identifier: Apache-2.0
"""Every file keeps every rule of rules.py, and every rule is able to complain."""

import pytest

from lint import rules, source

EACH_RULE = pytest.mark.parametrize("rule, patterns, bad, good", rules.RULES,
                                    ids=[row[0].__name__ for row in rules.RULES])


def complaints(rule, sample):
    path, text = sample if isinstance(sample, tuple) else ("sample.c", sample)
    return list(rule(path, text))


@EACH_RULE
def test_every_file_keeps_the_rule(rule, patterns, bad, good):
    found = []
    checked = source.files(*patterns)
    for path in checked:
        text = path.read_text(encoding="utf-8")
        found += [f"{source.name(path)}:{line}: {wrong}"
                  for line, wrong in rule(source.name(path), text)]
    assert checked
    assert not found, "\n" + "\n".join(found)


@EACH_RULE
def test_the_rule_complains_about_what_is_bad_and_nothing_else(rule, patterns, bad, good):
    assert [sample for sample in bad if not complaints(rule, sample)] == []
    assert [sample for sample in good if complaints(rule, sample)] == []
