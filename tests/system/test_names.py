"""A name says what a thing is, not what happened to it (docs/writing.md)."""

import ast
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from support.source import SOURCE, modules

pytestmark = pytest.mark.xdist_group("source")  # one worker parses the source

ALLOWED: Final[dict[str, int]] = json.loads(Path(__file__).with_name("participles.json").read_text())
"""How many bare participles each group may still have. Lower a number whenever you rename one."""
PARTICIPLES: Final = frozenset(
    [
        "answered",
        "asked",
        "caught",
        "chosen",
        "counted",
        "filled",
        "forgotten",
        "found",
        "given",
        "gone",
        "granted",
        "heard",
        "held",
        "kept",
        "known",
        "listed",
        "made",
        "meant",
        "missing",
        "named",
        "noted",
        "offered",
        "opened",
        "proven",
        "refused",
        "said",
        "seen",
        "shown",
        "sought",
        "taken",
        "thrown",
        "told",
        "touched",
        "wanted",
        "written",
    ]
)


def participles() -> Counter[str]:
    """Count the names that are bare participles in each group of modules."""
    counts = Counter[str]()
    for path, module in modules().items():
        counts[path.parts[0]] += sum(name.strip("_") in PARTICIPLES for name in names(module))
    return +counts


def names(tree: ast.AST) -> Iterator[str]:
    """Yield the names of functions, variables and parameters. Struct members follow the API and the tables."""
    members = {
        id(statement.target) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for statement in node.body
        if isinstance(statement, ast.AnnAssign)
    }  # fmt: skip
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) if id(node) not in members:
                yield name
            case _:
                pass


def test_no_group_gains_bare_participles_as_names():
    assert {group: count for group, count in participles().items() if count > ALLOWED.get(group, 0)} == {}


def test_the_list_names_only_groups_that_exist():
    assert [group for group in ALLOWED if not (SOURCE / group).exists()] == []
