"""Compose a notification's message: its text, its calendar invitation and the links in it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

import msgspec
import structlog

from ...booking import links as manage
from ...booking.cancellation import ChangePolicy, last_change
from ...booking.confirmation import model as confirmation
from ...calls.joining import links as joining
from ...database.pool import Database
from ...kit import signed_tokens
from ..channels.model import Message
from ..templates.model import AccountKind, Kind, ListedAppointment, MessageFacts, Rendered, TemplateKey, TemplateText
from ..templates.rendering import render
from .calendars import with_calendars
from .kinds import KINDS, PREPARATION_KINDS, kind_of
from .links import MessageLinks
from .lists import LIST_READERS
from .model import LINK_TTL, NotificationContext
from .money import MONEY_READERS, NO_MONEY_CONTENT
from .rules import address_of
from .settlements import with_settlements

log = structlog.get_logger()

Writer = Callable[[Database, Sequence[NotificationContext], datetime], Awaitable[Message | None]]
"""Composes the message for one or more notifications. Returns None if there is nothing left to say."""
UNSUBSCRIBE_TTL: Final = timedelta(days=365)
"""How long the link in a message can turn off further messages."""
PLATFORM: Final = "Appoint"
"""The sender's name on messages without a clinic."""


async def compose(
    db: Database, contexts: Sequence[NotificationContext], now: datetime, *, links: MessageLinks
) -> Message | None:
    """Compose the message that notifications to the same address share. Return None if it lists appointments and there
    are none left."""
    context = contexts[0]
    kind = _kind_for_recipient(context)
    appointments: Sequence[ListedAppointment] = ()
    if kind in LIST_READERS:
        appointments = await LIST_READERS[kind](db, context, now)
        if not appointments:
            return None
        appointments = [_with_call_link(each, context.clinic_id, links) for each in appointments]
    by_start = sorted(contexts, key=lambda each: (each.start_time or now, each.id))
    each_facts = [_facts(each, kind, appointments, links, now) for each in by_start]
    each_facts = await with_settlements(db, kind, by_start, each_facts, now)
    facts = _shared_facts(each_facts, kind, links) if len(each_facts) > 1 and not appointments else each_facts[0]
    money = await MONEY_READERS[kind](db, context, links) if kind in MONEY_READERS else NO_MONEY_CONTENT
    facts = msgspec.structs.replace(facts, money=money.facts, link=money.link or facts.link)
    rendered = render(
        TemplateKey(cast("Kind | AccountKind", kind), context.channel, context.locale),
        facts,
        TemplateText(context.own_subject, context.own_text) if context.own_text else None,
    )
    if rendered.fell_back:
        log.warning(
            "a clinic's own template is invalid",
            clinic_id=context.clinic_id,
            kind=kind,
            channel=context.channel,
            locale=context.locale,
        )
    message = _message(context, facts, rendered, links)._replace(attachments=money.attachments)
    return with_calendars(message, [*zip(by_start, each_facts, strict=True)], kind, links)


def _shared_facts(each_facts: Sequence[MessageFacts], kind: str, links: MessageLinks) -> MessageFacts:
    """Return the facts for a message about several appointments: the first appointment's facts, with everyone's names.
    Instead of a link to one appointment, they contain a link to the list of all appointments, for which customers have
    to sign in. A message about expired holds contains no names, because strangers can enter any name."""
    first = each_facts[0]
    if kind == "hold-expired":
        nameless = [msgspec.structs.replace(facts, customer=None, link=None) for facts in each_facts]
        return msgspec.structs.replace(first, together=nameless)
    names = dict.fromkeys(facts.customer for facts in each_facts if facts.customer)
    return msgspec.structs.replace(
        first,
        together=each_facts,
        customer=", ".join(names),
        link=f"{links.public_url}/my" if first.link else None,
        join_url=None,
    )


READABLE: Final = frozenset(
    {
        "confirmation",
        "moved",
        "place-changed",
        "cancelled",
        "reminder",
        "hold-expiring",
        "hold-expired",
        "rebook",
        "missed",
    }
)
"""The kinds of messages to patients that staff can read again. Codes and messages about accounts are not among them."""
HIDDEN_LINK: Final = "https://…"


def rewrite(context: NotificationContext, now: datetime) -> Rendered:
    """Write a message to a patient again, from the current details and without its links, because links grant
    access."""
    kind = kind_of(context.kind)
    facts = msgspec.structs.replace(
        _facts(context, kind, (), MessageLinks("", "not used", ""), now),
        link=HIDDEN_LINK,
        join_url=f"{HIDDEN_LINK}/join" if context.opens_before_minutes else None,
        # different from the other link, so that each gets its own button
        rebook_url=f"{HIDDEN_LINK}/c/{context.clinic_id}",
        unsubscribe_url=None,
    )
    return render(
        TemplateKey(cast("Kind", kind), context.channel, context.locale),
        facts,
        TemplateText(context.own_subject, context.own_text) if context.own_text else None,
    )


def _kind_for_recipient(context: NotificationContext) -> str:
    """Return the kind of message to write. An invitation to someone who already has a password doesn't contain a link
    to choose one. Otherwise, any manager could send such a link to any user's mailbox.
    """
    kind = kind_of(context.kind)
    return "clinic-joined" if kind == "invitation" and context.user_has_password else kind


def _facts(
    context: NotificationContext,
    kind: str,
    appointments: Sequence[ListedAppointment],
    links: MessageLinks,
    now: datetime,
) -> MessageFacts:
    return MessageFacts(
        clinic=context.clinic or PLATFORM,
        time_zone=context.time_zone or "UTC",
        clinic_phone=context.clinic_phone,
        clinic_address=context.clinic_address,
        customer=context.customer,
        customer_time_zone=context.customer_time_zone,
        region=context.region,
        doctor=context.doctor,
        type=context.type,
        preparation=context.preparation if kind in PREPARATION_KINDS else None,
        accent=context.clinic_colour,
        website=context.clinic_website,
        map_url=context.clinic_map_url,
        logo_url=links.site.logo_url(context.clinic_id, context.clinic_logo_hash),
        privacy_url=context.clinic_privacy_url or links.privacy_url,
        imprint_url=context.clinic_imprint_url or links.imprint_url,
        mode=context.mode,
        start_time=appointments[0].start_time if appointments else context.start_time,
        end_time=context.end_time,
        old_start_time=context.old_start_time if context.old_start_time != context.start_time else None,
        old_doctor=context.old_doctor,
        cancelled_by=context.cancelled_by,
        cancel_reason=context.cancel_reason,
        hold_expires_at=context.hold_expires_at,
        appointments=appointments,
        unsubscribe_url=_unsubscribe_url(context, links)
        if KINDS[kind].statuses and not KINDS[kind].essential and not KINDS[kind].is_news
        else None,
        webhook=context.webhook,
        user=context.user,
        link=_link(context, kind, links),
        join_url=_join_url(context, kind, links),
        opens_before_minutes=context.opens_before_minutes,
        code=_code(context, kind, links),
        corrected_details=context.corrected_details or (),
        guardian=context.guardian,
        guardian_until=context.guardian_until,
        address_changed_at=context.address_changed_at,
        patient=context.patient,
        rebook_url=_rebook_url(context, links),
        change_until=_change_until(context, now),
    )


def _change_until(context: NotificationContext, now: datetime) -> datetime | None:
    if context.start_time is None or context.booked_at is None:
        return None
    policy = ChangePolicy(context.cancel_notice_minutes or 0, context.change_grace_minutes or 0)
    return last_change(
        policy,
        start=context.start_time,
        booked_at=context.booked_at,
        needs_rebooking=context.needs_rebooking,
        now=now,
    )


def _code(context: NotificationContext, kind: str, links: MessageLinks) -> str | None:
    match kind:
        case "sign-in-code":
            return signed_tokens.six_digit_code(links.secret, "sign-in", context.subject_id)
        case "address-code":
            return signed_tokens.six_digit_code(links.secret, "address", context.subject_id)
        case "confirmation-code":
            assert context.booking_id, "the appointment exists"
            number = int(context.kind.rpartition("-")[2])
            return confirmation.code(links.secret, context.booking_id, number)
        case _:
            return None


def _message(context: NotificationContext, facts: MessageFacts, rendered: Rendered, links: MessageLinks) -> Message:
    to_address = address_of(context)
    assert to_address, "`outcome_before_sending` has checked it"
    return Message(
        token=f"{context.id}.{context.round}",
        channel=context.channel,
        to=to_address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        sender_name=context.clinic or PLATFORM,
        reply_to=context.clinic_email,
        unsubscribe_url=facts.unsubscribe_url,
        status_url=f"{links.public_url}/callbacks/sms/{context.id}" if context.channel == "sms" else None,
        customer_id=UUID(context.recipient_id) if context.recipient == "customer" else None,
    )


def _join_url(context: NotificationContext, kind: str, links: MessageLinks) -> str | None:
    """Return the patient's link to their video visit."""
    if context.recipient != "customer" or not context.opens_before_minutes or kind not in PREPARATION_KINDS:
        return None
    return joining.join_url(links.public_url, links.secret, UUID(context.subject_id), context.link_number or 1)


def _with_call_link(appointment: ListedAppointment, clinic_id: int, links: MessageLinks) -> ListedAppointment:
    """Return the appointment with the link to the page where its doctor joins the call."""
    url = links.call_page(clinic_id, appointment.id) if appointment.has_call else None
    return msgspec.structs.replace(appointment, join_url=url)


def _unsubscribe_url(context: NotificationContext, links: MessageLinks) -> str:
    expires = int((context.created_at + UNSUBSCRIBE_TTL).timestamp())
    token = signed_tokens.sign(links.secret, "unsubscribe", [context.recipient_id, context.channel, expires])
    return f"{links.public_url}/unsubscribe/{token}"


def _rebook_url(context: NotificationContext, links: MessageLinks) -> str | None:
    """Return the address for booking another appointment: with the same doctor or, to keep text messages short, with
    any doctor.
    """
    if context.recipient != "customer" or context.doctor_id is None or not context.clinic_active:
        return None
    doctor = f"?doctor={context.doctor_id}" if context.doctor_active and context.channel == "email" else ""
    return f"{links.public_url}/c/{context.clinic_id}{doctor}"


def _link(context: NotificationContext, kind: str, links: MessageLinks) -> str | None:
    """Return the link to the appointment, or the link to choose a password. It grants access to anyone who has it, so
    it appears only in the message. Users who have a password are sent to the page where they sign in or request a new
    password."""
    match context.recipient:
        case _ if kind == "call-failed":
            return links.call_page(context.clinic_id, context.subject_id)
        case "user" if KINDS[kind_of(context.kind)].recipient == "staff":
            return None
        case "user" if kind == "clinic-joined":
            return f"{links.public_url}/staff/sign-in"
        case "user" if kind not in LINK_TTL:
            return f"{links.public_url}/password-reset"
        case "customer" if kind in ("hold-expired", "payment-returned"):
            return f"{links.public_url}/c/{context.clinic_id}"
        case "customer" if kind == "guardian-added":
            return f"{links.public_url}/my/people"
        case "customer" if kind == "confirmation-code":
            assert context.booking_id, "the appointment exists"
            assert context.customer_version, "the customer exists"
            token = confirmation.link_token(links.secret, context.booking_id, context.customer_version)
            return f"{links.public_url}/confirm/{token}"
        case "user":
            expires = int(context.expires_at.timestamp())
            token = signed_tokens.sign(links.secret, kind, [context.recipient_id, context.sequence, expires])
            return f"{links.public_url}/credentials/{token}"
        case "customer" if KINDS[kind_of(context.kind)].statuses:
            subject, number = UUID(context.subject_id), context.link_number or 1
            if context.channel == "sms":
                code = manage.short_code(links.secret, subject, number)
                return f"{links.public_url}/a/{code}{'/move' if kind == 'rebook' else ''}"
            token = manage.token(links.secret, subject, number)
            return f"{links.public_url}/appointments/{token}{'/move' if kind == 'rebook' else ''}"
        case _:
            return None
