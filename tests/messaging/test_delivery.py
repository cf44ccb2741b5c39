"""How notifications are sent: failures, leases, priority and quiet hours."""

import asyncio
from datetime import timedelta

import pytest

from appoint.booking.steps import UNDO_WINDOW
from appoint.kit import clock
from appoint.messaging.channels.model import Delayed, Undeliverable
from appoint.messaging.notifications import jobs
from appoint.messaging.notifications.repository import delivery, preferences
from support import run_clock
from support.notifications import NEXT_WEEK, TOMORROW, move, statuses
from support.post import Office
from support.transitions import cancel, step
from support.world import at

# failures


async def test_messages_are_delayed_while_the_provider_is_unavailable(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    post.trouble = Delayed("the mail server cannot be reached")
    await office.plan_and_send(world.now)
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
    assert len(post.messages) == 1


async def test_a_message_to_an_unknown_address_is_a_dead_letter_with_its_reason(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    post.trouble = Undeliverable("the mail server does not know this address (550)")
    await office.plan_and_send(world.now)
    (row,) = await world.db.fetch("select status, attempts, reason from notification")
    assert (row.status, row.attempts, row.reason) == ("dead", 1, "the mail server does not know this address (550)")


async def test_an_internal_error_delays_a_message(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    post.trouble = LookupError("Ana")
    await office.plan_and_send(world.now)
    (row,) = await world.db.fetch("select status, reason from notification")
    assert tuple(row) == ("queued", "internal error; see the log")


async def test_queued_emails_are_not_sent_once_the_customer_has_unsubscribed(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)
    await preferences.unsubscribe(world.db, world.ana, "email")
    await office.send(world.now)
    assert (post.messages, await statuses(world.db)) == ([], ["confirmation superseded"])


async def test_a_message_is_sent_again_after_its_worker_dies(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)

    async def die() -> None:
        if not post.messages:
            post.messages.append(None)  # the provider accepts it, but the worker dies before it finds out
            raise asyncio.CancelledError

    post.before = die
    with pytest.raises(asyncio.CancelledError):
        await office.send(world.now)
    assert await statuses(world.db) == ["confirmation leased"]
    world.now += jobs.LEASE
    await office.send(world.now)
    world.now += jobs.LEASE
    await office.send(world.now)
    assert len(post.messages) == 2


async def test_a_slow_delivery_is_not_repeated_by_another_worker(world, office, post, monkeypatch):
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.3))
    monkeypatch.setattr(clock, "now", run_clock.now)
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(clock.now())

    async def accept_slowly() -> None:
        for _ in range(10):
            await asyncio.sleep(0.1)
            assert await office.lease(clock.now()) == []

    post.before = accept_slowly
    await office.send(clock.now())
    assert (len(post.messages), await statuses(world.db)) == (1, ["confirmation sent"])


async def test_concurrent_workers_send_each_notification_once(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)
    await asyncio.gather(*(office.send(world.now) for _ in range(5)))
    assert len(post.messages) == 1


async def test_nothing_is_sent_under_an_expired_lease(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)
    ((channel, expired),) = await office.lease(world.now)
    world.now += jobs.LEASE
    ((_, current),) = await office.lease(world.now)
    await jobs.send(world.db, office.sending, channel, expired)
    assert post.messages == []
    await jobs.send(world.db, office.sending, channel, current)
    assert len(post.messages) == 1


async def test_a_resend_gets_a_new_token(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    id = await world.db.fetchval("select id from notification")
    await delivery.requeue(world.db, id, now=world.now)
    await office.send(world.now)
    assert [message.token for message in post.messages] == [f"{id}.0", f"{id}.1"]


# priority and quiet hours


async def test_a_cancellation_for_today_is_sent_first(world, office, post):
    for minute in (0, 30):
        await world.book(world.dr_shah, at(9, minute, day=NEXT_WEEK), world.ana)
    today = await world.book(world.dr_shah, at(9), world.ana)
    await office.plan(world.now)
    await world.db.execute("update notification set status = 'sent', sent_at = now() where expires_at = $1", at(9))
    await cancel(world, today)
    await office.plan(world.now)
    await office.send(world.now + UNDO_WINDOW)
    assert post.messages[0].calendar_method == "CANCEL"


async def test_a_message_that_can_wait_is_not_sent_during_quiet_hours(world, office, post):
    await world.db.execute("update clinic set quiet_from = 20 * 60, quiet_until = 7 * 60")
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await office.plan_and_send(world.now)
    world.now = at(22)  # 23:00 in Berlin
    await step(world, appointment, "noShow")
    await office.plan_and_send(world.now)
    assert len(post.messages) == 1
    world.now = at(6, 1, day=TOMORROW)
    await office.send(world.now)
    assert len(post.messages) == 2


async def test_a_delayed_message_waits_until_quiet_hours_end(world, office, post):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await office.plan_and_send(world.now)
    world.now = at(18)
    await step(world, appointment, "noShow")
    await office.plan(world.now)
    await world.db.execute("update clinic set quiet_from = 19 * 60, quiet_until = 7 * 60")
    await office.send(world.now + UNDO_WINDOW)
    (due,) = await world.db.fetch("select due_at from notification where kind = 'missed'")
    assert (len(post.messages), due.due_at) == (1, at(6, day=TOMORROW))


async def test_a_move_is_reported_even_during_quiet_hours(world, office, post):
    await world.db.execute("update clinic set quiet_from = 20 * 60, quiet_until = 7 * 60")
    world.now = at(22)
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    await move(world, appointment, at(10, day=NEXT_WEEK))
    await office.plan_and_send(world.now)
    assert "moved sent" in await statuses(world.db)


async def test_a_confirmation_is_sent_even_during_quiet_hours(world, office, post):
    await world.db.execute("update clinic set quiet_from = 20 * 60, quiet_until = 7 * 60")
    world.now = at(22)
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    assert len(post.messages) == 1


async def test_no_messages_are_planned_for_a_channel_without_a_provider(world, post):
    office = Office(world.db, post, channels=("email",))
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ben)
    await office.plan_and_send(world.now)
    assert await statuses(world.db) == []
