"""Who is told what, when, and when not after all."""

import asyncio
from datetime import datetime, timedelta

import pytest

from appoint.booking import service, transitions
from appoint.booking.model import AppointmentPatch, RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from appoint.messaging.channels.model import Delayed, Undeliverable
from appoint.messaging.notifications import jobs
from appoint.messaging.notifications import service as planning
from appoint.messaging.notifications.repository import delivery, preferences
from appoint.messaging.notifications.repository.planning import plan_agendas
from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from support import run_clock
from support.post import Office, Post
from support.world import MONDAY, RECEPTION, World, at

TOMORROW = MONDAY + timedelta(days=1)
NEXT_WEEK = MONDAY + timedelta(days=7)


@pytest.fixture
async def world(db, monkeypatch):
    """Ana has an e-mail address, Ben a telephone; it is Monday, seven o'clock in Berlin."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, email="desk@lakeside.example", agenda_minute=None)
        await db.execute("update customer set email = 'ana@example.org' where id = $1", world.ana)
        await db.execute("update customer set phone = '+493012345678' where id = $1", world.ben)
        for day in (TOMORROW, NEXT_WEEK):
            await world.publish(world.dr_shah, at(8, day=day), at(16, day=day))
        monkeypatch.setattr(clock, "now", lambda: world.now)
        yield world


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def office(db, post):
    return Office(db, post)


async def statuses(db) -> list[str]:
    return [f"{row.kind} {row.status}" for row in await db.fetch("select kind, status from notification order by id")]


async def move(world, appointment, start: datetime):
    return await reschedule(
        world.db,
        RECEPTION,
        appointment_id=appointment.id,
        to=RescheduleRequest(start_time=start),
        if_match=None,
        now=world.now,
    )


async def cancel(world, appointment):
    await world.db.atomic(
        transitions.cancel, RECEPTION, appointment_id=appointment.id, reason=None, if_match=None, now=world.now
    )


async def step(world, appointment, name):
    await world.db.atomic(transitions.apply, RECEPTION, appointment_id=appointment.id, name=name, now=world.now)


# what is told


async def test_who_books_is_mailed_a_confirmation(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.tell(world.now)
    (message,) = post.taken
    assert (message.to, message.channel, message.calendar_method) == ("ana@example.org", "email", "REQUEST")
    assert "Dr Shah" in message.text


async def test_who_has_no_address_but_a_telephone_gets_a_text_message(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ben)
    await office.tell(world.now)
    assert [(message.to, message.channel) for message in post.taken] == [("+493012345678", "sms")]


async def test_who_has_neither_is_told_nothing(world, office, post):
    cy = await world.add_customer("Cy")
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), cy)
    await office.tell(world.now)
    assert (post.taken, await statuses(world.db)) == ([], [])


async def test_an_event_that_is_told_twice_tells_people_once(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.tell(world.now)
    await world.db.execute(
        "insert into event (clinic_id, type, subject_id, subject_version, data) select clinic_id, type, subject_id, subject_version, data from event_log"
    )
    await office.tell(world.now)
    assert len(post.taken) == 1


async def test_an_edited_note_sends_nothing_again(world, office, post):
    booked = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.tell(world.now)
    await world.db.atomic(
        service.change,
        RECEPTION,
        appointment_id=booked.id,
        change=AppointmentPatch(notes="Brings X-rays"),
        if_match=None,
    )
    await office.tell(world.now)
    assert len(post.taken) == 1


async def test_a_move_is_told_with_a_new_invitation_to_the_same_entry(world, office, post):
    booked = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.tell(world.now)
    await move(world, booked, at(10, day=NEXT_WEEK))
    await office.tell(world.now)
    before, after = post.taken
    assert f"UID:{booked.id}" in before.calendar
    assert f"UID:{booked.id}" in after.calendar
    assert ("SEQUENCE:0" in before.calendar, "SEQUENCE:1" in after.calendar, after.calendar_method) == (
        True,
        True,
        "REQUEST",
    )


async def test_a_cancellation_withdraws_the_invitation(world, office, post):
    booked = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.tell(world.now)
    await cancel(world, booked)
    await office.tell(world.now)
    assert (post.taken[1].calendar_method, "METHOD:CANCEL" in post.taken[1].calendar) == ("CANCEL", True)


async def test_a_hold_is_confirmed_by_nothing_and_warned_of_before_it_ends(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana, hold=True)
    await office.tell(world.now)
    assert post.taken == []
    world.now += timedelta(minutes=7)
    await office.send(world.now)
    assert (await statuses(world.db), len(post.taken)) == (["hold-expiring sent"], 1)


async def test_a_hold_that_was_confirmed_is_not_warned_of(world, office, post):
    held = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana, hold=True)
    await office.plan(world.now)
    await step(world, held, "confirm")
    await office.tell(world.now)
    world.now += timedelta(minutes=7)
    await office.send(world.now)
    assert sorted(await statuses(world.db)) == ["confirmation sent", "hold-expiring superseded"]


async def test_a_hold_that_is_cancelled_is_nobodys_news(world, office, post):
    held = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana, hold=True)
    await cancel(world, held)
    await office.tell(world.now)
    assert (post.taken, await statuses(world.db)) == ([], ["hold-expiring superseded"])


async def test_who_did_not_come_is_told_that_they_were_missed(world, office, post):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    await office.tell(world.now)
    world.now = at(10)
    await step(world, booked, "noShow")
    await office.tell(world.now)
    assert await statuses(world.db) == ["confirmation sent", "missed sent"]


async def test_staff_are_told_of_appointments_that_an_absence_strands(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.tell(world.now)
    away = AbsenceContent(start_time=at(8, day=NEXT_WEEK), end_time=at(12, day=NEXT_WEEK), doctor_id=world.dr_shah)
    await world.db.atomic(absences.add, RECEPTION, clinic_id=world.clinic, content=away, force=True, now=world.now)
    await office.tell(world.now)
    assert post.taken[-1].to == "desk@lakeside.example"
    assert "Ana" in post.taken[-1].text


async def test_an_alert_about_appointments_that_have_been_moved_meanwhile_is_not_sent(world, office, post):
    booked = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    away = AbsenceContent(start_time=at(8, day=NEXT_WEEK), end_time=at(12, day=NEXT_WEEK), doctor_id=world.dr_shah)
    await world.db.atomic(absences.add, RECEPTION, clinic_id=world.clinic, content=away, force=True, now=world.now)
    await office.plan(world.now)
    await move(world, booked, at(14, day=NEXT_WEEK))
    await office.send(world.now)
    assert "stranded superseded" in await statuses(world.db)


async def test_doctors_are_mailed_their_day_once_in_the_morning(world, office, post):
    await world.set_clinic(world.clinic, agenda_minute=7 * 60)
    await world.db.execute("update doctor set email = 'shah@lakeside.example' where id = $1", world.dr_shah)
    await world.book(world.dr_shah, at(9), world.ana)
    await world.book(world.dr_shah, at(10), world.ben)
    for minute in (-1, 0, 1):
        await plan_agendas(world.db, lasting=timedelta(hours=3), now=world.now + timedelta(minutes=minute))
    await office.send(world.now)
    (message,) = post.taken
    assert (message.to, message.text.index("Ana") < message.text.index("Ben")) == ("shah@lakeside.example", True)


async def test_a_doctor_without_appointments_gets_no_agenda(world, office, post):
    await world.set_clinic(world.clinic, agenda_minute=7 * 60)
    await world.db.execute("update doctor set email = 'shah@lakeside.example' where id = $1", world.dr_shah)
    await plan_agendas(world.db, lasting=timedelta(hours=3), now=world.now)
    await office.send(world.now)
    assert (post.taken, await statuses(world.db)) == ([], ["agenda superseded"])


# reminders


async def test_reminders_leave_a_day_and_two_hours_before(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.tell(world.now)
    seen = []
    while world.now < at(9, day=NEXT_WEEK):
        await office.remind(world.now, timedelta(minutes=1))
        await office.send(world.now)
        if len(post.taken) > len(seen) + 1:
            seen.append(at(9, day=NEXT_WEEK) - world.now)
        world.now += timedelta(minutes=10)
    assert [round(before / timedelta(hours=1)) for before in seen] == [24, 2]


async def test_reminders_are_planned_once_however_often_and_by_however_many(world, office):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)
    now = at(9, day=NEXT_WEEK) - timedelta(hours=24)
    await asyncio.gather(*(office.remind(now) for _ in range(5)))
    assert await statuses(world.db) == ["confirmation queued", "reminder-1440 queued"]


async def test_there_is_no_reminder_of_what_was_booked_after_its_time(world, office):
    await world.db.execute("update clinic set reminder_minutes = '{1440, 120}'")
    booked = await world.book(world.dr_shah, at(12), world.ana)
    await world.db.execute("update appointment set created_at = $1 where id = $2", world.now, booked.id)
    assert await office.remind(world.now) == 0
    assert await office.remind(at(10)) == 1


async def test_a_reminder_that_no_worker_was_there_for_is_late_but_not_lost(world, office, post):
    booked = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await world.db.execute("update appointment set created_at = $1 where id = $2", world.now, booked.id)
    world.now = at(9, day=NEXT_WEEK) - timedelta(hours=20)
    await office.remind(world.now)
    await office.send(world.now)
    assert len(post.taken) == 1


async def test_those_who_cannot_be_told_do_not_stand_in_the_way_of_others(world, office, monkeypatch):
    monkeypatch.setattr(planning, "REMINDER_BATCH_SIZE", 1)
    cy = await world.add_customer("Cy")
    for minute, who in ((0, cy), (30, world.ana)):
        booked = await world.book(world.dr_shah, at(9, minute, day=TOMORROW), who)
        await world.db.execute(
            "update appointment set created_at = $1 where id = $2", world.now - timedelta(days=3), booked.id
        )
    assert await office.remind(at(8, 45)) == 1


async def test_what_is_moved_is_reminded_of_at_its_new_time_alone(world, office, post):
    booked = await world.book(world.dr_shah, at(9, day=TOMORROW), world.ana)
    await world.db.execute(
        "update appointment set created_at = $1 where id = $2", world.now - timedelta(days=3), booked.id
    )
    await office.remind(at(8))
    await move(world, booked, at(9, day=NEXT_WEEK))
    await world.db.execute("update appointment set rescheduled_at = $1 where id = $2", world.now, booked.id)
    await office.tell(at(8))
    await office.remind(at(9, day=NEXT_WEEK) - timedelta(hours=24))
    assert await statuses(world.db) == [
        "reminder-1440 superseded",
        "confirmation superseded",
        "moved sent",
        "reminder-1440 queued",
    ]


@pytest.mark.parametrize("change", [cancel, lambda world, booked: move(world, booked, at(11, day=TOMORROW))])
async def test_a_reminder_does_not_leave_once_the_appointment_is_changed_even_when_the_change_was_not_told_yet(
    world, office, post, change
):
    booked = await world.book(world.dr_shah, at(9, day=TOMORROW), world.ana)
    await world.db.execute(
        "update appointment set created_at = $1 where id = $2", world.now - timedelta(days=3), booked.id
    )
    await office.remind(at(8))
    leased = await office.take(at(9))  # about to be sent
    await change(world, booked)
    for channel, taken in leased:
        await jobs.send(world.db, office.sending, channel, taken)
    assert (post.taken, await statuses(world.db)) == ([], ["reminder-1440 superseded"])


async def test_nothing_leaves_after_the_start(world, office, post):
    await world.book(world.dr_shah, at(9), world.ana)
    await office.plan(world.now)
    world.now = at(9)
    await office.send(world.now)
    (row,) = await world.db.fetch("select status, reason from notification")
    assert (post.taken, row.status, row.reason) == ([], "dead", "it expired before it was sent")


# what goes wrong


async def test_a_provider_that_is_away_delays_and_loses_nothing(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    post.trouble = Delayed("the mail server cannot be reached")
    await office.tell(world.now)
    waits = []
    for _ in range(8):
        (row,) = await world.db.fetch("select status, due_at, reason from notification")
        assert (row.status, row.reason) == ("queued", "the mail server cannot be reached")
        waits.append(row.due_at - world.now)
        world.now = row.due_at
        await office.send(world.now)
    assert all(earlier < later * 1.01 for earlier, later in zip(waits, waits[2:], strict=False))
    assert max(waits) <= timedelta(minutes=30)
    post.trouble = None
    world.now += timedelta(minutes=30)
    await office.send(world.now)
    assert len(post.taken) == 1


async def test_an_address_that_does_not_exist_is_dead_at_once_and_says_why(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    post.trouble = Undeliverable("the mail server does not know this address (550)")
    await office.tell(world.now)
    (row,) = await world.db.fetch("select status, attempts, reason from notification")
    assert (row.status, row.attempts, row.reason) == ("dead", 1, "the mail server does not know this address (550)")


async def test_a_fault_of_ours_delays_and_is_said(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    post.trouble = LookupError("Ana")
    await office.tell(world.now)
    (row,) = await world.db.fetch("select status, reason from notification")
    assert tuple(row) == ("queued", "internal error; see the log")


async def test_who_does_not_want_mails_any_more_is_not_sent_what_is_queued(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)
    await preferences.unsubscribe(world.db, world.ana, "email")
    await office.send(world.now)
    assert (post.taken, await statuses(world.db)) == ([], ["confirmation superseded"])


async def test_a_worker_that_dies_after_sending_sends_again_with_the_same_token(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)

    async def die() -> None:
        if not post.taken:
            post.taken.append(None)  # the provider has taken it; we never hear of it
            raise asyncio.CancelledError

    post.before = die
    with pytest.raises(asyncio.CancelledError):
        await office.send(world.now)
    assert await statuses(world.db) == ["confirmation leased"]
    world.now += jobs.LEASE
    await office.send(world.now)
    world.now += jobs.LEASE
    await office.send(world.now)
    assert len(post.taken) == 2


async def test_a_message_that_takes_long_to_be_accepted_is_not_sent_by_another(world, office, post, monkeypatch):
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.3))
    monkeypatch.setattr(clock, "now", run_clock.now)
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(clock.now())

    async def slowly() -> None:
        for _ in range(10):
            await asyncio.sleep(0.1)
            assert await office.take(clock.now()) == []

    post.before = slowly
    await office.send(clock.now())
    assert (len(post.taken), await statuses(world.db)) == (1, ["confirmation sent"])


async def test_workers_that_take_at_once_send_each_notification_once(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)
    await asyncio.gather(*(office.send(world.now) for _ in range(5)))
    assert len(post.taken) == 1


async def test_a_lease_that_ran_out_sends_nothing(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)
    ((channel, lost),) = await office.take(world.now)
    world.now += jobs.LEASE
    ((_, taken),) = await office.take(world.now)
    await jobs.send(world.db, office.sending, channel, lost)
    assert post.taken == []
    await jobs.send(world.db, office.sending, channel, taken)
    assert len(post.taken) == 1


async def test_a_token_is_the_same_for_each_attempt_and_another_for_a_resend(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.tell(world.now)
    id = await world.db.fetchval("select id from notification")
    await delivery.requeue(world.db, id, now=world.now)
    await office.send(world.now)
    assert [message.token for message in post.taken] == [f"{id}.0", f"{id}.1"]


# urgent first, quiet hours


async def test_a_cancellation_for_today_goes_before_everything_else(world, office, post):
    for minute in (0, 30):
        await world.book(world.dr_shah, at(9, minute, day=NEXT_WEEK), world.ana)
    today = await world.book(world.dr_shah, at(9), world.ana)
    await office.plan(world.now)
    await world.db.execute("update notification set status = 'sent', sent_at = now() where expires_at = $1", at(9))
    await cancel(world, today)
    await office.tell(world.now)
    assert post.taken[0].calendar_method == "CANCEL"


async def test_what_can_wait_is_not_sent_in_quiet_hours(world, office, post):
    await world.db.execute("update clinic set quiet_from = 20 * 60, quiet_until = 7 * 60")
    booked = await world.book(world.dr_shah, at(9), world.ana)
    await office.tell(world.now)
    world.now = at(22)  # 23:00 in Berlin
    await step(world, booked, "noShow")
    await office.tell(world.now)
    assert len(post.taken) == 1
    world.now = at(6, day=TOMORROW)
    await office.send(world.now)
    assert len(post.taken) == 2


async def test_what_became_due_in_quiet_hours_by_a_failure_waits_until_they_end(world, office, post):
    booked = await world.book(world.dr_shah, at(9), world.ana)
    await office.tell(world.now)
    world.now = at(18)
    await step(world, booked, "noShow")
    await office.plan(world.now)
    await world.db.execute("update clinic set quiet_from = 19 * 60, quiet_until = 7 * 60")
    await office.send(world.now)
    (due,) = await world.db.fetch("select due_at from notification where kind = 'missed'")
    assert (len(post.taken), due.due_at) == (1, at(6, day=TOMORROW))


async def test_a_move_at_night_is_told_at_once(world, office, post):
    await world.db.execute("update clinic set quiet_from = 20 * 60, quiet_until = 7 * 60")
    world.now = at(22)
    booked = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await move(world, booked, at(10, day=NEXT_WEEK))
    await office.tell(world.now)
    assert "moved sent" in await statuses(world.db)


async def test_a_confirmation_answers_also_in_quiet_hours(world, office, post):
    await world.db.execute("update clinic set quiet_from = 20 * 60, quiet_until = 7 * 60")
    world.now = at(22)
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.tell(world.now)
    assert len(post.taken) == 1


async def test_a_channel_without_a_provider_is_not_planned_for(world, post):
    office = Office(world.db, post, channels=("email",))
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ben)
    await office.tell(world.now)
    assert await statuses(world.db) == []
