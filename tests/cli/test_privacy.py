"""`appoint privacy …`: what is held about somebody, printed or erased by hand, and what is said when that cannot be."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import asyncpg
import pytest

from appoint.cli import main
from appoint.server import logs
from support import run_clock
from support.database import temporary
from support.embedded_servers import query

ANA = "01978a5c-7d3e-7a63-84f7-074d226b3d5d"
NOBODY = "01978a5c-7d3e-7a63-84f7-000000000000"


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Chores(NamedTuple):
    privacy: Callable[..., Said]
    query: Callable[[str], list[tuple]]


def rows(url: str, statement: str) -> list[tuple]:
    async def fetch() -> list[tuple]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


@pytest.fixture
def chores(server_url, worker_id, monkeypatch, capsys) -> Iterator[Chores]:
    """A database of its own in which Lakeside has a patient, Ana, and a doctor."""
    with temporary(server_url, f"privacy_{worker_id}") as url:
        asyncio.run(run_clock.shift_database(url))
        yield prepare(url, monkeypatch, capsys)


def prepare(url: str, monkeypatch, capsys) -> Chores:
    query(url, "insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin')")
    query(url, f"insert into customer (id, name, email) values ('{ANA}', 'Ana', 'ana@example.org')")
    query(url, f"insert into patient (clinic_id, customer_id, notes) values (1, '{ANA}', 'likes tea')")
    query(url, "insert into doctor (clinic_id, id, name) values (1, mint_id(1), 'Dr Shah')")
    monkeypatch.setenv("APPOINT_DATABASE_URL", url)
    monkeypatch.setattr(logs, "configure", lambda _: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def privacy(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["appoint", "privacy", *arguments])
        code = 0
        try:
            main.main()
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return Chores(privacy, lambda statement: rows(url, statement))


def booked_tomorrow(chores: Chores) -> None:
    chores.query("""
        insert into booking_slot (clinic_id, id, doctor_id, date, during)
        select 1, mint_id(1), id, now()::date + 1, tstzrange(now() + interval '1 day', now() + interval '1 day 1 hour') from doctor
    """)
    chores.query(f"""
        with made as materialized (select mint_id(1) as id)
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed)
        select 1, made.id, made.id, doctor_id, '{ANA}', during, during from booking_slot cross join made
    """)


def test_all_that_is_held_of_somebody_is_printed_as_json_and_that_is_in_the_audit(chores):
    said = chores.privacy("export", ANA)
    found = json.loads(said.out)
    assert (said.code, said.err) == (0, "")
    assert (found["customer"]["name"], found["customer"]["email"], found["patients"][0]["notes"]) == (
        "Ana",
        "ana@example.org",
        "likes tea",
    )
    assert chores.query("select clinic_id, actor, action, subjects from audit_unsealed") == [
        (0, "command-line", "exportCustomer", [ANA])
    ]


def test_somebody_is_erased_and_what_is_printed_counts_what_went(chores):
    said = chores.privacy("erase", ANA, "--yes")
    done = json.loads(said.out)
    assert (said.code, said.err, done["customerId"]) == (0, "", ANA)
    assert {name: count for name, count in done["erased"].items() if count} == {"patients": 1}
    assert chores.query(f"select name, email, active from customer where id = '{ANA}'") != [
        ("Ana", "ana@example.org", True)
    ]
    assert chores.query("select notes from patient") == [(None,)]
    assert ("command-line", "eraseCustomer", [ANA]) in chores.query(
        "select actor, action, subjects from audit_unsealed"
    )


def test_erased_twice_is_erased_once(chores):
    first, again = (json.loads(chores.privacy("erase", ANA, "--yes").out) for _ in range(2))
    assert (again["erasedAt"], sum(again["erased"].values())) == (first["erasedAt"], 0)


@pytest.mark.parametrize("command", ["export", "erase"])
def test_somebody_who_is_not_there_is_named(chores, command):
    said = chores.privacy(command, NOBODY, *(["--yes"] if command == "erase" else []))
    assert (said.code, said.out, said.err) == (1, "", f"appoint: There is no customer {NOBODY}.\n")


def test_nobody_is_erased_who_has_appointments_to_come(chores):
    booked_tomorrow(chores)
    said = chores.privacy("erase", ANA, "--yes")
    assert (said.code, said.out, said.err) == (
        1,
        "",
        "appoint: Nothing was erased: the customer has upcoming appointments. Cancel them first.\n",
    )
    assert chores.query("select name, notes from customer join patient on customer_id = id") == [("Ana", "likes tea")]


def test_nobody_is_erased_by_a_program_that_does_not_say_yes(chores):
    said = chores.privacy("erase", ANA)
    assert (said.code, said.out, said.err) == (
        1,
        "",
        "appoint: Nothing was erased. Confirm with --yes, or type yes when asked.\n",
    )


@pytest.mark.parametrize(("typed", "code"), [("yes", 0), ("y", 1), ("", 1)])
def test_somebody_at_a_terminal_is_asked_first(chores, monkeypatch, typed, code):
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or typed)
    assert chores.privacy("erase", ANA).code == code
    assert asked == [f"Erase customer {ANA} permanently? Type yes: "]
    assert (chores.query("select name from customer") == [("Ana",)]) is bool(code)


def test_what_is_no_id_is_told(chores):
    said = chores.privacy("export", "Ana")
    assert (said.code, '"Ana"' in said.err) == (2, True)
