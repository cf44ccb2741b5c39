"""`appoint privacy …` prints and erases a customer's data."""

import json
from functools import partial

import pytest

ANA = "01978a5c-7d3e-7a63-84f7-074d226b3d5d"
MISSING_ID = "01978a5c-7d3e-7a63-84f7-000000000000"


@pytest.fixture
async def privacy(db, run_command):
    """Run `appoint privacy …` on a database with the clinic Lakeside, its patient Ana and a doctor."""
    await db.execute("insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin')")
    await db.execute("insert into customer (id, name, email) values ($1, 'Ana', 'ana@example.org')", ANA)
    await db.execute("insert into patient (clinic_id, customer_id, notes) values (1, $1, 'likes tea')", ANA)
    await db.execute("insert into doctor (clinic_id, id, name) values (1, mint_id(1), 'Dr Shah')")
    return partial(run_command, "privacy")


@pytest.fixture
def rows(db):
    """Return a statement's rows."""

    async def fetch(statement: str) -> list[tuple]:
        return [tuple(row) for row in await db.fetch(statement)]

    return fetch


async def book_tomorrow(db) -> None:
    await db.execute(
        """
        insert into booking_slot (clinic_id, id, doctor_id, date, during)
        select 1, mint_id(1), id, now()::date + 1,
               tstzrange(minute + interval '1 day', minute + interval '1 day 1 hour')
          from doctor, date_trunc('minute', now()) as minute
        """
    )
    await db.execute(
        """
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed)
        select 1, id, id, doctor_id, $1, during, during from booking_slot
        """,
        ANA,
    )


async def test_export_prints_a_customers_data_as_json_and_the_audit_log_records_this(privacy, rows):
    outcome = await privacy("export", ANA)
    export = json.loads(outcome.output)
    assert (outcome.code, outcome.errors) == (0, "")
    assert (export["customer"]["name"], export["customer"]["email"], export["patients"][0]["notes"]) == (
        "Ana",
        "ana@example.org",
        "likes tea",
    )
    assert await rows("select clinic_id, actor, action, subjects from audit_unsealed") == [
        (0, "command-line", "exportCustomer", [ANA])
    ]


async def test_erase_removes_a_customers_data_and_prints_the_counts(privacy, rows):
    outcome = await privacy("erase", ANA, "--yes")
    result = json.loads(outcome.output)
    assert (outcome.code, outcome.errors, result["customerId"]) == (0, "", ANA)
    assert {name: count for name, count in result["erased"].items() if count} == {"patients": 1}
    assert await rows(f"select name, email, active from customer where id = '{ANA}'") != [
        ("Ana", "ana@example.org", True)
    ]
    assert await rows("select notes from patient") == [(None,)]
    assert ("command-line", "eraseCustomer", [ANA]) in await rows("select actor, action, subjects from audit_unsealed")


async def test_erasing_a_customer_twice_changes_nothing_the_second_time(privacy):
    first, again = [json.loads((await privacy("erase", ANA, "--yes")).output) for _ in range(2)]
    assert (again["erasedAt"], sum(again["erased"].values())) == (first["erasedAt"], 0)


@pytest.mark.parametrize("command", ["export", "erase"])
async def test_an_unknown_customer_is_reported_by_id(privacy, command):
    outcome = await privacy(command, MISSING_ID, *(["--yes"] if command == "erase" else []))
    assert (outcome.code, outcome.output, outcome.errors) == (1, "", f"appoint: There is no customer {MISSING_ID}.")


async def test_a_customer_with_upcoming_appointments_cannot_be_erased(privacy, rows, db):
    await book_tomorrow(db)
    outcome = await privacy("erase", ANA, "--yes")
    assert (outcome.code, outcome.output, outcome.errors) == (
        1,
        "",
        "appoint: Nothing was erased: the customer has upcoming appointments. Cancel them first.",
    )
    assert await rows("select name, notes from customer join patient on customer_id = id") == [("Ana", "likes tea")]


async def test_erase_without_a_terminal_requires_the_yes_flag(privacy):
    outcome = await privacy("erase", ANA)
    assert (outcome.code, outcome.output, outcome.errors) == (
        1,
        "",
        "appoint: Nothing was erased. Confirm with --yes, or type yes when asked.",
    )


@pytest.mark.parametrize(("typed", "code"), [("yes", 0), ("y", 1), ("", 1)])
async def test_erase_at_a_terminal_asks_for_confirmation(privacy, rows, typed, code):
    outcome = await privacy("erase", ANA, stdin=f"{typed}\n", terminal=True)
    assert outcome.code == code
    assert outcome.output.startswith(f"Erase customer {ANA} permanently? Type yes:")
    assert (await rows("select name from customer") == [("Ana",)]) is bool(code)


async def test_an_invalid_id_is_reported(privacy):
    outcome = await privacy("export", "Ana")
    assert (outcome.code, '"Ana"' in outcome.errors) == (2, True)
