# SPDX-License-Identifier: Apache-2.0
"""The project's files, and C text as its compiler sees it: without comments and strings."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
_FOLDERS = ("src", "tests", "fuzz", "bench", "dist", "docs", "man", ".ci")

# One comment, string or character constant; everything between two of them is code.
_LEXEME = re.compile(
    r"""(?P<block>/\*.*?\*/)
      | (?P<line>//[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<character>'(?:\\.|[^'\\\n])*')""",
    re.DOTALL | re.VERBOSE)


def files(*patterns):
    """All files of the work tree, whether git knows them or not, that match one of @patterns."""
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in _FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    return sorted(path for path in found if any(path.match(pattern) for pattern in patterns)
                  and "__pycache__" not in path.parts and "corpus" not in path.parts)


def c_files():
    return files("*.c", "*.h")


def name(path):
    return str(path.relative_to(ROOT))


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def code_of(text):
    """@text with comments and constants blanked, so that positions stay what they were."""
    return _LEXEME.sub(lambda match: _blank(match.group()), text)


def comments_of(text):
    """(line number, comment) of each comment."""
    for match in _LEXEME.finditer(text):
        if match.lastgroup in ("block", "line"):
            yield text.count("\n", 0, match.start()) + 1, match.group()


def matches(pattern, text):
    """(line number, match) of each match of @pattern in @text."""
    for match in re.finditer(pattern, text):
        yield text.count("\n", 0, match.start()) + 1, match


def functions_of(text):
    """(line number, name, lines of the body) of each function defined in clang-formatted @text."""
    lines = code_of(text).split("\n")
    begin = None
    for number, line in enumerate(lines):
        if line.rstrip() == "{":
            begin = number
        elif line.rstrip() == "}" and begin is not None:
            head = re.findall(r"(\w+)\s*\(", " ".join(lines[max(0, begin - 6):begin]))
            yield begin, head[-1] if head else "?", number - begin - 1
            begin = None
