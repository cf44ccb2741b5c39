"""The constraints in this version's schema."""

import re
from functools import cache
from pathlib import Path
from typing import Final

SCHEMA: Final = Path(__file__).with_name("schema.sql")
DECLARATION: Final = re.compile(
    r"^(?:CREATE TABLE public\.(?P<created>\w+) \(|ALTER TABLE ONLY public\.(?P<altered>\w+)"
    r"| +(?:ADD )?CONSTRAINT (?P<constraint>\w+) )",
    re.MULTILINE,
)


@cache
def expected_constraints() -> list[str]:
    """Return the named constraints in `schema.sql`, each as `table.constraint`."""
    table, names = "", list[str]()
    for match in DECLARATION.finditer(SCHEMA.read_text(encoding="utf-8")):
        if constraint := match["constraint"]:
            names.append(f"{table}.{constraint}")
        else:
            table = match["created"] or match["altered"]
    return names
