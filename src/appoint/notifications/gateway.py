"""A notification as it leaves: in words, with the invitation for the recipient's calendar, and the links in it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from ..channels.model import Message
from ..database.pool import Database, Row, to
from ..invitations import Method, Person, invitation
from ..messages.model import Facts, Rendered, Visit, Words, render, which
from ..signing import signed
from ..words import say
from . import repository
from .model import address_of, kind_of

log = structlog.get_logger()

Writer = Callable[[Database, Row, datetime], Awaitable[Message | None]]
"""Puts a row of `repository.facts` into words; None when there is nothing to tell any more."""
MOST_LISTED: Final = 100
INVITES: Final[Mapping[str, Method]] = {"confirmation": "REQUEST", "moved": "REQUEST", "cancelled": "CANCEL"}
"""Which mails carry something for the customer's calendar."""


class Links(NamedTuple):
    public_url: str
    secret: str
    mail_from: str


async def compose(db: Database, row: Row, now: datetime, *, links: Links) -> Message | None:
    """The message that a notification (a row of `repository.facts`) is; None when nothing is left that it could tell."""
    kind = kind_of(row.kind)
    visits: Sequence[Visit] = ()
    if kind in LISTING:
        visits = await LISTING[kind](db, row, now)
        if not visits:
            return None
    unsubscribe_url = (
        f"{links.public_url}/unsubscribe/{signed(links.secret, 'unsubscribe', [row.recipient_id, row.channel])}" if row.recipient == "customer" else None
    )
    facts = Facts(
        clinic=row.clinic,
        time_zone=row.time_zone,
        clinic_phone=row.clinic_phone,
        clinic_address=row.clinic_address,
        customer=row.customer,
        customer_time_zone=row.customer_time_zone,
        doctor=row.doctor,
        type=row.type,
        mode=row.mode,
        start_time=next((visit.start_time for visit in visits), row.start_time),
        end_time=row.end_time,
        old_start_time=row.old_start_time,
        hold_expires_at=row.hold_expires_at,
        appointments=visits,
        unsubscribe_url=unsubscribe_url,
        webhook=row.webhook,
    )
    rendered = render(which(kind, row.channel, row.locale), facts, Words(row.own_subject, row.own_text) if row.own_text else None)
    if rendered.fell_back:
        log.warning("a clinic's own words are broken", clinic_id=row.clinic_id, kind=kind, channel=row.channel, locale=row.locale)
    to_address = address_of(row)
    assert to_address, "looked at before"
    method = INVITES.get(kind) if row.channel == "email" else None
    return Message(
        token=f"{row.id}.{row.round}",
        channel=row.channel,
        to=to_address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        calendar=_invitation(row, method, rendered, to_address, links) if method else None,
        calendar_method=method,
        sender_name=row.clinic,
        reply_to=row.clinic_email,
        unsubscribe_url=unsubscribe_url,
        status_url=f"{links.public_url}/callbacks/sms/{row.id}" if row.channel == "sms" else None,
    )


async def _agenda(db: Database, row: Row, now: datetime) -> list[Visit]:
    found = await repository.appointments_of_day(db, clinic_id=row.clinic_id, doctor_id=UUID(row.recipient_id), day=row.sequence)
    return [to(Visit, visit) for visit in found]


async def _stranded(db: Database, row: Row, now: datetime) -> list[Visit]:
    return [to(Visit, visit) for visit in await repository.stranded_appointments(db, clinic_id=row.clinic_id, now=now, most=MOST_LISTED)]


LISTING: Final = {"agenda": _agenda, "stranded": _stranded}
"""The kinds that list appointments, and where these come from."""


def _invitation(row: Row, method: Method, rendered: Rendered, to_address: str, links: Links) -> str:
    where = say(row.locale, "online, not at the clinic") if row.mode == "online" else row.clinic_address or row.clinic
    return invitation(
        method,
        id=UUID(row.subject_id),
        sequence=row.sequence,
        stamp=row.created_at,  # the same for every attempt
        start=row.start_time,
        end=row.end_time,
        summary=f"{row.type or row.clinic}, {row.doctor}",
        description=rendered.text,
        location=", ".join(where.splitlines()),
        organizer=Person(row.clinic, row.clinic_email or links.mail_from),
        attendee=Person(row.customer, to_address),
    )
