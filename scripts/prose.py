"""Lint prose: documentation, docstrings, and what people read on pages and in messages.

Documentation must have no findings. For docstrings and user-visible texts, `prose_limits.json` sets a maximum for each
folder, which can only fall: `--lower` replaces it with the current count where that is lower.
"""

import ast
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from babel.messages.pofile import read_po
from proselint.checks import __register__
from proselint.config import Config
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, CheckFlags, Padding, types
from proselint.tools import LintFile

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "src/appoint"
RULES: Final = Path(__file__).with_name("prose.toml")
LIMITS: Final = Path(__file__).with_name("prose_limits.json")
GENERATED: Final = (
    "docs/access.md",
    "docs/benchmarks.md",
    "docs/record-minute.md",
    "docs/reference/*.md",
    "docs/rush.md",
)
MARKUP: Final = re.compile(
    r"```.*?```|`[^`\n]*`|(?<=\])\([^)\s]*\)|<!-- prose: off -->.*?<!-- prose: on -->|<!--.*?-->|https?://\S+",
    re.DOTALL,
)
"""Everything in Markdown and docstrings that is not prose: code, URLs, comments, and examples of what not to write."""


class Finding(NamedTuple):
    group: str
    place: str
    message: str


def main() -> int:
    config = configure()
    documentation = [finding for path in pages() for finding in lint(config, "docs", path, path.read_text())]
    for finding in documentation:
        print(f"{finding.place}: {finding.message}")
    code = [*docstrings(config), *texts(config)]
    if "--all" in sys.argv:
        print(*(f"{finding.place}: {finding.message}" for finding in code), sep="\n")
    exceeded = ratchet(Counter(finding.group for finding in code))
    print(f"Prose: {len(documentation)} findings in documentation, {len(code)} in docstrings and texts.")
    return 1 if documentation or exceeded else 0


def configure() -> Config:
    rules = tomllib.loads(RULES.read_text())
    registry = CheckRegistry()
    registry.register_many(__register__)
    flags = CheckFlags(allow_quotes=True)
    for rule in rules["banned"]:
        padding = Padding.RAW if rule.get("raw") else Padding.WORDS_IN_TEXT
        kind = types.Existence(items=tuple(rule["items"]), padding=padding)
        registry.register(Check(kind, path=f"appoint.{rule['name']}", message=rule["message"], flags=flags))
    for rule in rules["preferred"]:
        kind = types.PreferredFormsSimple(items=rule["items"])
        registry.register(Check(kind, path=f"appoint.{rule['name']}", message=rule["message"], flags=flags))
    return {"max_errors": 10_000, "checks": {"appoint": True, **rules["checks"]}}


def pages() -> Iterator[Path]:
    generated = {path for pattern in GENERATED for path in ROOT.glob(pattern)}
    yield from sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")} - generated)


def lint(config: Config, group: str, path: Path, text: str, first_line: int = 1) -> Iterator[Finding]:
    """Report what proselint finds in the prose. Everything else is blanked out, so that line numbers stay correct."""
    prose = MARKUP.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    if not prose.strip():
        return
    for result in LintFile(str(path), prose).lint(config):
        line = prose[: max(result.check_result.span[0], 0)].count("\n") + first_line
        message = " ".join(result.check_result.message.split())
        yield Finding(group, f"{path.relative_to(ROOT)}:{line}", message)


def docstrings(config: Config) -> Iterator[Finding]:
    for path in sorted(SOURCE.rglob("*.py")):
        group = f"docstrings in {path.relative_to(SOURCE).parts[0]}"
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                yield from lint(config, group, path, node.value.value, node.lineno)


def texts(config: Config) -> Iterator[Finding]:
    catalogue = SOURCE / "locale/de.po"
    with catalogue.open("rb") as file:
        for message in read_po(file):
            for text in message.id if isinstance(message.id, tuple) else (message.id,):
                yield from lint(config, "texts", catalogue, text, message.lineno or 1)


def ratchet(counts: Counter[str]) -> bool:
    """Compare with the checked-in limits. Return whether any limit is exceeded."""
    limits: dict[str, int] = json.loads(LIMITS.read_text()) if LIMITS.exists() else dict(counts)
    exceeded = {group: count for group, count in counts.items() if count > limits.get(group, 0)}
    for group, count in exceeded.items():
        print(f"{group}: {count} findings, but the limit is {limits.get(group, 0)}. Run `make prose` to see them.")
    lower = {group: min(limit, counts[group]) for group, limit in limits.items() if counts[group]}
    if "--lower" in sys.argv or not LIMITS.exists():
        LIMITS.write_text(json.dumps(dict(sorted(lower.items())), indent=2) + "\n")
    return bool(exceeded)


if __name__ == "__main__":
    sys.exit(main())
