"""Only one package writes to each table. The tests find writers by reading all statements."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import appoint
from appoint.database import dump

SOURCE = Path(appoint.__file__).parent
TABLES = set(re.findall(r"^CREATE TABLE public\.(\w+) ", dump.FILE.read_text(), re.MULTILINE))
WRITES = re.compile(r"\b(?:insert\s+into|delete\s+from|update(?=\s+[\w.]+(?:\s+(?:as\s+)?\w+)?\s+set\b))\s+([\w.]+)")
LOADERS = {"demo"}
"""Packages that fill empty databases. They can write to any table."""

EXCEPTIONS = {
    "absence": {"database", "scheduling"},  # as for app_user
    "app_user": {"database", "identity"},  # database/encryption replaces ciphertexts, but never what they say
    # as for app_user; the statement that changes hours marks the appointments it strands; and ending a guardianship
    # invalidates the links that the guardian has
    "appointment": {"booking", "customers", "database", "scheduling"},
    "appointment_step": {"booking", "database"},  # as for app_user
    "audit_unsealed": {"audit", "booking"},  # a booking and its audit entry share one round trip
    "booking_slot": {
        "booking",
        "clinics",
        "scheduling",
    },  # bookings release remnants; doctors who leave lose their slots
    "clinic": {
        "clinics",
        "database",
        "identity",
    },  # database/moves changes its home; identity writes the access rules, which are not public
    "call_settings": {"calls", "database"},  # as for app_user
    "recording": {"calls", "database"},  # as for app_user
    # closing a clinic closes its hours, and clinics is a layer below scheduling
    "doctor_slot": {"clinics", "scheduling"},
    "event": {"booking", "calls", "clinics", "customers", "events", "scheduling"},  # each change writes its own event
    "emergency_access": {"database", "oversight"},  # as for app_user
    "patient": {
        "booking",
        "customers",
        "database",
    },  # as for app_user; the statement for a first booking makes the customer a patient
    "time_slot": {"clinics", "scheduling"},  # as for doctor_slot
    "webhook": {"database", "integrations"},  # as for app_user
}
"""Tables that several packages write to, and why. Add others only for similar reasons."""


def statements() -> Iterator[tuple[str, str]]:
    """Yield the package and text of every string and every SQL file in the source, except migrations."""
    for path in sorted(SOURCE.rglob("*.*")):
        package, *rest = path.relative_to(SOURCE).parts
        if package in LOADERS or "migrations" in rest or path == dump.FILE:
            continue
        if path.suffix == ".sql":
            yield package, path.read_text()
        elif path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield package, node.value


def writers() -> dict[str, set[str]]:
    """Return the packages that write to each table."""
    packages_of: dict[str, set[str]] = defaultdict(set)
    for package, text in statements():
        for table in WRITES.findall(text):
            if table in TABLES:
                packages_of[table].add(package)
    return packages_of


def test_every_table_has_a_writer():
    """If a table had none, the pattern would have missed some statements."""
    assert writers().keys() == TABLES


def test_each_table_is_written_by_one_package():
    assert {table: packages for table, packages in writers().items() if len(packages) > 1} == EXCEPTIONS
