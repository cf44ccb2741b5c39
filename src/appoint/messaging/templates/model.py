"""What people are told, in words: the kinds of message, the facts they tell, and how these become text and HTML."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, cast, get_args
from uuid import UUID

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from ...clinics.appointment_types.model import Mode
from ...kit import date_formats, errors, fields, phones
from ...kit.i18n import CONTROL, for_telephones, one_line, template_functions, translate
from ...kit.structs import RequestBody
from ..channels.model import Channel
from . import sandbox

Kind = Literal[
    "confirmation",
    "moved",
    "cancelled",
    "reminder",
    "hold-expiring",
    "missed",
    "agenda",
    "stranded",
    "webhook-disabled",
]
AccountKind = Literal["invitation", "password-reset", "sign-in-code"]
"""About somebody's account: these are Appoint's own, and no clinic has other words for them."""
APPOINTMENT_PLACEHOLDERS: Final = (
    "clinic",
    "phone",
    "address",
    "customer",
    "doctor",
    "type",
    "mode",
    "where",
    "when",
    "yours",
    "day",
    "time",
)
PLACEHOLDERS: Final[Mapping[Kind | AccountKind, tuple[str, ...]]] = {
    "confirmation": (*APPOINTMENT_PLACEHOLDERS, "link"),
    "moved": (*APPOINTMENT_PLACEHOLDERS, "before", "link"),
    "cancelled": APPOINTMENT_PLACEHOLDERS,
    "reminder": (*APPOINTMENT_PLACEHOLDERS, "link"),
    "hold-expiring": (*APPOINTMENT_PLACEHOLDERS, "expires"),
    "missed": APPOINTMENT_PLACEHOLDERS,
    "agenda": ("clinic", "phone", "doctor", "day", "count", "appointments"),
    "stranded": ("clinic", "count", "appointments"),
    "webhook-disabled": ("clinic", "webhook"),
    "invitation": ("clinic", "user", "link"),
    "password-reset": ("clinic", "user", "link"),
    "sign-in-code": ("clinic", "code"),
}
"""The placeholders of each kind of message."""
EMAIL_ONLY: Final = frozenset({"agenda", "stranded", "webhook-disabled", "invitation", "password-reset"})


class TemplateKey(NamedTuple):
    kind: Kind | AccountKind
    channel: Channel
    language: fields.Locale


def template_key(kind: str, channel: str, language: str) -> TemplateKey:
    """A message that clinics can have their own words for. Raises `NotFound` for one that there is not."""
    channels = get_args(Channel) if kind not in EMAIL_ONLY else ("email",)
    if kind not in get_args(Kind) or channel not in channels or language not in get_args(fields.Locale):
        raise errors.NotFound
    return TemplateKey(cast("Kind", kind), cast("Channel", channel), cast("fields.Locale", language))


class ListedAppointment(msgspec.Struct, frozen=True):
    """One appointment of a list."""

    start_time: datetime
    end_time: datetime
    customer: str
    doctor: str
    type: str | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a message can tell. An agenda's `start_time` is any instant of its day."""

    clinic: str
    time_zone: str
    clinic_phone: str | None = None
    clinic_address: str | None = None
    customer: str | None = None
    customer_time_zone: str | None = None
    doctor: str | None = None
    type: str | None = None
    mode: Mode = "inPerson"
    start_time: datetime | None = None
    end_time: datetime | None = None
    old_start_time: datetime | None = None
    """Of an appointment that was moved."""
    hold_expires_at: datetime | None = None
    appointments: Sequence[ListedAppointment] = ()
    unsubscribe_url: str | None = None
    """Where the recipient can say that they want no more of such mails; it stands below the words."""
    webhook: str | None = None
    """What the clinic calls it, or its address."""
    user: str | None = None
    link: str | None = None
    """Where the recipient goes on from here."""
    code: str | None = None
    """To sign in with."""


START: Final = datetime(2027, 3, 1, 8, 30, tzinfo=UTC)
EXAMPLE: Final = Facts(
    clinic="Lakeside Clinic",
    time_zone="Europe/Berlin",
    clinic_phone="+493012345678",
    clinic_address="Seestraße 12, 13353 Berlin",
    customer="Ana Souza",
    customer_time_zone="America/Sao_Paulo",
    doctor="Dr. Amara Shah",
    type="First consultation",
    start_time=START,
    end_time=START.replace(hour=9, minute=0),
    old_start_time=START.replace(hour=13),
    hold_expires_at=START.replace(hour=7),
    appointments=(
        ListedAppointment(START, START.replace(hour=9, minute=0), "Ana Souza", "Dr. Amara Shah", "First consultation"),
        ListedAppointment(START.replace(hour=10), START.replace(hour=11), "Ben Okafor", "Dr. Amara Shah"),
    ),
    webhook="Practice software",
    user="Mia Klein",
    link="https://appoint.example/appointments/apm_AAAAAQGXgYwMIgIB-WYVCA.GJ3EGXa0tZ8ySSUf3PCLX9zVn4g",
    code="314159",
)
"""For previews, and to try a clinic's words before they are kept."""

MAX_LISTED: Final = 100


def placeholder_values(which: TemplateKey, facts: Facts) -> dict[str, str]:
    """What the placeholders of a message stand for: plain text in one line each, but for `appointments`; empty where
    there is nothing to say."""
    language, clinic = which.language, one_line(facts.clinic)
    address = ", ".join(one_line(part) for part in (facts.clinic_address or "").splitlines() if part.strip())
    width: date_formats.Width = "full" if which.channel == "email" else "short"

    def moment(instant: datetime | None, time_zone: str | None, end: datetime | None = None) -> str:
        return date_formats.moment(instant, time_zone, language, width, end=end) if instant and time_zone else ""

    start, end, zone, own = facts.start_time, facts.end_time, facts.time_zone, facts.customer_time_zone
    differs = start and own and not date_formats.same_wall_time(start, zone, own)
    every = {
        "clinic": clinic,
        "phone": phones.readable(facts.clinic_phone) if facts.clinic_phone else "",
        "address": address,
        "customer": one_line(facts.customer),
        "doctor": one_line(facts.doctor),
        "type": one_line(facts.type),
        "mode": facts.mode,
        "where": translate(language, "online, not at the clinic") if facts.mode == "online" else address or clinic,
        "when": moment(start, zone, end),
        "yours": moment(start, own, end) if differs else "",
        "day": date_formats.day(start, zone, language, width) if start else "",
        "time": date_formats.time(start, zone, language) if start else "",
        "before": moment(facts.old_start_time, zone),
        "expires": moment(facts.hold_expires_at, zone),
        "count": str(len(facts.appointments)),
        "appointments": "\n".join(_appointment_lines(which, facts)),
        "webhook": one_line(facts.webhook),
        "user": one_line(facts.user),
        "link": facts.link or "",
        "code": facts.code or "",
    }
    return {name: every[name] for name in PLACEHOLDERS[which.kind]}


def _appointment_lines(which: TemplateKey, facts: Facts) -> Iterator[str]:
    """A line for each of the appointments: of a doctor's day, or else with the day and the doctor."""
    for visit in facts.appointments[:MAX_LISTED]:
        hours = date_formats.hours(visit.start_time, visit.end_time, facts.time_zone, which.language)
        who = [one_line(visit.customer), one_line(visit.type)]
        if which.kind != "agenda":
            hours = f"{date_formats.day(visit.start_time, facts.time_zone, which.language, 'short')}, {hours}"
            who.insert(1, one_line(visit.doctor))
        yield ", ".join([hours, *filter(None, who)])
    if (more := len(facts.appointments) - MAX_LISTED) > 0:
        yield translate(which.language, "and {count} more", count=more)


class TemplateText(NamedTuple):
    """Templates of what a message says: its subject, which text messages have none of, and its text."""

    subject: str | None
    text: str


class Rendered(NamedTuple):
    subject: str
    """Of mails; empty for text messages."""
    text: str
    html: str | None = None
    fell_back: bool = False
    """The clinic's own words could not be filled in; ours stand instead."""


MAX_LENGTH: Final[Mapping[Channel, int]] = {"email": 100_000, "sms": 1000}
"""Characters of a text once it is filled in."""
MAX_SUBJECT_LENGTH: Final = 500
LABELLED: Final = re.compile(r"([^:]{1,40}?)\s?: (.+)")

default_texts: Final = Environment(  # noqa: S701  our own words, as templates that are filled in later
    loader=PackageLoader("appoint", "messaging/templates/texts"),
    block_start_string="[%",
    block_end_string="%]",
    variable_start_string="[[",
    variable_end_string="]]",
    comment_start_string="[#",
    comment_end_string="#]",
    trim_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)
layouts: Final = Environment(
    loader=PackageLoader("appoint", "messaging/templates/texts"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


@cache
def default_text(which: TemplateKey) -> TemplateText:
    """Our own words for a message, in the form that clinics write theirs."""

    def translated(text: str) -> str:
        return re.sub(r"\{(\w+)\}", r"{{ \1 }}", translate(which.language, text))

    written = default_texts.get_template(f"{which.kind}.{which.channel}.txt").render(_=translated)
    if which.channel == "sms":
        return TemplateText(None, written.strip())
    subject, _, text = written.partition("\n\n")
    return TemplateText(subject.strip(), text.strip())


def find_faults(which: TemplateKey, words: TemplateText) -> list[errors.Fault]:
    """What is wrong with a clinic's words for a message, with the lines; nothing when they can be filled in, which is
    tried."""
    if (words.subject is None) == (which.channel == "email"):
        if which.channel == "email":
            return [errors.Fault("#/subject", "is missing")]
        return [errors.Fault("#/subject", "must be left out; only emails have a subject")]
    parts = (("#/subject", words.subject or ""), ("#/text", words.text))
    if found := [
        fault for pointer, source in parts for fault in sandbox.find_faults(source, pointer, PLACEHOLDERS[which.kind])
    ]:
        return found
    try:
        _fill(which, words, placeholder_values(which, EXAMPLE))
    except sandbox.InvalidTemplate as broken:
        return list(broken.faults)
    return []


def render(which: TemplateKey, facts: Facts, own: TemplateText | None = None) -> Rendered:
    """The message in the clinic's own words, or in ours: where it has none, and where they cannot be filled in."""
    values = placeholder_values(which, facts)
    try:
        subject, text = _fill(which, own or default_text(which), values)
    except sandbox.InvalidTemplate:
        if own is None:
            raise
        return render(which, facts)._replace(fell_back=True)
    if which.channel == "sms":
        return Rendered(subject, text)
    html = _html(which.language, subject, text, values["clinic"], facts)
    unsubscribe = translate(which.language, "Stop emails about appointments:")
    footer = f"\n\n-- \n{unsubscribe} {facts.unsubscribe_url}" if facts.unsubscribe_url else ""
    return Rendered(subject, text + footer, html)


def _fill(which: TemplateKey, words: TemplateText, values: Mapping[str, str]) -> tuple[str, str]:
    """Subject and text. Raises `templating.Broken`, also for what is empty then, or too long."""
    subject = one_line(sandbox.fill(words.subject or "", "#/subject", values))
    lines = (line.rstrip() for line in CONTROL.sub("", sandbox.fill(words.text, "#/text", values)).split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    measured = [
        ("#/text", text, MAX_LENGTH[which.channel]),
        *([("#/subject", subject, MAX_SUBJECT_LENGTH)] if which.channel == "email" else []),
    ]
    empty = [errors.Fault(pointer, "is empty once it is filled in") for pointer, part, _ in measured if not part]
    long = [
        errors.Fault(pointer, "is too long once it is filled in; maximum length: {n}", n=most)
        for pointer, part, most in measured
        if len(part) > most
    ]
    if empty or long:
        raise sandbox.InvalidTemplate(*empty, *long)
    return subject, text if which.channel == "email" else for_telephones(text)


def _html(language: str, subject: str, text: str, clinic: str, facts: Facts) -> str:
    """The text in a calm layout. Lines under each other that all say “label: …” become a table, and the link can be
    clicked."""
    blocks: list[list[tuple[str, str]]] = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        found = [match.groups() for line in lines if (match := LABELLED.fullmatch(line))]
        blocks.append(
            [(label, said) for label, said in found] if 1 < len(lines) == len(found) else [("", line) for line in lines]
        )
    return layouts.get_template("mail_layout.html").render(
        language=language,
        subject=subject,
        clinic=clinic,
        blocks=blocks,
        unsubscribe_url=facts.unsubscribe_url,
        link=facts.link,
        **template_functions(language),
    )


class TemplateContent(RequestBody):
    """A clinic's own words for a message: text with `{{ placeholder }}`, `{{ placeholder | upper }}` (or lower, or
    capitalize), and `{% if placeholder %}…{% elif placeholder == "text" %}…{% else %}…{% endif %}`, also with not, and,
    or."""

    text: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=10_000,
            examples=["Hello {{ customer }},\n\nwe look forward to seeing you: {{ when }}."],
        ),
    ]
    subject: (
        Annotated[str, msgspec.Meta(min_length=1, max_length=200, examples=["Your appointment on {{ day }}"])] | None
    ) = None
    """Of an e-mail; a text message has none."""

    @property
    def words(self) -> TemplateText:
        return TemplateText(self.subject, self.text)


class MessageTemplate(msgspec.Struct, kw_only=True, rename="camel"):
    """What a message says, and whether these are the clinic's own words."""

    EXAMPLE: ClassVar = {
        "clinicId": 1,
        "kind": "confirmation",
        "channel": "email",
        "locale": "en",
        "subject": "Your appointment on {{ day }}",
        "text": "Hello {{ customer }},\n\nwe look forward to seeing you: {{ when }}.",
        "custom": True,
        "placeholders": list(APPOINTMENT_PLACEHOLDERS),
        "id": "00000001-0197-8bdd-85fb-0b80cd5c37fa",
        "version": 1,
        "createdAt": "2027-02-01T10:15:00Z",
        "updatedAt": "2027-02-01T10:15:00Z",
    }

    clinic_id: int
    kind: Kind
    channel: Channel
    locale: fields.Locale
    subject: str | None
    text: str
    custom: bool
    """false: the clinic has no words of its own for this; these are everybody's."""
    placeholder_values: list[str]
    """The names that can stand in its text and subject."""
    id: UUID | None
    version: int
    """0 for everybody's."""
    created_at: datetime | None
    updated_at: datetime | None


class Preview(msgspec.Struct, kw_only=True):
    """What would be sent to somebody in an example."""

    EXAMPLE: ClassVar = {
        "subject": "Your appointment on Monday, March 1, 2027",
        "text": "Hello Ana Souza, …",
        "html": "<!doctype html>…",
    }

    subject: str | None
    text: str
    html: str | None
    """Of an e-mail."""
