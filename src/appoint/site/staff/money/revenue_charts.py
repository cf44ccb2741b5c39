"""The charts of a clinic's revenue, in the reader's language."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from babel.dates import format_skeleton
from babel.numbers import format_compact_currency

from ....kit.i18n import translate
from ....kit.money import Money, format_amount
from ....kit.regions import locale_of
from ....oversight.reports.model import Chart, axis_values, chart
from ....payments.totals.model import MonthTotals
from ...filters import money


class RevenueChart(NamedTuple):
    """The amounts issued and paid in each month, in one currency."""

    name: str
    heading: str
    """What the chart shows, as a sentence."""
    title: str
    meaning: str
    chart: Chart
    keys: Sequence[str]


def revenue_charts(language: str, months: Sequence[MonthTotals]) -> list[RevenueChart]:
    """Return a chart for each currency, from the first month with documents or payments to the last one."""
    by_currency: dict[str, dict[date, MonthTotals]] = {}
    for month in months:
        by_currency.setdefault(month.currency, {})[month.since] = month
    return [_chart(language, currency, by_currency[currency]) for currency in sorted(by_currency)]


def _chart(language: str, currency: str, totals: dict[date, MonthTotals]) -> RevenueChart:
    locale, days = locale_of(language), _months(min(totals), max(totals))
    issued = [totals[day].issued if day in totals else 0 for day in days]
    paid = [totals[day].paid if day in totals else 0 for day in days]

    def amount(value: int) -> str:
        return money(Money(value, currency), language)

    def titles(key: str, amounts: Sequence[int]) -> list[str]:
        names = [format_skeleton("yMMMM", day, locale=locale) for day in days]
        return [f"{key}, {name}: {amount(value)}" for name, value in zip(names, amounts, strict=True)]

    keys = [translate(language, "Issued"), translate(language, "Paid")]
    return RevenueChart(
        f"revenue-{currency}",
        translate(language, "{paid} paid, {issued} issued", paid=amount(sum(paid)), issued=amount(sum(issued))),
        translate(language, "Issued and paid by month"),
        translate(language, "Invoices by the month of issue, and payments by the month in which they were received."),
        chart(
            [format_skeleton("yMMM", day, locale=locale) for day in days],
            [issued, paid],
            [titles(keys[0], issued), titles(keys[1], paid)],
            [(value, _axis_label(value, currency, language)) for value in axis_values(max(*issued, *paid))],
        ),
        keys,
    )


def _months(first: date, last: date) -> list[date]:
    """Return the first day of each month from the first to the last."""
    return [
        date(number // 12, number % 12 + 1, 1)
        for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    ]


def _axis_label(value: int, currency: str, language: str) -> str:
    """Return a short label, such as “€2K”, which fits beside the axis."""
    major = Decimal(format_amount(Money(value, currency)))
    return format_compact_currency(major, currency, locale=locale_of(language), fraction_digits=1)
