"""The ledger as files for accounting programs."""

import re
from decimal import Decimal

import beancount.core.data
import beancount.loader

from appoint.payments.ledger import service
from support.money import Till


async def export(till: Till, format: str, language: str = "en-GB") -> str:
    return await service.export(till.db, till.clinic, format=format, language=language)


def postings(ledger: str) -> list[tuple[str, Decimal, str]]:
    """Return the account, the amount and the currency of each posting."""
    matches = re.findall(r"^  ([A-Z][a-z]+:[A-Za-z]+)  (-?[0-9.]+) ([A-Z]{3})$", ledger, re.MULTILINE)
    return [(account, Decimal(amount), currency) for account, amount, currency in matches]


async def test_every_transaction_in_beancount_balances_and_uses_open_accounts(till):
    invoice = await till.issue(6000)
    payment = await till.pay(7000, invoice.id)
    await till.refund(payment.id, "credit")
    ledger = await export(till, "beancount")
    transactions = ledger.split("\n\n")[2:]
    assert [sum(amount for _, amount, _ in postings(each)) for each in transactions] == [0, 0, 0]
    assert {account for account, _, _ in postings(ledger)} == set(re.findall(r"open (\S+)", ledger))


async def test_amounts_in_beancount_are_in_major_units_on_the_clinics_day(till):
    await till.issue(6050)
    assert [(account, str(amount)) for account, amount, _ in postings(await export(till, "beancount"))] == [
        ("Assets:Receivable", "60.50"),
        ("Income:Revenue", "-60.50"),
    ]


async def test_the_beancount_checker_accepts_the_ledger(till):
    await till.db.execute("update clinic set name = $2 where id = $1", till.clinic, 'The "Lake" \\')
    invoice = await till.issue(6000)
    payment = await till.pay(7000, invoice.id, deposit=True)
    await till.refund(payment.id, "credit")
    await till.correct(invoice.id, 500)
    entries, faults, _ = beancount.loader.load_string(await export(till, "beancount"))
    assert faults == []
    assert len([each for each in entries if isinstance(each, beancount.core.data.Transaction)]) == 7


async def test_a_clinics_name_cannot_end_a_string_in_beancount(till):
    await till.db.execute("update clinic set name = $2 where id = $1", till.clinic, 'The "Lake" \\')
    assert (await export(till, "beancount")).startswith('option "title" "The \\"Lake\\" \\\\"\n')


async def test_the_csv_file_has_one_row_per_transfer(till):
    await till.pay(6000, (await till.issue(6000)).id)
    assert len((await export(till, "csv")).splitlines()) == 3


async def test_spreadsheet_programs_open_the_csv_file_as_a_table(till):
    await till.issue(6000)
    for language, delimiter in {"en-GB": ",", "de-DE": ";", "en": ";"}.items():  # the clinic is in Berlin
        header, row = (await export(till, "csv", language)).splitlines()
        assert header.startswith(f"\ufeffcreatedAt{delimiter}rule{delimiter}debit")
        assert row.split(delimiter)[1:4] == ["invoice-net", "receivable", "revenue"]
