"""`appoint privacy …` prints and erases the data of a customer."""

import json
import sys
from functools import partial

import pytest

from support.embedded_servers import fetch, query

ANA = "01978a5c-7d3e-7a63-84f7-074d226b3d5d"
MISSING_ID = "01978a5c-7d3e-7a63-84f7-000000000000"


@pytest.fixture
def privacy(emptied_database, run_command):
    """Run `appoint privacy …` on a database in which Lakeside has a patient, Ana, and a doctor."""
    query(
        emptied_database,
        "insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin')",
        f"insert into customer (id, name, email) values ('{ANA}', 'Ana', 'ana@example.org')",
        f"insert into patient (clinic_id, customer_id, notes) values (1, '{ANA}', 'likes tea')",
        "insert into doctor (clinic_id, id, name) values (1, mint_id(1), 'Dr Shah')",
    )
    return partial(run_command, "privacy", database_url=emptied_database)


@pytest.fixture
def rows(database_url):
    """Return the rows that a statement returns."""
    return partial(fetch, database_url)


def book_tomorrow(url: str) -> None:
    query(
        url,
        """
        insert into booking_slot (clinic_id, id, doctor_id, date, during)
        select 1, mint_id(1), id, now()::date + 1,
               tstzrange(now() + interval '1 day', now() + interval '1 day 1 hour')
          from doctor
        """,
        f"""
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed)
        select 1, id, id, doctor_id, '{ANA}', during, during from booking_slot
        """,
    )


def test_export_prints_a_customers_data_as_json_and_records_it_in_the_audit(privacy, rows):
    outcome = privacy("export", ANA)
    export = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert (export["customer"]["name"], export["customer"]["email"], export["patients"][0]["notes"]) == (
        "Ana",
        "ana@example.org",
        "likes tea",
    )
    assert rows("select clinic_id, actor, action, subjects from audit_unsealed") == [
        (0, "command-line", "exportCustomer", [ANA])
    ]


def test_erase_removes_a_customers_data_and_prints_the_counts(privacy, rows):
    outcome = privacy("erase", ANA, "--yes")
    result = json.loads(outcome.out)
    assert (outcome.code, outcome.err, result["customerId"]) == (0, "", ANA)
    assert {name: count for name, count in result["erased"].items() if count} == {"patients": 1}
    assert rows(f"select name, email, active from customer where id = '{ANA}'") != [("Ana", "ana@example.org", True)]
    assert rows("select notes from patient") == [(None,)]
    assert ("command-line", "eraseCustomer", [ANA]) in rows("select actor, action, subjects from audit_unsealed")


def test_erasing_a_customer_twice_changes_nothing_the_second_time(privacy):
    first, again = (json.loads(privacy("erase", ANA, "--yes").out) for _ in range(2))
    assert (again["erasedAt"], sum(again["erased"].values())) == (first["erasedAt"], 0)


@pytest.mark.parametrize("command", ["export", "erase"])
def test_an_unknown_customer_is_reported_by_id(privacy, command):
    outcome = privacy(command, MISSING_ID, *(["--yes"] if command == "erase" else []))
    assert (outcome.code, outcome.out, outcome.err) == (1, "", f"appoint: There is no customer {MISSING_ID}.\n")


def test_a_customer_with_upcoming_appointments_cannot_be_erased(privacy, rows, database_url):
    book_tomorrow(database_url)
    outcome = privacy("erase", ANA, "--yes")
    assert (outcome.code, outcome.out, outcome.err) == (
        1,
        "",
        "appoint: Nothing was erased: the customer has upcoming appointments. Cancel them first.\n",
    )
    assert rows("select name, notes from customer join patient on customer_id = id") == [("Ana", "likes tea")]


def test_erase_without_a_terminal_requires_the_yes_flag(privacy):
    outcome = privacy("erase", ANA)
    assert (outcome.code, outcome.out, outcome.err) == (
        1,
        "",
        "appoint: Nothing was erased. Confirm with --yes, or type yes when asked.\n",
    )


@pytest.mark.parametrize(("typed", "code"), [("yes", 0), ("y", 1), ("", 1)])
def test_erase_at_a_terminal_asks_for_confirmation(privacy, rows, monkeypatch, typed, code):
    questions: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: questions.append(question) or typed)
    assert privacy("erase", ANA).code == code
    assert questions == [f"Erase customer {ANA} permanently? Type yes: "]
    assert (rows("select name from customer") == [("Ana",)]) is bool(code)


def test_an_invalid_id_is_reported(privacy):
    outcome = privacy("export", "Ana")
    assert (outcome.code, '"Ana"' in outcome.err) == (2, True)
