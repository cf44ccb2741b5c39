"""Statements in separate files: `sql/NAME.sql` next to the repository that runs them."""

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, NamedTuple

TOKEN: Final = re.compile(
    r"""
      '(?:[^']|'')*'                     # string
    | "[^"]*"                            # quoted name
    | --[^\n]*                           # comment
    | /\*.*?\*/
    | (?P<tag>\$\w*\$).*?(?P=tag)        # dollar-quoted string
    | ::                                 # cast
    | (?<![\w:\]]):(?P<name>[a-z_]\w*)   # parameter, but not a slice of an array
    """,
    re.VERBOSE | re.DOTALL,
)


class Query(NamedTuple):
    """A statement with named parameters. `name` labels it in metrics and traces: `feature.statement`."""

    name: str
    text: str
    """The SQL that PostgreSQL receives, with `$1`, `$2`, …"""
    parameters: tuple[str, ...]

    def arguments(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the values in the same order as the parameters. Raise `TypeError` unless there is exactly one value
        for each parameter."""
        if set(values) != set(self.parameters):
            absent = sorted(set(self.parameters) - set(values))
            surplus = sorted(set(values) - set(self.parameters))
            raise TypeError(f"{self.name}: missing parameters {absent}, unknown parameters {surplus}")
        return tuple(values[name] for name in self.parameters)


def load(module: str, statement: str) -> Query:
    """Return the statement in `sql/STATEMENT.sql` in the module's package. `module` is the repository's `__name__`."""
    package = module.rpartition(".")[0]
    text = (resources.files(package) / "sql" / f"{statement}.sql").read_text("utf-8")
    feature = package.removesuffix(".repository")  # a repository may be a package with several modules
    return parse(f"{feature.rpartition('.')[2]}.{statement}", text)


def parse(name: str, text: str) -> Query:
    """Number the parameters, written `:name`, in the order in which they first appear in the text."""
    numbers: dict[str, int] = {}

    def numbered(token: re.Match[str]) -> str:
        parameter = token["name"]
        return f"${numbers.setdefault(parameter, len(numbers) + 1)}" if parameter else token[0]

    return Query(name, TOKEN.sub(numbered, text), tuple(numbers))
