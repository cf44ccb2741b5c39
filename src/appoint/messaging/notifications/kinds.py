"""Kinds of notifications and the rules for each."""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

from ..templates.model import NoticeKind

Recipient = Literal["customer", "doctor", "staff", "user"]


class KindRules(NamedTuple):
    recipient: Recipient
    can_wait: bool = False
    """Whether it can wait until quiet hours end. Responses to the recipient's own actions can't."""
    statuses: frozenset[str] = frozenset()
    """The appointment statuses in which its content is still true."""
    is_news: bool = False
    """Whether it goes out even if the recipient has turned off all channels, because patients would otherwise come at
    the wrong time, to the wrong place or to the wrong doctor."""
    essential: bool = False
    """Whether it goes out regardless of the recipient's preferences, because nothing works without it."""
    can_share: bool = False
    """Whether several of them to the same address go out as one message."""


UPCOMING_STATUSES: Final = frozenset({"booked", "arrived", "checked-in"})
KINDS: Final[Mapping[str, KindRules]] = {
    "confirmation": KindRules("customer", statuses=UPCOMING_STATUSES, can_share=True),
    "moved": KindRules("customer", statuses=UPCOMING_STATUSES, is_news=True, can_share=True),
    "place-changed": KindRules("customer", statuses=UPCOMING_STATUSES, is_news=True, can_share=True),
    "cancelled": KindRules("customer", statuses=frozenset({"cancelled"}), is_news=True, can_share=True),
    "reminder": KindRules("customer", can_wait=True, statuses=frozenset({"booked"}), can_share=True),
    "hold-expiring": KindRules("customer", statuses=frozenset({"pending"}), can_share=True),
    "hold-expired": KindRules("customer", statuses=frozenset({"cancelled"}), can_share=True),
    "confirmation-code": KindRules("customer", statuses=frozenset({"pending"}), essential=True),
    "payment-returned": KindRules("customer", essential=True),
    "rebook": KindRules("customer", statuses=UPCOMING_STATUSES, is_news=True, can_share=True),
    "missed": KindRules("customer", can_wait=True, statuses=frozenset({"noshow"}), can_share=True),
    "invoice": KindRules("customer", essential=True),
    "receipt": KindRules("customer", essential=True),
    "credit-note": KindRules("customer", essential=True),
    "agenda": KindRules("doctor"),
    "stranded": KindRules("staff", can_share=True),
    "webhook-disabled": KindRules("staff"),
    "call-failed": KindRules("staff"),  # and to the doctor
    "invitation": KindRules("user"),
    "clinic-joined": KindRules("user"),  # what an invitation becomes for someone who has a password
    "password-reset": KindRules("user"),
    **dict.fromkeys(get_args(NoticeKind), KindRules("user")),
    "record-lookup": KindRules("customer", can_wait=True),
    "details-corrected": KindRules("customer", can_wait=True, essential=True),
    "guardian-added": KindRules("customer", can_wait=True, essential=True),
    "guardian-ended": KindRules("customer", can_wait=True, essential=True),
    "address-changed": KindRules("customer", essential=True),
    "sign-in-code": KindRules("customer", essential=True),
    "address-code": KindRules("customer", essential=True),
}
"""The rules for every kind of notification. A row's kind can end in a number: a reminder's minutes before the
appointment (`reminder-1440`), a confirmation code's number, the appointment's version for a rebooking link, its type's
version for a change of place, or 1 for a notice sent to the address that was corrected."""

PREPARATION_KINDS: Final = frozenset({"confirmation", "moved", "place-changed", "reminder"})
"""The kinds of messages that say what to bring."""
NUMBER: Final = re.compile("-[0-9]+$")
"""The number after a kind in a row."""


def kind_of(name: str) -> str:
    """Return a row's kind: `reminder` for `reminder-1440`."""
    return NUMBER.sub("", name)
