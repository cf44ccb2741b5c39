"""The product's source: its modules, their strings and their statements."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import appoint
from appoint.database import sql

SOURCE = Path(appoint.__file__).parent
SQL = re.compile(r"\s*(with|select|insert into|update|delete from|truncate|table|copy|lock) ")


@cache
def modules() -> dict[Path, ast.Module]:
    """Return all modules by their path within the package."""
    return {path.relative_to(SOURCE): ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}


class Text(NamedTuple):
    """A string in the source, and the top-level function, class or constant that contains it."""

    holder: str
    value: str


def texts(module: ast.Module) -> Iterator[Text]:
    """Yield all strings in a module except docstrings."""
    for part in module.body:
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                holder = part.name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                holder = name
            case _:
                holder = ""
        documentation = {id(node.value) for node in ast.walk(part) if isinstance(node, ast.Expr)}
        for node in ast.walk(part):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                yield Text(holder, node.value)


REPOSITORIES = (
    "repository.py",
    "addresses.py",
    "confirmed_addresses.py",
    "erasure.py",
    "lists.py",
    "owners.py",
    "visits.py",
)


def feature(path: Path) -> str:
    """Return the feature that a module belongs to."""
    return path.parts[path.parts.index("repository") - 1] if "repository" in path.parts else path.parent.name


MORE_REPOSITORIES = [Path("database") / name for name in ("upkeep.py", "job_runs.py", "backup_gaps.py")]


def is_repository(path: Path) -> bool:
    """Return whether the module is a repository, or part of a package that is one."""
    return path.name in REPOSITORIES or "repository" in path.parts


@cache
def statements() -> list[tuple[str, str]]:
    """Return the name and text of every statement in a repository or an SQL file."""
    in_modules = [
        (f"{feature(path)}.{text.holder.lower()}", text.value)
        for path, module in modules().items()
        if is_repository(path) or path in MORE_REPOSITORIES
        for text in texts(module)
        if SQL.match(text.value)
    ]
    in_files = [
        sql.parse(f"{feature(path.parent)}.{path.stem}", path.read_text()) for path in sorted(SOURCE.rglob("sql/*.sql"))
    ]
    return in_modules + [(query.name, query.text) for query in in_files]


@cache
def rules() -> dict[Path, ast.Module]:
    """Return the modules that contain rules and statements. They know nothing about the clock or the web."""
    return {
        path: module
        for path, module in modules().items()
        if is_repository(path)
        or path.name in ("service.py", "search.py", "model.py", "rules.py", "refusals.py", "planning.py", "retries.py")
        or path in [Path(f"booking/{name}.py") for name in ("book", "holds", "reschedule", "transitions")]
        or path in [Path(f"identity/accounts/{name}.py") for name in ("credentials", "staff")]
        or path in [Path(f"payments/{name}.py") for name in ("invoices/corrections", "payments/allocating")]
        or path in [Path(f"payments/{name}/refunds.py") for name in ("payments", "checkout")]
    }
