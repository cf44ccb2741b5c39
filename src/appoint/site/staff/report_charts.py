"""The figures, charts and tables in a clinic's reports, in the reader's language."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any, Final, NamedTuple

from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from ...kit.i18n import translatable, translate
from ...kit.regions import locale_of
from ...oversight.reports.model import LEADS, Chart, ReportPeriod, Step, Sums, axis_values, chart, share


def format_percentage(value: float | None, language: str) -> str:
    return (
        "–"
        if value is None
        else format_percent(round(value, 3), locale=locale_of(language), decimal_quantization=False)
    )


def format_number(value: float | None, language: str) -> str:
    return "–" if value is None else format_decimal(round(value, 1), locale=locale_of(language))


def figures(language: str, now: Sums, then: Sums) -> list[tuple[str, str, str]]:
    """Return each figure's name, its value, and its value in the previous period."""
    percent, number = partial(format_percentage, language=language), partial(format_number, language=language)
    definitions: list[tuple[str, Callable[[Any], str], Callable[[Sums], float | None]]] = [
        (translate(language, "Booked"), number, lambda sums: sums.booked),
        (translate(language, "Cancellation rate"), percent, lambda sums: sums.cancellation_rate),
        (translate(language, "No-show rate"), percent, lambda sums: sums.no_show_rate),
        (translate(language, "Utilisation"), percent, lambda sums: sums.utilisation),
        (translate(language, "Lead time in days"), number, lambda sums: sums.mean_lead),
    ]
    return [(name, format_value(value(now)), format_value(value(then))) for name, format_value, value in definitions]


class Headings(NamedTuple):
    """A chart's heading, by how its figure has changed."""

    rose: str
    fell: str
    same: str
    alone: str
    """Without a figure for the previous period."""
    empty: str
    """Without a figure for this period."""

    def render(self, language: str, now: float | None, then: float | None, render_value: Callable[[float], str]) -> str:
        if now is None:
            return translate(language, self.empty)
        value = render_value(now)
        if then is None:
            return translate(language, self.alone, value=value)
        text = self.same if value == render_value(then) else self.rose if now > then else self.fell
        return translate(language, text, value=value)


BOOKINGS: Final = Headings(
    translatable("Bookings rose to {value}"),
    translatable("Bookings fell to {value}"),
    translatable("Bookings stayed at {value}"),
    translatable("Bookings: {value}"),
    translatable("Bookings and cancellations"),
)
NO_SHOWS: Final = Headings(
    translatable("No-shows rose to {value}"),
    translatable("No-shows fell to {value}"),
    translatable("No-shows stayed at {value}"),
    translatable("No-shows: {value}"),
    translatable("No-show rate"),
)
LEAD_TIME: Final = Headings(
    translatable("The average lead time rose to {value}"),
    translatable("The average lead time fell to {value}"),
    translatable("The average lead time stayed at {value}"),
    translatable("Average lead time: {value}"),
    translatable("Lead time"),
)
UTILISATION: Final = Headings(
    translatable("Utilisation rose to {value}"),
    translatable("Utilisation fell to {value}"),
    translatable("Utilisation stayed at {value}"),
    translatable("Utilisation: {value}"),
    translatable("Utilisation"),
)


def utilisation_heading(language: str, now: Sums, then: Sums) -> str:
    percent = partial(format_percentage, language=language)
    return UTILISATION.render(language, now.utilisation, then.utilisation, percent)


class Section(NamedTuple):
    """A chart and its table. If the chart has several series, `keys` names them."""

    name: str
    heading: str
    """What the chart shows, as a sentence."""
    title: str
    meaning: str
    chart: Chart
    keys: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Labels(NamedTuple):
    """How values are written in the reader's language."""

    language: str
    unit: str
    """The heading of the column with the steps."""
    short: Sequence[str]
    """The steps' names in charts."""
    long: Sequence[str]
    """The steps' names in tables."""

    @classmethod
    def of(cls, language: str, period: ReportPeriod, steps: Sequence[Step]) -> "Labels":
        unit = {
            "day": translate(language, "Day"),
            "week": translate(language, "Week of"),
            "month": translate(language, "Month"),
        }[period.unit]
        short = [_step_name(step.since, period, language, short=True) for step in steps]
        long = [_step_name(step.since, period, language) for step in steps]
        return cls(language, unit, short, long)

    def number(self, value: float | None) -> str:
        return format_number(value, self.language)

    def percent(self, value: float | None) -> str:
        return format_percentage(value, self.language)

    def days(self, value: float) -> str:
        return format_unit(round(value, 1), "duration-day", locale=locale_of(self.language))

    def axis(self, maximum: float) -> list[tuple[float, str]]:
        return [(rung, self.number(rung)) for rung in axis_values(maximum)]


def sections(language: str, period: ReportPeriod, steps: Sequence[Step], *, now: Sums, then: Sums) -> list[Section]:
    """Return a period's charts: bookings, no-shows and lead times. Their headings compare its totals with those of the
    previous period."""
    labels, sums = Labels.of(language, period, steps), [step.sums for step in steps]
    bookings = BOOKINGS.render(language, now.booked, then.booked or None, labels.number)
    no_shows = NO_SHOWS.render(language, now.no_show_rate, then.no_show_rate, labels.percent)
    lead_time = LEAD_TIME.render(language, now.mean_lead, then.mean_lead, labels.days)
    return [
        _bookings(labels, sums, bookings),
        _no_shows(labels, sums, no_shows),
        _lead_times(labels, steps, lead_time),
    ]


def _bookings(labels: Labels, sums: Sequence[Sums], heading: str) -> Section:
    language = labels.language
    booked, cancelled = translate(language, "Booked"), translate(language, "Cancelled")
    pairs = list(zip(labels.long, sums, strict=True))
    return Section(
        "bookings",
        heading,
        translate(language, "Bookings and cancellations"),
        translate(
            language, "Appointments by date, and how many of them were cancelled. Times on hold are not counted."
        ),
        chart(
            labels.short,
            [[each.booked for each in sums], [each.cancelled for each in sums]],
            [[f"{name}: {each.booked}" for name, each in pairs], [f"{name}: {each.cancelled}" for name, each in pairs]],
            labels.axis(max((each.booked for each in sums), default=0)),
        ),
        [booked, cancelled],
        [labels.unit, booked, cancelled, translate(language, "Cancellation rate")],
        [
            [name, labels.number(each.booked), labels.number(each.cancelled), labels.percent(each.cancellation_rate)]
            for name, each in pairs
        ],
    )


def _no_shows(labels: Labels, sums: Sequence[Sums], heading: str) -> Section:
    language = labels.language
    pairs = list(zip(labels.long, sums, strict=True))
    rates = [None if each.no_show_rate is None else each.no_show_rate * 100 for each in sums]
    axis = [(rung, labels.percent(rung / 100)) for rung in axis_values(max((rate or 0 for rate in rates), default=0))]
    return Section(
        "no-shows",
        heading,
        translate(language, "No-show rate"),
        translate(language, "Missed appointments as a share of all appointments with a recorded outcome."),
        chart(labels.short, [rates], [[f"{name}: {labels.percent(each.no_show_rate)}" for name, each in pairs]], axis),
        [],
        [
            labels.unit,
            translate(language, "Attended"),
            translate(language, "Missed"),
            translate(language, "No-show rate"),
        ],
        [
            [name, labels.number(each.kept), labels.number(each.missed), labels.percent(each.no_show_rate)]
            for name, each in pairs
        ],
    )


def _lead_times(labels: Labels, steps: Sequence[Step], heading: str) -> Section:
    language = labels.language
    counts = [sum(step.lead[index] for step in steps) for index in range(len(LEADS))]
    pairs = list(zip(map(_range_name, LEADS), counts, strict=True))
    return Section(
        "lead-times",
        heading,
        translate(language, "Lead time"),
        translate(language, "Days between booking and appointment, for all bookings."),
        chart(
            [name for name, _ in pairs],
            [counts],
            [[f"{name}: {count}" for name, count in pairs]],
            labels.axis(max(counts)),
        ),
        [],
        [translate(language, "Days"), translate(language, "Booked"), translate(language, "Share")],
        [[name, labels.number(count), labels.percent(share(count, sum(counts)))] for name, count in pairs],
    )


def _range_name(days: tuple[int, int | None]) -> str:
    first, last = days
    if last is None:
        return f"{first}+"
    return f"{first}–{last}" if first < last else str(first)


def _step_name(since: date, period: ReportPeriod, language: str, *, short: bool = False) -> str:
    locale = locale_of(language)
    if period.unit == "month":
        return format_skeleton("yMMM", since, locale=locale)
    return format_skeleton("MMMd", since, locale=locale) if short else format_date(since, "medium", locale=locale)
