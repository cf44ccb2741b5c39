"""Work out which reminders to send, and when."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from ..channels.model import Channel
from .model import Contact, DueReminder, PlannedNotification
from .planning import NO_KEYS, message_key, message_keys
from .rules import outside_quiet_hours


def plan_reminders(reminders: Iterable[DueReminder], now: datetime) -> list[PlannedNotification]:
    """Return the notifications for those due reminders that can be sent."""
    contacts = {reminder: contact for reminder in reminders if (contact := _contact(reminder))}
    keys = message_keys(contacts.values())
    return [plan for reminder in contacts if (plan := plan_reminder(reminder, now, keys))]


def _contact(reminder: DueReminder) -> Contact | None:
    if reminder.channel is None:
        return None
    return Contact(
        reminder.id,
        "customer",
        str(reminder.customer_id),
        reminder.channel,
        reminder.time_zone,
        reminder.quiet_from,
        reminder.quiet_until,
        reminder.address or "",
    )


def plan_reminder(
    reminder: DueReminder, now: datetime, keys: Mapping[tuple[Channel, str], str] = NO_KEYS
) -> PlannedNotification | None:
    """Return the notification for a due reminder, or None if quiet hours leave no time for it or the customer has no
    channel. The reminder goes out early, by its row's share of the spread, so that reminders due at the same time are
    not all sent at once. If it shares a message with other reminders for the same day, it goes out at the same time as
    the first of them."""
    contact = _contact(reminder)
    if contact is None:
        return None
    start = reminder.first[0] if reminder.first else reminder.start_time
    nominal = start - timedelta(minutes=reminder.minutes)
    latest = start - timedelta(minutes=reminder.minutes // 2)
    due = outside_quiet_hours(max(nominal - reminder.ahead, now), contact, latest=latest, expires=start, now=now)
    return due and PlannedNotification(
        reminder.clinic_id,
        f"reminder-{reminder.minutes}",
        str(reminder.id),
        reminder.sequence,
        "customer",
        contact.recipient_id,
        contact.channel,
        event_id=None,
        urgent=False,
        due_at=due,
        expires_at=reminder.joinable_until or reminder.start_time,
        message_key=message_key(f"reminder-{reminder.minutes}", contact, keys),
    )
