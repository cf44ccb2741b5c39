"""`appoint money export` prints a clinic's ledger."""

import csv

import pytest

from support.money import Till


@pytest.fixture
async def till(db) -> Till:
    till = await Till.make(db)
    await till.pay(6000, (await till.issue(6000)).id)
    return till


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ([], 2),
        (["--first-day", "2020-01-01"], 2),
        (["--last-day", "2020-01-01"], 0),
        (["--first-day", "2999-01-01"], 0),
    ],
)
async def test_a_ledger_is_exported_as_csv_for_a_range_of_days(till, run_command, options, rows):
    outcome = await run_command("money", "export", str(till.clinic), "--format", "csv", *options)
    assert (outcome.code, len(list(csv.DictReader(outcome.output.splitlines())))) == (0, rows)


async def test_a_ledger_is_exported_for_beancount_by_default(till, run_command):
    outcome = await run_command("money", "export", str(till.clinic))
    assert outcome.output.startswith('option "title" "Lakeside"\noption "operating_currency" "EUR"\n')
    assert outcome.output.count("Assets:Receivable  ") == 2


async def test_an_unknown_clinic_is_an_error(till, run_command):
    outcome = await run_command("money", "export", "999")
    assert (outcome.code, "There is no clinic 999." in outcome.errors) == (1, True)
