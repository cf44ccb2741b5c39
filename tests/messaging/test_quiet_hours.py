"""When Appoint sends messages that can wait, and how long failed messages wait for the next attempt."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appoint.kit import clock
from appoint.messaging.notifications.model import Contact, DueReminder
from appoint.messaging.notifications.reminders import plan_reminder
from appoint.messaging.notifications.rules import MINUTES_PER_DAY, outside_quiet_hours, retry_delay

MINUTES = st.integers(0, MINUTES_PER_DAY - 1)
ZONES = st.sampled_from(
    ["Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "America/Santiago"]
)
INSTANTS = st.integers(0, 2 * 365 * MINUTES_PER_DAY).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def at(zone: str, quiet_from: int | None, quiet_until: int | None) -> Contact:
    return Contact(UUID(int=0), "customer", "", "email", zone, quiet_from, quiet_until)


def quiet(instant: datetime, contact: Contact) -> bool:
    local = instant.astimezone(clock.zone(contact.time_zone))
    minute = local.hour * 60 + local.minute
    first, last = contact.quiet_from, contact.quiet_until
    return first <= minute < last if first < last else minute >= first or minute < last


@given(INSTANTS, ZONES, MINUTES, MINUTES)
def test_a_message_that_can_wait_is_sent_when_due_or_at_the_end_of_quiet_hours(due, zone, first, last):
    contact = at(zone, first, last if last != first else (last + 1) % MINUTES_PER_DAY)
    sent_at = outside_quiet_hours(due, contact, latest=FAR, expires=FAR, now=due)
    assert not quiet(sent_at, contact)
    assert all(
        quiet(due + timedelta(minutes=minute), contact)
        for minute in range(0, int((sent_at - due) / timedelta(minutes=1)) - 60, 7)
    )


@given(
    start=INSTANTS,
    first=MINUTES,
    last=MINUTES,
    minutes=st.sampled_from([15, 120, 1440]),
    ahead=st.integers(0, 60),
    until_start=st.integers(0, 2 * MINUTES_PER_DAY),
)
def test_a_reminder_is_sent_outside_quiet_hours_or_not_at_all(*, start, first, last, minutes, ahead, until_start):
    contact = at("Asia/Kolkata", first, last if last != first else (last + 1) % MINUTES_PER_DAY)
    now = start - timedelta(minutes=until_start)
    row = DueReminder(
        1,
        UUID(int=1),
        0,
        start,
        UUID(int=2),
        "sms",
        minutes,
        timedelta(minutes=ahead),
        "Asia/Kolkata",
        contact.quiet_from,
        contact.quiet_until,
    )
    if plan := plan_reminder(row, now):
        assert now <= plan.due_at < start
        assert not quiet(plan.due_at, contact)
    else:
        remaining = min(minutes + ahead, until_start)
        assert all(quiet(start - timedelta(minutes=minute), contact) for minute in range(1, remaining + 1))


def test_a_reminder_about_an_early_appointment_is_sent_the_evening_before():
    start = datetime(2027, 3, 2, 6, 30, tzinfo=UTC)  # half past seven in Berlin
    row = DueReminder(1, UUID(int=1), 0, start, UUID(int=2), "sms", 120, timedelta(0), "Europe/Berlin", 21 * 60, 7 * 60)
    plan = plan_reminder(row, start - timedelta(hours=12))
    assert plan.due_at == datetime(2027, 3, 1, 19, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "due", "before", "end"),
    [
        ("Europe/Berlin", "2027-10-31 05:00+01:00", "2027-10-30 20:59+02:00", "2027-10-31 07:00+01:00"),
        ("Australia/Lord_Howe", "2027-04-04 05:00+10:30", "2027-04-03 20:59+11:00", "2027-04-04 07:00+10:30"),
        ("Europe/Berlin", "2027-03-28 05:00+02:00", "2027-03-27 20:59+01:00", "2027-03-28 07:00+02:00"),
        ("Europe/Berlin", "2027-03-28 01:00+01:00", "2027-03-27 20:59+01:00", "2027-03-28 07:00+02:00"),
    ],
)
def test_quiet_hours_follow_local_time_on_nights_when_clocks_change(zone, due, before, end):
    contact, now = at(zone, 21 * 60, 7 * 60), datetime(2027, 1, 1, tzinfo=UTC)
    due_at, before_at, end_at = (datetime.fromisoformat(text) for text in (due, before, end))
    assert outside_quiet_hours(due_at, contact, latest=due_at, expires=FAR, now=now) == before_at
    assert outside_quiet_hours(due_at, contact, latest=FAR, expires=FAR, now=now) == end_at


@given(INSTANTS, ZONES, MINUTES, MINUTES)
def test_a_message_that_cannot_wait_is_sent_before_quiet_hours(due, zone, first, last):
    contact = at(zone, first, last if last != first else (last + 1) % MINUTES_PER_DAY)
    sent_at = outside_quiet_hours(due, contact, latest=due, expires=FAR, now=datetime(2020, 1, 1, tzinfo=UTC))
    assert sent_at <= due
    assert not quiet(sent_at, contact)


def test_without_quiet_hours_everything_is_sent_when_due():
    due = datetime(2027, 3, 1, 3, tzinfo=UTC)
    assert outside_quiet_hours(due, at("UTC", None, None), latest=due, expires=FAR, now=due) == due


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_each_failed_attempt_waits_longer_but_at_most_half_an_hour(attempts, luck):
    wait = retry_delay(attempts, luck)
    assert timedelta(seconds=7.5) <= wait <= timedelta(minutes=30)
    assert wait <= timedelta(seconds=15) * 2 ** (min(attempts, 20) - 1)
