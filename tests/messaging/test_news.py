"""Messages about unexpected changes: their content and delivery."""

from datetime import timedelta

import pytest

from appoint.booking import links, transitions
from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.messaging.channels.model import build_mail, sanitize
from appoint.messaging.notifications import service
from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from support.notifications import NEXT_WEEK, move, statuses
from support.post import LINKS
from support.staff import add_user, works_at
from support.transitions import cancel
from support.world import RECEPTION, at


async def confirmed(world, office, customer=None):
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), customer or world.ana)
    await office.plan_and_send(world.now)
    return appointment


async def unsubscribe(world, *channels):
    for channel in channels:
        await world.db.across().atomic(service.unsubscribe, RECEPTION, customer_id=world.ana, channel=channel)


async def strand(world):
    absence = AbsenceContent(start_time=at(8, day=NEXT_WEEK), end_time=at(12, day=NEXT_WEEK), doctor_id=world.dr_shah)
    return await world.db.atomic(
        absences.add, RECEPTION, clinic_id=world.clinic, content=absence, force=True, now=world.now
    )


@pytest.mark.parametrize(
    ("phone", "refused"),
    [
        (None, ["email"]),
        ("+493012345679", ["email"]),
        ("+493012345679", ["email", "sms"]),
    ],
)
async def test_an_unsubscribed_customer_still_gets_messages_about_moves_and_cancellations(
    world, office, post, phone, refused
):
    await world.db.execute("update customer set phone = $2 where id = $1", world.ana, phone)
    await unsubscribe(world, *refused)
    appointment = await confirmed(world, office)
    assert post.messages == []
    await move(world, appointment, at(10, day=NEXT_WEEK))
    await office.plan_and_send(world.now)
    await cancel(world, appointment)
    await office.plan_and_send(world.now)
    assert await statuses(world.db) == ["moved sent", "cancelled sent"]
    to = phone if phone and "sms" not in refused else "ana@example.org"
    assert [message.to for message in post.messages] == [to, to]


async def test_an_unsubscribed_customer_does_not_get_reminders(world, office, post):
    await confirmed(world, office)
    await unsubscribe(world, "email")
    now = at(9, day=NEXT_WEEK) - timedelta(hours=24)
    await office.remind(now)
    await office.send(now)
    assert len(post.messages) == 1


async def test_only_messages_that_unsubscribing_stops_have_an_unsubscribe_link(world, office, post):
    appointment = await confirmed(world, office)
    await cancel(world, appointment)
    await office.plan_and_send(world.now)
    mails = [build_mail(sanitize(message), sender=LINKS.mail_from, now=world.now) for message in post.messages]
    assert ["List-Unsubscribe" in mail for mail in mails] == [True, False]
    assert ["/unsubscribe/" in message.text for message in post.messages] == [True, False]


@pytest.mark.parametrize("hour", [9, 10])
async def test_a_message_about_a_different_doctor_names_both_doctors(world, office, post, hour):
    dr_weber = await world.add_doctor("Dr Weber")
    await world.publish(dr_weber, at(8, day=NEXT_WEEK), at(16, day=NEXT_WEEK))
    for customer in (world.ana, world.ben):
        start = at(9, day=NEXT_WEEK) if customer == world.ana else at(11, day=NEXT_WEEK)
        appointment = await world.book(world.dr_shah, start, customer)
        await office.plan_and_send(world.now)
        to = RescheduleRequest(start_time=start + timedelta(hours=hour - 9), doctor_id=dr_weber)
        await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
        await office.plan_and_send(world.now)
    _, mail, _, sms = post.messages
    if hour == 9:
        assert mail.subject.startswith("Your appointment is now with Dr Weber: ")
        assert "Your appointment is now with Dr Weber instead of Dr Shah. The time is the same." in mail.text
        assert "new time" not in mail.text
        assert "Previously" not in mail.text
        assert "is now with Dr Weber instead of Dr Shah." in sms.text
    else:
        assert mail.subject.startswith("Appointment rescheduled: ")
        assert "Previously with: Dr Shah" in mail.text


async def test_a_cancellation_by_the_clinic_gives_its_reason(world, office, post):
    for customer in (world.ana, world.ben):
        start = at(9, day=NEXT_WEEK) if customer == world.ana else at(11, day=NEXT_WEEK)
        appointment = await world.book(world.dr_shah, start, customer)
        await office.plan_and_send(world.now)
        await cancel(world, appointment, reason="Dr Shah is ill")
        await office.plan_and_send(world.now)
    _, mail, _, sms = post.messages
    name = post.messages[0].sender_name
    assert f"{name} has cancelled your appointment.\nReason: Dr Shah is ill\n" in mail.text
    assert sms.text.startswith(f"{name} has cancelled your appointment with Dr Shah")
    assert "Reason: Dr Shah is ill" in sms.text


async def test_a_cancellation_by_the_patient_says_so_and_does_not_repeat_their_reason(world, office, post):
    appointment = await confirmed(world, office)
    await world.db.atomic(
        transitions.cancel,
        links.holder(appointment.id),
        appointment_id=appointment.id,
        reason="private",
        if_match=None,
        now=world.now,
    )
    await office.plan_and_send(world.now)
    assert "Your appointment has been cancelled, as you asked." in post.messages[1].text
    assert "private" not in post.messages[1].text


async def test_no_reminder_is_sent_for_an_appointment_that_needs_rebooking(world, office, post):
    await confirmed(world, office)
    now = at(9, day=NEXT_WEEK) - timedelta(hours=24)
    await office.remind(now)  # planned before the doctor falls ill
    await strand(world)
    await office.plan(now)
    await office.send(now)
    assert sorted(await statuses(world.db)) == ["confirmation sent", "reminder-1440 superseded", "stranded sent"]
    assert await office.remind(at(7, day=NEXT_WEEK)) == 0


async def test_managers_are_notified_of_stranded_appointments_if_the_clinic_has_no_address(world, office, post):
    await world.set_clinic(world.clinic, email=None)
    for email, role in (("mia@example.org", "manager"), ("roy@example.org", "receptionist")):
        await works_at(world.db, await add_user(world.db, email), world.clinic, role)
    await confirmed(world, office)
    await strand(world)
    await office.plan_and_send(world.now)
    assert [message.to for message in post.messages] == ["ana@example.org", "mia@example.org"]
    assert "Ana" in post.messages[1].text
