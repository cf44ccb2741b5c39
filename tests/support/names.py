"""Which names in the source are bare participles."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[2] / "src/appoint"
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
    """The number of names in each group of modules that are bare participles."""
    counts = Counter[str]()
    for path in sorted(SOURCE.rglob("*.py")):
        group, *rest = path.relative_to(SOURCE).parts
        if "migrations" not in rest:
            counts[group] += sum(name.strip("_") in PARTICIPLES for name in names(ast.parse(path.read_text())))
    return +counts


def names(tree: ast.AST) -> Iterator[str]:
    """Names of functions, variables and parameters, but not members of structs: those are the wire's and the tables'."""
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
