"""Rules about the structure of the code, checked by reading it."""

import ast
import re
from itertools import chain
from pathlib import Path

import pytest

from appoint.database import dump
from appoint.database.encryption import repository as encryption
from appoint.events.facts import CATALOGUE
from appoint.settings import Settings
from support.source import SOURCE, SQL, feature, is_repository, modules, rules, statements, texts

TESTS = Path(__file__).parents[1]
FRONTEND = TESTS.parent / "frontend"

pytestmark = pytest.mark.xdist_group("source")  # one worker parses the source


def test_the_statements_and_rules_in_the_source_are_found():
    assert len(statements()) > 80
    assert len(rules()) > 25


def test_files_have_at_most_300_lines_of_120_columns():
    """In Python files, the linter checks line lengths."""
    files = {
        path: path.read_text().splitlines()
        for folder in (SOURCE, TESTS, FRONTEND / "scripts", FRONTEND / "styles")
        for path in folder.rglob("*")
        if path.suffix in (".py", ".sql", ".html", ".ts", ".css")
        and not {"migrations", "static"}.intersection(path.parts)
        and path != dump.FILE
    }
    assert len(files) > 500
    assert [str(path) for path, lines in files.items() if len(lines) > 300] == []
    assert [
        f"{path}:{number}"
        for path, lines in files.items()
        if path.suffix != ".py"
        for number, line in enumerate(lines, 1)
        if len(line) > 120
    ] == []


def test_sql_is_only_in_repositories():
    assert [
        (str(path), text)
        for path, module in modules().items()
        if not is_repository(path) and path.parts[0] not in ("database", "demo")
        for text in texts(module)
        if SQL.match(text.value)
    ] == []


def test_only_typed_services_are_read_from_the_application_state():
    assert [
        str(path)
        for path, module in modules().items()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and node.attr == "state"
        and isinstance(node.value, ast.Attribute | ast.Name)
        and ast.unparse(node.value).endswith("app")
    ] == ["http/dependencies.py", "http/request.py", "server/app.py"]


def test_sql_is_never_assembled():
    """Every call passes a whole statement, or a constant."""
    calls = [
        (str(path), call.lineno, call.args[0])
        for path, module in rules().items()
        for call in ast.walk(module)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("fetch", "fetchrow", "fetchval", "execute")
    ]
    assert len(calls) > 80
    assert [
        (path, line)
        for path, line, sql in calls
        if not (isinstance(sql, ast.Constant) or (isinstance(sql, ast.Name) and sql.id.isupper()))
    ] == []


SHARED_CLOCK = (
    "backups.read_position",
    "booking.find_by_idempotency_key",
    "booking.owners_of_patient",
    "notifications.lease_due",
    "notifications.read_contexts",
    "notifications.release_token",
    "notifications.renew",
    "queues.advance",
    "queues.close",
    "queues.issue",
    "queues.open_queue",
    "queues.start_lobby",
    "rooms.lease_due",
    "rooms.release_token",
    "rooms.take_token",
)
"""Statements about leases, daily caps, emergency access, keys that expire and queues use the database's clock, which
all processes share."""


def test_rules_never_read_the_clock():
    """`now` is an argument. SQL reads the clock only to date the rows it writes and, in `insert_appointments`, to rank
    a doctor already chosen earlier in the same booking.
    """
    clocks = {
        ("clock", "now"),
        ("datetime", "now"),
        ("datetime", "utcnow"),
        ("datetime", "today"),
        ("date", "today"),
        ("time", "time"),
        ("time", "time_ns"),
    }
    calls = [
        (str(path), node.lineno)
        for path, module in rules().items()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and (getattr(node.value, "id", getattr(node.value, "attr", None)), node.attr) in clocks
    ]
    with_clock = {
        name
        for name, sql in statements()
        if not name.startswith("database.")
        and re.search(r"\b(now|clock_timestamp)\(|\bcurrent_(date|time)", sql.replace("updated_at = now()", ""))
    }
    assert (calls, with_clock - {"booking.insert_appointments", *SHARED_CLOCK}) == ([], set())


def test_the_catalogue_lists_exactly_the_event_types_that_are_written():
    in_sql = chain.from_iterable(
        re.findall(r"'([a-z-]+\.[a-z-]+)'", sql) for name, sql in statements() if not name.startswith("dev_gateway.")
    )
    writers = [module for path, module in rules().items() if feature(path) not in ("events", "dev_gateway")]
    in_rules = (
        text.value for module in writers for text in texts(module) if re.fullmatch(r"[a-z-]+\.[a-z-]+", text.value)
    )
    columns = {column.name for column in encryption.COLUMNS}
    assert sorted({*in_sql, *in_rules} - {"webhook.test", "invite.ics"} - columns) == sorted(CATALOGUE)


def test_every_setting_has_a_description():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
