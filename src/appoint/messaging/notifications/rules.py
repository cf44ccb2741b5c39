"""Decide whether and when a notification is sent: quiet hours, reasons not to send, and delays after failures."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ...kit import clock
from .kinds import KINDS, KindRules, kind_of
from .model import LINK_TTL, Contact, NotificationContext, NotificationStatus

MINUTE: Final = timedelta(minutes=1)
MINUTES_PER_DAY: Final = 24 * 60
FIRST_RETRY: Final = timedelta(seconds=15)
MAX_RETRY_DELAY: Final = timedelta(minutes=30)
MAX_DOUBLINGS: Final = 10
NEWS: Final = frozenset(
    {
        "appointment.rescheduled",
        "appointment.restored",
        "appointment.cancelled",
        "appointment.rebooking-asked",
    }
)
"""The types of events about which customers get messages even if they have turned off all channels."""
NOTICES: Final = frozenset(
    {
        "details-corrected",
        "guardian-added",
        "guardian-ended",
        "address-changed",
        "payment-returned",
        "invoice",
        "receipt",
        "credit-note",
    }
)
"""The kinds of messages that changes to the customer's record don't make outdated: those about such a change, and those
about money."""
MAX_MESSAGES_A_DAY: Final = 20
"""The maximum number of messages that an address receives in 24 hours, from all clinics, about appointments that
strangers booked."""


def outside_quiet_hours(
    due: datetime, contact: Contact, *, latest: datetime, expires: datetime, now: datetime
) -> datetime | None:
    """Return when to send a message that can wait: when it is due, or when the quiet hours around that time end.

    If that would be later than `latest`, return a time before the quiet hours begin or, if they have already begun, the
    time when they end. Return None if they last until the message expires.
    """
    if contact.quiet_from is None or contact.quiet_until is None:
        return due
    hours = _QuietHours(contact.quiet_from, contact.quiet_until, contact.time_zone)
    if not hours.include(due):
        return due if due < expires else None
    end, before = hours.end(due), hours.last_chance(due)
    if end < latest or before < now:
        return end if end < expires else None
    return before


class _QuietHours(NamedTuple):
    """A clinic's quiet hours, in minutes of the local day. They also work on days when the clocks change."""

    start_minute: int
    end_minute: int
    time_zone: str

    def include(self, instant: datetime) -> bool:
        length = (self.end_minute - self.start_minute) % MINUTES_PER_DAY
        return (self._minute(instant) - self.start_minute) % MINUTES_PER_DAY < length

    def end(self, instant: datetime) -> datetime:
        """Return when the quiet hours around the instant end."""
        end = instant.replace(second=0, microsecond=0)
        while self.include(end):
            end = self._nearest(end + self._between(self._minute(end), self.end_minute), self.end_minute)
        while not self.include(end - MINUTE):  # the clocks skipped the end
            end -= MINUTE
        return end

    def last_chance(self, instant: datetime) -> datetime:
        """Return a time just before the quiet hours around the instant begin."""
        before = instant
        while self.include(before):
            start = before - self._between(self.start_minute, self._minute(before))
            before = self._nearest(start - MINUTE, (self.start_minute - 1) % MINUTES_PER_DAY)
        return before

    def _minute(self, instant: datetime) -> int:
        local = instant.astimezone(clock.zone(self.time_zone))
        return local.hour * 60 + local.minute

    def _between(self, first: int, last: int) -> timedelta:
        return timedelta(minutes=(last - first) % MINUTES_PER_DAY)

    def _nearest(self, instant: datetime, minute: int) -> datetime:
        """Return the closest instant at which clocks show the minute, or the given instant if the clocks skip that
        minute.
        """
        later, earlier = self._between(self._minute(instant), minute), self._between(minute, self._minute(instant))
        nearest = instant + later if later <= earlier else instant - earlier
        return nearest if self._minute(nearest) == minute else instant


def after_quiet_hours(context: NotificationContext, now: datetime) -> datetime | None:
    """Return when to send a notification that has become due in quiet hours, because an attempt failed or the hours
    were changed. Return None to send it now, even in quiet hours if they would last until it expires."""
    if not KINDS[kind_of(context.kind)].can_wait or context.urgent or context.time_zone is None:
        return None
    contact = Contact(
        context.id,
        context.recipient,
        context.recipient_id,
        context.channel,
        context.time_zone,
        context.quiet_from,
        context.quiet_until,
    )
    send_at = outside_quiet_hours(now, contact, latest=context.expires_at, expires=context.expires_at, now=now)
    return send_at if send_at and send_at > now else None


Check = Callable[[NotificationContext, KindRules], bool]


def _appointment_changed(context: NotificationContext, rules: KindRules) -> bool:
    current = context.appointment_status, context.appointment_sequence
    return bool(rules.statuses) and (current[0] not in rules.statuses or current[1] != context.sequence)


def _credentials_changed(context: NotificationContext, rules: KindRules) -> bool:
    """For a message with a link to choose a password, return whether the link no longer works. Other messages to a user
    become outdated only when the user leaves."""
    if rules.recipient != "user":
        return False
    return context.user_credentials is None or (
        context.kind in LINK_TTL and context.user_credentials != context.sequence
    )


def _code_used(context: NotificationContext, _rules: KindRules) -> bool:
    return context.code_used_at is not None


def _customer_left(context: NotificationContext, rules: KindRules) -> bool:
    return rules.recipient == "customer" and not context.customer_active


def _details_changed(context: NotificationContext, rules: KindRules) -> bool:
    """For a code, return whether the customer's address may have changed since it was requested."""
    if context.recipient != "customer" or context.customer_updated_at is None:
        return False
    if kind_of(context.kind) in NOTICES or (rules.statuses and not rules.essential):
        return False
    return context.customer_updated_at > context.created_at


def _channel_turned_off(context: NotificationContext, rules: KindRules) -> bool:
    is_news = rules.is_news or context.event_type in NEWS
    return rules.recipient == "customer" and not rules.essential and not is_news and not context.wanted


def _needs_rebooking(context: NotificationContext, _rules: KindRules) -> bool:
    return kind_of(context.kind) == "reminder" and context.needs_rebooking


def _rebooked(context: NotificationContext, _rules: KindRules) -> bool:
    """For a link to choose a new time, return whether it is no longer needed."""
    return kind_of(context.kind) == "rebook" and not (context.needs_rebooking and context.rebook_by == "link")


def _guardian_erased(context: NotificationContext, _rules: KindRules) -> bool:
    return context.kind in ("guardian-added", "guardian-ended") and context.guardian is None


def _hold_settled(context: NotificationContext, _rules: KindRules) -> bool:
    return context.hold_settled


OUTDATED_CHECKS: Final[Sequence[tuple[Check, str]]] = (
    (_appointment_changed, "the appointment has changed"),
    (_credentials_changed, "the user has left or changed their password"),
    (_code_used, "the code has been used"),
    (_needs_rebooking, "the appointment needs rebooking"),
    (_rebooked, "the appointment has changed"),
    (_guardian_erased, "the guardian has been erased"),
    (_hold_settled, "the customer has booked again, or got this message earlier today"),
)
NO_RECIPIENT: Final[Sequence[tuple[Check, str]]] = (
    (_customer_left, "the customer has left"),
    (_details_changed, "the customer's details have changed"),
    (_channel_turned_off, "the customer has turned off this channel"),
)
"""Reasons to supersede a notification, in the order in which they are checked."""


def outcome_before_sending(context: NotificationContext, now: datetime) -> tuple[NotificationStatus, str] | None:
    """Return the final status of a notification that must not be sent, with the reason, or None if it can be sent."""
    if reason := _first_reason(OUTDATED_CHECKS, context):
        return NotificationStatus.SUPERSEDED, reason
    if now >= context.expires_at:
        previous = f"; previously: {context.reason}" if context.reason else ""
        return NotificationStatus.DEAD, f"it expired before it was sent{previous}"
    if reason := _first_reason(NO_RECIPIENT, context):
        return NotificationStatus.SUPERSEDED, reason
    if address_of(context) is None:
        return NotificationStatus.DEAD, "there is no address to send it to"
    if context.sent_today >= MAX_MESSAGES_A_DAY:
        return NotificationStatus.DEAD, "too many messages to this address today"
    return None


def _first_reason(checks: Sequence[tuple[Check, str]], context: NotificationContext) -> str | None:
    rules = KINDS[kind_of(context.kind)]
    return next((reason for applies, reason in checks if applies(context, rules)), None)


def can_share_message(one: NotificationContext, other: NotificationContext) -> bool:
    """Return whether two notifications can go out as one message, because they have the same address, the same language
    and, for cancellations, the same reason."""
    return _shared_facts(one) == _shared_facts(other)


def _shared_facts(context: NotificationContext) -> tuple[str | None, ...]:
    address = address_of(context)
    return address and address.casefold(), context.locale, context.cancelled_by, context.cancel_reason


def address_of(context: NotificationContext) -> str | None:
    """Return the recipient's email address or phone number."""
    match context.recipient:
        case "customer":
            return context.customer_email if context.channel == "email" else context.customer_phone
        case "doctor":
            return context.doctor_email if context.doctor_active else None
        case "user":
            return context.user_email
        case "staff":
            return context.clinic_email


def retry_delay(attempts: int, luck: float) -> timedelta:
    """Return how long to wait after this many attempts: 15 seconds after the first, doubling each time, up to half an
    hour. `luck`, from 0 to 1, takes off up to half of that."""
    return min(FIRST_RETRY * 2 ** min(attempts - 1, MAX_DOUBLINGS), MAX_RETRY_DELAY) * (1 - luck / 2)
