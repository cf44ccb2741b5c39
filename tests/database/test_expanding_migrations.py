"""Migrations since the previous release remove nothing that the previous release uses."""

import re
from pathlib import Path

import pytest

from appoint.database import migrate
from support import previous_release

SQL_NAME = r"\"?(\w+)\"?"
REMOVALS = {
    rf"drop table (?:if exists )?{SQL_NAME}": "drops a table",
    rf"drop (?:materialized )?view (?:if exists )?{SQL_NAME}": "drops a view",
    rf"drop function (?:if exists )?{SQL_NAME}": "drops a function",
    rf"drop column (?:if exists )?{SQL_NAME}": "drops a column",
    rf"rename column {SQL_NAME} to": "renames a column",
    rf"alter table (?:if exists )?(?:only )?{SQL_NAME} rename to": "renames a table",
    rf"alter (?:column )?{SQL_NAME} (?:set data )?type ": "changes a type",
}
"""Statements after which a server fails if it uses the name that they contain."""
REQUIREMENTS = (
    rf"alter (?:column )?{SQL_NAME} set not null",
    rf"alter (?:column )?{SQL_NAME} drop default",
    rf"add column (?:if not exists )?{SQL_NAME} [^,;]*not null",
)
"""Statements after which inserts fail that do not name the column, unless it has a default."""


def removals(sql: str) -> list[tuple[str, str]]:
    """Return what the statements remove, and its name. Functions and views that are created again don't count."""
    text = normalised(sql)
    return [
        (effect, match[1])
        for pattern, effect in REMOVALS.items()
        for match in re.finditer(pattern, text)
        if not re.search(rf"create (?:or replace )?(?:function|view) {match[1]}\b", text[match.end() :])
    ]


def required_columns(sql: str) -> list[str]:
    """Return the columns that the statements require a value for, and that have no default."""
    text = normalised(sql)
    return [
        match[1]
        for pattern in REQUIREMENTS
        for match in re.finditer(pattern, text)
        if "drop default" in match[0]
        or (
            not re.search(rf"add column (?:if not exists )?{match[1]} [^,;]*(?:default|generated)", text)
            and not re.search(rf"alter (?:column )?{match[1]} set default", text)
        )
    ]


def normalised(sql: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", sql).lower())


def uses(source: Path, name: str) -> list[str]:
    """Return the files of a release, apart from its migrations and its schema, that contain the name."""
    return [
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.suffix in (".py", ".sql")
        and "migrations" not in path.parts
        and path.name != "schema.sql"
        and re.search(rf"\b{name}\b", path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("alter table doctor drop column name;", [("drops a column", "name")]),
        ("alter table doctor\n  drop column if exists name, add column b text;", [("drops a column", "name")]),
        ("alter table doctor rename column name to title;", [("renames a column", "name")]),
        ("ALTER TABLE doctor RENAME TO physician;", [("renames a table", "doctor")]),
        ("drop table doctor;", [("drops a table", "doctor")]),
        ("do $$ begin drop table doctor; end $$;", [("drops a table", "doctor")]),
        ("drop function clinic_of(uuid);", [("drops a function", "clinic_of")]),
        ("drop function f(uuid); create function f(uuid, text) returns text return 'a';", []),
        ("alter table doctor alter email type citext;", [("changes a type", "email")]),
        ("-- drop table doctor;\ncreate table visit (id uuid not null, primary key (id));", []),
    ],
)
def test_removals_are_recognised(sql, expected):
    assert removals(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("alter table doctor alter column email set not null;", ["email"]),
        ("alter table doctor add column a text; alter table doctor alter a set not null;", ["a"]),
        ("alter table doctor add column a text default ''; alter table doctor alter a set not null;", []),
        ("alter table doctor alter column active drop default;", ["active"]),
        ("alter table doctor add column a text not null;", ["a"]),
        ("alter table doctor add column a text not null default '', add column b text;", []),
        ("alter table doctor add column a integer generated always as (1) stored not null;", []),
    ],
)
def test_columns_that_require_a_value_are_recognised(sql, expected):
    assert required_columns(sql) == expected


def test_new_migrations_break_nothing_that_the_previous_release_uses(tmp_path):
    source = previous_release.extract(tmp_path)
    before = {path.name for path in (source / "appoint" / "database" / "migrations").glob("*.sql")}
    new = {path.name: path.read_text() for path in migrate.FOLDER.glob("*.sql") if path.name not in before}
    assert len(before) > 50
    used = {
        (file, effect, name): files
        for file, sql in new.items()
        for effect, name in removals(sql)
        if (files := uses(source, name))
    }
    assert (used, {file: columns for file, sql in new.items() if (columns := required_columns(sql))}) == ({}, {})
