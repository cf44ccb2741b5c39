"""Which notifications are sent about appointments, and which are superseded."""

from datetime import timedelta

from appoint.booking import service
from appoint.booking.model import AppointmentPatch
from appoint.messaging.notifications.repository.planning import plan_agendas
from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from support.notifications import NEXT_WEEK, move, statuses
from support.transitions import cancel, step
from support.world import RECEPTION, at


async def test_a_booking_is_confirmed_by_email(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert (message.to, message.channel, message.calendar_method) == ("ana@example.org", "email", "REQUEST")
    assert "Dr Shah" in message.text


async def test_a_customer_with_only_a_phone_number_gets_a_text_message(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ben)
    await office.plan_and_send(world.now)
    assert [(message.to, message.channel) for message in post.messages] == [("+493012345678", "sms")]


async def test_a_customer_without_contact_details_does_not_get_any_messages(world, office, post):
    cy = await world.add_customer("Cy")
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), cy)
    await office.plan_and_send(world.now)
    assert (post.messages, await statuses(world.db)) == ([], [])


async def test_an_event_relayed_twice_sends_one_message(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    await world.db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, type, subject_id, subject_version, data from event_log
        """
    )
    await office.plan_and_send(world.now)
    assert len(post.messages) == 1


async def test_editing_a_note_does_not_send_a_message(world, office, post):
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    await world.db.atomic(
        service.change,
        RECEPTION,
        appointment_id=appointment.id,
        change=AppointmentPatch(notes="Brings X-rays"),
        if_match=None,
    )
    await office.plan_and_send(world.now)
    assert len(post.messages) == 1


async def test_a_move_updates_the_invitations_calendar_entry(world, office, post):
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    await move(world, appointment, at(10, day=NEXT_WEEK))
    await office.plan_and_send(world.now)
    before, after = post.messages
    assert f"UID:{appointment.id}" in before.calendar
    assert f"UID:{appointment.id}" in after.calendar
    assert ("SEQUENCE:0" in before.calendar, "SEQUENCE:1" in after.calendar, after.calendar_method) == (
        True,
        True,
        "REQUEST",
    )


async def test_a_cancellation_withdraws_the_invitation(world, office, post):
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    await cancel(world, appointment)
    await office.plan_and_send(world.now)
    assert (post.messages[1].calendar_method, "METHOD:CANCEL" in post.messages[1].calendar) == ("CANCEL", True)


async def test_a_hold_sends_only_a_warning_before_it_expires(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana, hold=True)
    await office.plan_and_send(world.now)
    assert post.messages == []
    world.now += timedelta(minutes=7)
    await office.send(world.now)
    assert (await statuses(world.db), len(post.messages)) == (["hold-expiring sent"], 1)


async def test_a_confirmed_hold_does_not_send_a_warning(world, office, post):
    hold = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana, hold=True)
    await office.plan(world.now)
    await step(world, hold, "confirm")
    await office.plan_and_send(world.now)
    world.now += timedelta(minutes=7)
    await office.send(world.now)
    assert sorted(await statuses(world.db)) == ["confirmation sent", "hold-expiring superseded"]


async def test_a_cancelled_hold_does_not_send_a_message(world, office, post):
    hold = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana, hold=True)
    await cancel(world, hold)
    await office.plan_and_send(world.now)
    assert (post.messages, await statuses(world.db)) == ([], ["hold-expiring superseded"])


async def test_a_no_show_sends_a_message_about_the_missed_appointment(world, office, post):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await office.plan_and_send(world.now)
    world.now = at(10)
    await step(world, appointment, "noShow")
    await office.plan_and_send(world.now)
    assert await statuses(world.db) == ["confirmation sent", "missed sent"]


async def test_staff_are_alerted_to_appointments_stranded_by_an_absence(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    absence = AbsenceContent(start_time=at(8, day=NEXT_WEEK), end_time=at(12, day=NEXT_WEEK), doctor_id=world.dr_shah)
    await world.db.atomic(absences.add, RECEPTION, clinic_id=world.clinic, content=absence, force=True, now=world.now)
    await office.plan_and_send(world.now)
    assert post.messages[-1].to == "desk@lakeside.example"
    assert "Ana" in post.messages[-1].text


async def test_an_alert_is_not_sent_once_the_stranded_appointments_have_been_moved(world, office, post):
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    absence = AbsenceContent(start_time=at(8, day=NEXT_WEEK), end_time=at(12, day=NEXT_WEEK), doctor_id=world.dr_shah)
    await world.db.atomic(absences.add, RECEPTION, clinic_id=world.clinic, content=absence, force=True, now=world.now)
    await office.plan(world.now)
    await move(world, appointment, at(14, day=NEXT_WEEK))
    await office.send(world.now)
    assert "stranded superseded" in await statuses(world.db)


async def test_a_doctors_agenda_is_emailed_once_in_the_morning(world, office, post):
    await world.set_clinic(world.clinic, agenda_minute=7 * 60)
    await world.db.execute("update doctor set email = 'shah@lakeside.example' where id = $1", world.dr_shah)
    await world.book(world.dr_shah, at(9), world.ana)
    await world.book(world.dr_shah, at(10), world.ben)
    for minute in (-1, 0, 1):
        await plan_agendas(world.db, lasting=timedelta(hours=3), now=world.now + timedelta(minutes=minute))
    await office.send(world.now)
    (message,) = post.messages
    assert (message.to, message.text.index("Ana") < message.text.index("Ben")) == ("shah@lakeside.example", True)


async def test_a_doctor_without_appointments_does_not_get_an_agenda(world, office, post):
    await world.set_clinic(world.clinic, agenda_minute=7 * 60)
    await world.db.execute("update doctor set email = 'shah@lakeside.example' where id = $1", world.dr_shah)
    await plan_agendas(world.db, lasting=timedelta(hours=3), now=world.now)
    await office.send(world.now)
    assert (post.messages, await statuses(world.db)) == ([], ["agenda superseded"])
