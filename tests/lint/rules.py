# SPDX-License-Identifier: Apache-2.0
"""
What can be seen wrong in one file's text. A rule takes the path below the root and the text, and
yields (line number, what is wrong). Each comes with samples that it must complain about and samples
that it must accept: see test_rules.py.
"""

import pathlib
import re

from lint import source

FILE_LIMIT = 900
FUNCTION_LIMIT = 120
COLUMN_LIMIT = 100

BANNED = {
    "strcpy": "copies without a limit",
    "strcat": "copies without a limit",
    "sprintf": "prints without a limit",
    "vsprintf": "prints without a limit",
    "gets": "reads without a limit",
    "strtok": "keeps hidden state",
    "atoi": "cannot tell an error: base/parse.h can",
    "atol": "cannot tell an error: base/parse.h can",
    "system": "runs a shell: base/process.h does not",
    "popen": "runs a shell: base/process.h does not",
    "alloca": "grows the stack by what somebody else chose",
    "__builtin_alloca": "grows the stack by what somebody else chose",
}
SLEEPS = {"sleep", "usleep", "nanosleep", "clock_nanosleep"}
_VAGUE = {"util", "utils", "utility", "utilities", "common", "misc", "helper", "helpers", "stuff"}
_UNFINISHED = r"\b(?:" + "|".join(("TO" "DO", "FIX" "ME", "XX" "X")) + r")\b"


def _calls(text):
    """(line number, function) of each call of a function by its name."""
    for line, match in source.matches(r"(?<![.\w])(?<!->)(\w+)\s*\(", source.code_of(text)):
        yield line, match.group(1)


def banned_functions(_path, text):
    for line, name in _calls(text):
        if name in BANNED:
            yield line, f"{name}() {BANNED[name]}"


def sleeping(path, text):
    """Only a measurement may let time pass, between what it measures."""
    for line, name in _calls(text):
        if name in SLEEPS and not path.startswith("bench/"):
            yield line, f"{name}() waits for time instead of the event"


def file_length(_path, text):
    count = text.count("\n")
    if count > FILE_LIMIT:
        yield count, f"{count} lines are over {FILE_LIMIT}: split it along its seams"


def function_length(_path, text):
    for line, name, length in source.functions_of(text):
        if length > FUNCTION_LIMIT:
            yield line, f"{name}() has {length} lines, over {FUNCTION_LIMIT}"


def licence(path, text):
    """Each file says in its first line (scripts: second) what its licence is."""
    identifier = "SPDX-License-Identifier: Apache-2.0"
    if pathlib.Path(path).suffix in (".c", ".h"):
        if not text.startswith(f"/* {identifier} */\n"):
            yield 1, f"does not begin with '/* {identifier} */'"
    elif f"# {identifier}" not in text.split("\n")[:2]:
        yield 1, f"has no '# {identifier}' on top"


def opening(_path, text):
    """After the licence, a comment says what the file is."""
    comments = [comment for line, comment in source.comments_of(text) if 1 < line <= 8]
    if not comments:
        yield 2, "does not open with what it is"


def comment_style(_path, text):
    for line, comment in source.comments_of(text):
        if comment.startswith("//"):
            yield line, "a '//' comment; '/* */' is the only kind"
        elif re.match(r"/\*\s*[-=*#~]{4,}", comment):
            yield line, "a banner"


def nothing_unfinished(_path, text):
    for line, match in source.matches(_UNFINISHED, text):
        yield line, f"'{match.group()}': finish it or leave it out"


def vague_names(path, _text):
    for part in pathlib.Path(path).parts:
        words = re.split(r"[-_.]", part)
        if _VAGUE.intersection(words):
            yield 1, f"'{part}' says nothing of what is in it"


def headers_once(path, text):
    if path.endswith(".h") and "\n#pragma once\n" not in text:
        yield 1, "has no '#pragma once'"


def commented_goto(_path, text):
    """A retry may jump, and says why in the line above."""
    lines = text.split("\n")
    for line, _ in source.matches(r"\bgoto\b", source.code_of(text)):
        around = lines[line - 1] + (lines[line - 2] if line > 1 else "")
        if "*/" not in around:
            yield line, "a goto that no comment explains"


def python_sleep(_path, text):
    for line, _ in source.matches(r"\btime\.sleep\b|\bfrom time import\b.*\bsleep\b", text):
        yield line, "a test that sleeps instead of waiting for the event"


def layout(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        is_table = path.endswith(".md") and line.startswith("|")
        if line != line.rstrip():
            yield number, "white space at the end"
        if len(line) > COLUMN_LIMIT and not is_table:
            yield number, f"{len(line)} columns are over {COLUMN_LIMIT}"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield text.count("\n"), "does not end with exactly one line end"


_LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"

# (rule, files, bad samples, good samples); a sample is text, or (path, text).
C = ("*.c", "*.h")
PYTHON = ("*.py",)
RULES = [
    (banned_functions, C,
     ["strcpy(a, b);", "x = atoi (s);", "system(\n\"ls\");", "p = alloca(9);"],
     ["/* strcpy(a, b) */", 'puts("system(ls)");', "a.system(x);", "a->sleep(x);",
      "my_strcpy(a);", "int system;"]),
    (sleeping, C,
     ["usleep(1);", "nanosleep(&t, NULL);"], [("bench/a.c", "nanosleep(&t, NULL);"), "sleeper();"]),
    (file_length, C, ["\n" * (FILE_LIMIT + 1)], ["\n" * FILE_LIMIT]),
    (function_length, C,
     ["int f(void)\n{\n" + "x;\n" * (FUNCTION_LIMIT + 1) + "}\n"],
     ["int f(void)\n{\n" + "x;\n" * FUNCTION_LIMIT + "}\n",
      "int f(void)\n{\n" + "x;\n" * 70 + "}\nint g(void)\n{\n" + "x;\n" * 70 + "}\n"]),
    (licence, (*C, *PYTHON, "*.sh", "Makefile"),
     [("a.c", "/* what it is */\n"), ("a.c", "\n" + _LICENCE), ("a.py", "import os\n")],
     [("a.c", _LICENCE), ("a.py", "#!/usr/bin/python3\n# SPDX-License-Identifier: Apache-2.0\n")]),
    (opening, C,
     [_LICENCE + "#include <stdio.h>\n", _LICENCE + "\n" * 9 + "/* far below */"],
     [_LICENCE + "\n/* What it is. */\n"]),
    (comment_style, C,
     ["int a; // no\n", "/* ---- section ---- */", "/******/"],
     ["/* yes */", 'puts("http://x");', "char c = '\"'; /* \" // */"]),
    (nothing_unfinished, ("*.c", "*.h", "*.py", "*.md", "*.sh", "*.build", "Makefile", "run"),
     ["/* TO" "DO: this */", "# FIX" "ME", "XX" "X"], ['mkdtemp("a-XXXXXX")', "todos"]),
    (vague_names, C,
     [("src/base/utils.c", ""), ("src/common/a.h", ""), ("src/cli/run-helpers.c", "")],
     [("src/base/utilization.c", "")]),
    (headers_once, C,
     [("a.h", _LICENCE)], [("a.h", _LICENCE + "#pragma once\n"), ("a.c", _LICENCE)]),
    (commented_goto, C,
     ["goto out;"], ["/* the list changed under us */\ngoto again;", "goto again; /* why */"]),
    (python_sleep, PYTHON,
     ["time" ".sleep(1)", "from time " "import monotonic, sleep"], ["cay('sleep', '9')"]),
    (layout, ("*.py", "*.md", "meson.build", "run", "demo", "tour", "install-packages"),
     ["a \n", "a", "a\n\n", "x" * (COLUMN_LIMIT + 1) + "\n"],
     ["a\n", ("a.md", "|" + "x" * COLUMN_LIMIT + "|\n")]),
]
