"""A notification as it leaves: in words, with the invitation for the recipient's calendar, and the links in it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import structlog

from ...booking import links as manage
from ...database.pool import Database, Row, to
from ...kit import signed_tokens
from ...kit.i18n import translate
from ...kit.icalendar_files import Method, Person, invitation
from ..channels.model import Message
from ..templates.model import AccountKind, Facts, Kind, ListedAppointment, Rendered, TemplateKey, TemplateText, render
from .model import KINDS, address_of, kind_of
from .repository import contents

log = structlog.get_logger()

Writer = Callable[[Database, Row, datetime], Awaitable[Message | None]]
"""Puts a row of `contents.facts` into words; None when there is nothing to tell any more."""
MAX_LISTED: Final = 100
PLATFORM: Final = "Appoint"
"""Who writes where no clinic does."""
CALENDAR_METHODS: Final[Mapping[str, Method]] = {"confirmation": "REQUEST", "moved": "REQUEST", "cancelled": "CANCEL"}
"""Which mails carry something for the customer's calendar."""


class Links(NamedTuple):
    public_url: str
    secret: str
    mail_from: str


async def compose(db: Database, row: Row, now: datetime, *, links: Links) -> Message | None:
    """The message that a notification (a row of `contents.facts`) is; None when nothing is left that it could tell."""
    kind = kind_of(row.kind)
    visits: Sequence[ListedAppointment] = ()
    if kind in LIST_READERS:
        visits = await LIST_READERS[kind](db, row, now)
        if not visits:
            return None
    about_an_appointment = bool(KINDS[kind].statuses)
    unsubscribe_url = (
        f"{links.public_url}/unsubscribe/{signed_tokens.sign(links.secret, 'unsubscribe', [row.recipient_id, row.channel])}"
        if about_an_appointment
        else None
    )
    facts = Facts(
        clinic=row.clinic or PLATFORM,
        time_zone=row.time_zone or "UTC",
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
        user=row.user,
        link=_link(row, kind, links),
        code=signed_tokens.six_digit_code(links.secret, "sign-in", row.subject_id) if kind == "sign-in-code" else None,
    )
    rendered = render(
        TemplateKey(cast("Kind | AccountKind", kind), row.channel, row.locale),
        facts,
        TemplateText(row.own_subject, row.own_text) if row.own_text else None,
    )
    if rendered.fell_back:
        log.warning(
            "a clinic's own words are broken",
            clinic_id=row.clinic_id,
            kind=kind,
            channel=row.channel,
            locale=row.locale,
        )
    to_address = address_of(row)
    assert to_address, "looked at before"
    method = CALENDAR_METHODS.get(kind) if row.channel == "email" else None
    return Message(
        token=f"{row.id}.{row.round}",
        channel=row.channel,
        to=to_address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        calendar=_invitation(row, method, rendered, to_address, links) if method else None,
        calendar_method=method,
        sender_name=row.clinic or PLATFORM,
        reply_to=row.clinic_email,
        unsubscribe_url=unsubscribe_url,
        status_url=f"{links.public_url}/callbacks/sms/{row.id}" if row.channel == "sms" else None,
        customer_id=UUID(row.recipient_id) if row.recipient == "customer" else None,
    )


def _link(row: Any, kind: str, links: Links) -> str | None:
    """Where the recipient goes on: to their appointment, or to choose a password. It lets in whoever has it, so it is
    in the message and nowhere else."""
    match row.recipient:
        case "user":
            token = signed_tokens.sign(
                links.secret, kind, [row.recipient_id, row.sequence, int(row.expires_at.timestamp())]
            )
            return f"{links.public_url}/credentials/{token}"
        case "customer" if KINDS[kind].statuses:
            return f"{links.public_url}/appointments/{manage.token(links.secret, UUID(row.subject_id))}"
        case _:
            return None


async def _agenda_appointments(db: Database, row: Row, now: datetime) -> list[ListedAppointment]:
    found = await contents.appointments_of_day(
        db, clinic_id=row.clinic_id, doctor_id=UUID(row.recipient_id), day=row.sequence
    )
    return [to(ListedAppointment, visit) for visit in found]


async def _stranded_appointments(db: Database, row: Row, now: datetime) -> list[ListedAppointment]:
    return [
        to(ListedAppointment, visit)
        for visit in await contents.stranded_appointments(db, clinic_id=row.clinic_id, now=now, most=MAX_LISTED)
    ]


LIST_READERS: Final = {"agenda": _agenda_appointments, "stranded": _stranded_appointments}
"""The kinds that list appointments, and where these come from."""


def _invitation(row: Row, method: Method, rendered: Rendered, to_address: str, links: Links) -> str:
    where = (
        translate(row.locale, "online, not at the clinic") if row.mode == "online" else row.clinic_address or row.clinic
    )
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
