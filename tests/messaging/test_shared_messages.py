"""If several appointments are booked, changed or cancelled together, each address gets one message about them all."""

import asyncio
from datetime import timedelta

import pytest
from icalendar import Calendar

from appoint.booking.bookings.service import cancel as cancel_booking
from appoint.booking.model import AppointmentRequest, Cancellation
from appoint.booking.steps import UNDO_WINDOW
from appoint.messaging.channels.model import Delayed, build_mail, sanitize
from appoint.messaging.notifications import jobs
from appoint.messaging.templates.model import TemplateText
from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from support.notifications import NEXT_WEEK, TOMORROW, move, statuses
from support.transitions import cancel
from support.world import RECEPTION, at

NINE, TEN, ELEVEN = (at(hour, day=NEXT_WEEK) for hour in (9, 10, 11))


async def book(world, *appointments, day=NEXT_WEEK):
    """Book appointments together, each given as an hour and a customer."""
    return await world.book_all(
        [
            (
                customer,
                AppointmentRequest(
                    customer_id=customer,
                    clinic_id=world.clinic,
                    doctor_id=world.dr_shah,
                    start_time=at(hour, day=day),
                    end_time=at(hour, 30, day=day),
                ),
            )
            for hour, customer in appointments
        ]
    )


@pytest.fixture
async def three(world):
    """Three appointments in one booking for Ana."""
    return await book(world, (9, world.ana), (10, world.ana), (11, world.ana))


async def test_a_booking_of_several_appointments_is_confirmed_in_one_email(world, office, post, three):
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert message.subject == "3 appointments booked, the first on Monday, 8 March 2027"
    assert [f"{hour}:00" in message.text for hour in (10, 11, 12)] == [True] * 3  # in Berlin
    assert message.text.count("https://appoint.example/appointments/") == 3
    assert message.html.count('<a href="https://appoint.example/appointments/') == 3
    assert await statuses(world.db) == ["confirmation sent"] * 3


async def test_each_appointment_in_a_shared_email_has_its_own_calendar_file(world, office, post, three):
    await office.plan_and_send(world.now)
    mail = build_mail(sanitize(post.messages[0]), sender="appointments@appoint.example", now=world.now)
    files = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    calendars = [Calendar.from_ical(part.get_content()) for part in files]
    assert [part.get_filename() for part in files] == [f"appointment-{number}.ics" for number in (1, 2, 3)]
    assert [part.get_param("method") for part in files] == ["REQUEST"] * 3
    assert [[str(event["UID"]) for event in calendar.events] for calendar in calendars] == [
        [str(appointment.id)] for appointment in three
    ]


async def test_a_cancelled_booking_is_announced_in_one_email_that_withdraws_every_entry(world, office, post, three):
    await office.plan_and_send(world.now)
    await world.db.atomic(
        cancel_booking, RECEPTION, appointments=three, cancellation=Cancellation(reason="Dr Shah is ill"), now=world.now
    )
    await office.plan_and_send(world.now)
    (_, message) = post.messages
    assert message.subject == "3 appointments cancelled, the first on Monday, 8 March 2027"
    assert "Reason: Dr Shah is ill" in message.text
    assert message.calendar_method == "CANCEL"
    assert ["METHOD:CANCEL" in calendar for calendar in message.calendars] == [True] * 3


async def test_appointments_moved_one_after_the_other_are_announced_together(world, office, post):
    first = await world.book(world.dr_shah, NINE, world.ana)
    second = await world.book(world.dr_shah, TEN, world.ana)
    await office.plan_and_send(world.now)
    await move(world, second, at(14, day=NEXT_WEEK))
    await office.plan(world.now)
    await move(world, first, at(13, day=NEXT_WEEK))
    await office.plan_and_send(world.now)
    message = post.messages[-1]
    assert (len(post.messages), message.subject[:22]) == (2, "2 appointments changed")
    assert message.text.index("14:00–14:30") < message.text.index("15:00–15:30")
    assert message.text.count("Previously: ") == 2


async def test_cancellations_for_different_reasons_are_separate_messages(world, office, post, three):
    await office.plan_and_send(world.now)
    for appointment, reason in zip(three, ("Dr Shah is ill", "Dr Shah is ill", None), strict=True):
        await cancel(world, appointment, reason=reason)
    await office.plan_and_send(world.now)
    await office.send(world.now + UNDO_WINDOW)  # the one that could not share the message
    assert [message.subject.partition(",")[0] for message in post.messages[1:]] == [
        "2 appointments cancelled",
        "Appointment cancelled: Monday",
    ]


async def test_a_family_with_one_address_gets_one_message_with_everyones_name(world, office, post):
    await world.db.execute("update customer set email = 'ANA@example.org' where id = $1", world.ben)
    await book(world, (9, world.ana), (10, world.ben))
    await office.plan_and_send(world.now)
    (message,) = [message for message in post.messages if message.channel == "email"]
    assert [line for line in message.text.splitlines() if line.startswith("For: ")] == ["For: Ana", "For: Ben"]


async def test_people_with_different_addresses_get_their_own_messages(world, office, post):
    await book(world, (9, world.ana), (10, world.ben))
    await office.plan_and_send(world.now)
    assert sorted(message.to for message in post.messages) == ["+493012345678", "ana@example.org"]


async def test_someone_who_unsubscribed_is_left_out_of_the_shared_message(world, office, post):
    await world.db.execute("update customer set email = 'ana@example.org', phone = null where id = $1", world.ben)
    await book(world, (9, world.ana), (10, world.ben))
    await office.plan(world.now)
    await world.db.execute(
        "insert into notification_preference (customer_id, channel, wanted) values ($1, 'email', false)", world.ben
    )
    await office.send(world.now)
    assert [message.subject.partition(":")[0] for message in post.messages] == ["Appointment booked"]


async def test_a_text_message_lists_the_appointments_and_links_to_all_of_them(world, office, post):
    await book(world, (9, world.ben), (10, world.ben))
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert message.text.splitlines() == [
        "Lakeside: your appointments are booked:",
        "Mon, 8 Mar 2027, 10:00, Dr Shah",
        "Mon, 8 Mar 2027, 11:00, Dr Shah",
        "https://appoint.example/my",
    ]


async def test_a_text_message_counts_the_appointments_that_do_not_fit(world, office, post):
    await world.db.execute("update doctor set name = $1", "Dr " + "long " * 30)
    await book(world, *((hour, world.ben) for hour in range(8, 15)))
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert (message.text.count("Dr long"), "and 4 more" in message.text, len(message.text) < 1000) == (3, True, True)


async def test_an_appointment_that_changes_in_the_meantime_is_left_out(world, office, post, three):
    await office.plan(world.now)
    await cancel(world, three[0])
    await office.send(world.now)
    assert post.messages[0].subject.startswith("2 appointments booked")
    assert await statuses(world.db) == ["confirmation superseded", "confirmation sent", "confirmation sent"]


async def test_a_message_that_fails_is_retried_with_the_same_appointments(world, office, post, three):
    post.trouble = Delayed("the mail server cannot be reached")
    await office.plan_and_send(world.now)
    assert await statuses(world.db) == ["confirmation queued"] * 3
    post.trouble = None
    world.now += timedelta(minutes=1)
    await office.send(world.now)
    assert [message.subject[:14] for message in post.messages] == ["3 appointments"]


async def test_concurrent_workers_send_one_message(world, office, post, three):
    await office.plan(world.now)
    await jobs.set_up(world.db, office.sending)
    leases = await asyncio.gather(*(jobs.lease_due(world.db, "email", limit=2, now=world.now) for _ in range(8)))
    attempts = [attempt for lease in leases for attempt in lease if attempt.notification_id]
    assert [len(attempt.follower_ids) for attempt in attempts] == [2]


async def test_another_worker_takes_over_the_whole_message_when_one_dies(world, office, post, three):
    await office.plan(world.now)
    await office.lease(world.now)
    world.now += jobs.LEASE
    await office.send(world.now)
    assert [message.subject[:14] for message in post.messages] == ["3 appointments"]


async def test_an_urgent_message_does_not_wait_behind_one_that_is_not_urgent(world, office, post):
    soon = await world.book(world.dr_shah, at(12), world.ana)
    later = await world.book(world.dr_shah, NINE, world.ana)
    await office.plan_and_send(world.now)
    await cancel(world, later)
    await cancel(world, soon)
    await office.plan(world.now)
    (lease,) = await office.lease(world.now + UNDO_WINDOW)
    assert await world.db.fetchval("select urgent from notification where id = $1", lease[1].notification_id)


async def test_a_delivery_report_counts_for_every_appointment_in_the_message(world, office, post):
    await book(world, (9, world.ben), (10, world.ben))
    await office.plan_and_send(world.now)
    leader = await world.db.fetchval("select id from notification where leader_id is null")
    await jobs.delivery.record_delivery(
        world.db, notification_id=leader, provider_id="id-1", arrived=True, reason=None, now=world.now
    )
    assert await world.db.fetchval("select count(*) from notification where delivered_at is not null") == 2


async def test_one_reminder_covers_a_days_appointments(world, office, post):
    await book(world, (8, world.ana), (11, world.ana), (14, world.ana), day=NEXT_WEEK)
    await office.plan_and_send(world.now)
    world.now = at(8, day=NEXT_WEEK) - timedelta(hours=24)
    await office.remind(world.now)
    await office.send(world.now)
    assert post.messages[-1].subject == "Reminder: 3 appointments, the first on Monday, 8 March 2027"
    world.now += timedelta(hours=6)
    assert await office.remind(world.now) == 0


async def test_a_short_reminder_covers_only_appointments_that_follow_closely(world, office, post):
    await world.set_clinic(world.clinic, reminder_minutes=[120])
    await book(world, (8, world.ana), (9, world.ana), (14, world.ana), day=NEXT_WEEK)
    await office.plan_and_send(world.now)
    world.now = at(6, day=NEXT_WEEK)
    await office.remind(world.now, timedelta(minutes=1))
    await office.send(world.now)
    assert post.messages[-1].subject.startswith("Reminder: 2 appointments")
    world.now = at(12, day=NEXT_WEEK)
    await office.remind(world.now, timedelta(minutes=1))
    await office.send(world.now)
    assert post.messages[-1].subject.startswith("Reminder: your appointment")


async def test_appointments_on_different_days_have_separate_reminders(world, office, post):
    await book(world, (15, world.ana), day=TOMORROW)
    await book(world, (8, world.ana), day=NEXT_WEEK)
    await world.db.execute("update appointment set created_at = created_at - interval '30 days'")
    assert await office.remind(at(15, day=TOMORROW) - timedelta(hours=24)) == 1


async def test_a_clinics_own_template_gets_the_list_at_its_end(world, office, post, three):
    own = TemplateText("Booked!", "Hello {{ customer }}, bring your card on {{ day }}.")
    await add_template(world.db, world.clinic, own)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert message.text.startswith("Hello Ana, bring your card on Monday, 8 March 2027.")
    assert "This message is about 3 appointments:" in message.text
    assert message.text.count("When: ") == 3


async def test_a_clinics_own_template_can_place_the_list(world, office, post, three):
    own = TemplateText("{{ count }} visits", "{% if appointments %}{{ appointments }}{% else %}{{ when }}{% endif %}")
    await add_template(world.db, world.clinic, own)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert (message.subject, message.text.count("When: "), "This message" in message.text) == ("3 visits", 3, False)


async def test_several_absences_at_once_alert_the_clinic_once(world, office, post, three):
    await office.plan_and_send(world.now)
    for hour in (8, 10):
        absence = AbsenceContent(
            start_time=at(hour, day=NEXT_WEEK), end_time=at(hour + 2, day=NEXT_WEEK), doctor_id=world.dr_shah
        )
        await world.db.atomic(
            absences.add, RECEPTION, clinic_id=world.clinic, content=absence, force=True, now=world.now
        )
    await office.plan_and_send(world.now)
    assert [message.to for message in post.messages[1:]] == ["desk@lakeside.example"]
    assert "stranded queued" not in await statuses(world.db)


async def add_template(db, clinic, own):
    await db.execute(
        """
        insert into message_template (clinic_id, id, kind, channel, locale, subject, text)
        values ($1, mint_id($1), 'confirmation', 'email', 'en', $2, $3)
        """,
        clinic,
        *own,
    )
