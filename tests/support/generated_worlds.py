"""Clinics with hours, absences and appointments that Hypothesis generates, around days when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from appoint.booking.model import Status
from support.brute_force import VisitLength

# Ordinary days, and both days when the clocks change in five zones: by half an hour in Lord Howe, and at midnight in
# São Paulo (until 2019).
DAYS = [
    ("Europe/Berlin", date(2027, 3, 28)),
    ("Europe/Berlin", date(2027, 10, 31)),
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2027, 11, 7)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2027, 10, 3)),
    ("America/Sao_Paulo", date(2018, 2, 17)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Pacific/Auckland", date(2027, 4, 4)),
    ("Pacific/Auckland", date(2027, 9, 26)),
    ("Europe/Berlin", date(2027, 6, 2)),
    ("Asia/Kolkata", date(2027, 3, 28)),
    ("UTC", date(2027, 12, 31)),
]
INSERT_WORLD = Path(__file__).with_name("generated_world.sql").read_text()
HOURS = [(0, 360), (480, 1080), (1080, 1440), (0, 1440), (1320, 1500)]
"""The minutes of the day between which a doctor works: at night, during the day, in the evening, at any time, or across
midnight (which no schedule publishes, but which can exist).
"""


class Line(NamedTuple):
    """Published hours or an absence in wall time: minutes of the day that is `days_later` days after the
    world's first.
    """

    doctor: int
    days_later: int
    first: int
    last: int
    removed: bool = False


class Visit(NamedTuple):
    doctor: int
    days_later: int
    minute: int
    length: VisitLength
    status: Status


class Attempt(NamedTuple):
    """An attempt to book the n-th time that availability shows as free or as taken, or a time that is `minutes` after
    the start of the n-th slot.
    """

    pick: str
    n: int
    minutes: int
    any_doctor: bool


class World(NamedTuple):
    zone: str
    day: date
    now: datetime
    step: int
    notice: int
    horizon: int
    doctors: list[bool]
    """Whether each doctor is active."""
    picky: bool
    """Whether the first doctor does not offer the type."""
    type_active: bool
    typed: bool
    """Whether queries specify the type. Otherwise, they specify the minutes, or nothing at all to get whole slots."""
    length: VisitLength | None
    lines: list[Line]
    absences: list[Line]
    visits: list[Visit]
    first: date
    last: date
    attempts: list[Attempt]


usually = st.integers(0, 9).map(bool)
rarely = st.integers(0, 9).map(lambda n: n == 9)
sizes = st.sampled_from([10, 15, 20, 30, 45, 60, 90, 7])
buffers = st.sampled_from([0, 0, 5, 10, 30, 17])
lengths = st.builds(VisitLength, sizes, buffers, buffers)
cuts = st.one_of(st.integers(0, 72), st.sampled_from([0, 72]))
shifts = st.tuples(
    st.sampled_from(HOURS), st.lists(cuts, min_size=2, max_size=5, unique=True), st.integers(0, 3**4 - 1)
)
doctors = st.tuples(usually, st.sampled_from([(0,), (0, 1), (-1, 0), (0, 18)]), st.tuples(shifts, shifts))
raw_worlds = st.fixed_dictionaries(
    {
        "where": st.sampled_from(DAYS),
        "now": st.integers(-2 * 2880, 1440),
        "step": sizes,
        "notice": st.sampled_from([0, 0, 0, 1, 45, 600]),
        "horizon": st.sampled_from([1, 2, 19, 56]),
        "doctors": st.lists(doctors, min_size=1, max_size=3),
        "picky": rarely,
        "type_active": usually,
        "typed": usually,
        "length": st.one_of(lengths, lengths, st.none()),
        "absences": st.lists(st.tuples(st.integers(0, 20), st.integers(0, 120), st.integers(1, 90)), max_size=1),
        "visits": st.lists(
            st.tuples(st.integers(0, 20), st.integers(0, 180), lengths, st.sampled_from(Status)), max_size=5
        ),
        "range": st.tuples(st.sampled_from([0, 0, 0, -1, 1]), st.integers(0, 2)),
        "attempts": st.lists(
            st.builds(
                Attempt,
                st.sampled_from(["free", "free", "not free", "any minute"]),
                st.integers(0, 99),
                st.integers(-20, 300),
                st.booleans(),
            ),
            min_size=2,
            max_size=6,
        ),
    }
)


def world_of(raw):
    zone, day = raw["where"]
    midnight = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    lines: list[Line] = []
    for doctor, (_, dates, weeks) in enumerate(raw["doctors"]):
        for days_later, ((low, high), cuts, marks) in zip(dates, weeks, strict=False):
            edges = sorted(low + cut * (high - low) // 72 for cut in cuts)
            for n, (first, last) in enumerate(pairwise(edges)):
                mark = marks // 3**n % 3  # a gap, manually removed time, or hours, which are sometimes adjacent
                if mark or len(edges) == 2:
                    lines.append(Line(doctor, days_later, first, last, removed=mark == 1 and len(edges) > 3))
    visits = [(lines[n % len(lines)], *rest) for n, *rest in raw["visits"] if lines]
    absences = [(lines[n % len(lines)], *rest) for n, *rest in raw["absences"] if lines]
    first = day + timedelta(days=raw["range"][0])
    typed = raw["typed"] and raw["length"] is not None
    return World(
        zone=zone,
        day=day,
        now=midnight + timedelta(seconds=30 * raw["now"]),
        step=raw["step"],
        notice=raw["notice"],
        horizon=raw["horizon"],
        doctors=[active for active, *_ in raw["doctors"]],
        picky=raw["picky"],
        type_active=raw["type_active"],
        typed=typed,
        length=raw["length"] if typed or raw["length"] is None else VisitLength(raw["length"].minutes),
        lines=lines,
        absences=[
            Line(at.doctor, at.days_later, at.first + offset, at.first + offset + minutes)
            for at, offset, minutes in absences
        ],
        visits=[
            Visit(at.doctor, at.days_later, at.first + offset, length, status) for at, offset, length, status in visits
        ],
        first=first,
        last=first + timedelta(days=raw["range"][1]),
        attempts=raw["attempts"],
    )
