"""Messages, how they are built as emails, and what providers' refusals mean."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, quote
from typing import Any, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ...kit.email_addresses import normalize
from ...kit.icalendar_files import Method

Channel = Literal["email", "sms"]


class Attachment(NamedTuple):
    """A file in an email."""

    name: str
    subtype: str
    """Its media type, without `application/`."""
    content: bytes


class Message(NamedTuple):
    token: str
    """The same for every attempt to send a message, so that providers that support idempotency tokens deliver it only
    once.
    """
    channel: Channel
    to: str
    """An email address, or a phone number in E.164 format."""
    subject: str
    """Empty for text messages."""
    text: str
    html: str | None = None
    calendar: str | None = None
    """An iCalendar object for the recipient's calendar."""
    calendars: Sequence[str] = ()
    """The iCalendar objects in a message about several appointments, instead of `calendar`."""
    calendar_method: Method | None = None
    attachments: Sequence[Attachment] = ()
    sender_name: str = ""
    """The clinic's name, shown before the sender's address."""
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    """Accepts a bare POST (RFC 8058)."""
    status_url: str | None = None
    """The URL to which the text message provider reports delivery."""
    customer_id: UUID | None = None
    """The recipient, if they are a customer."""


class Undeliverable(Exception):
    """The provider has permanently rejected the message. The text says why in plain words, without the address."""


class Delayed(Exception):
    """The provider cannot be reached or won't accept the message at the moment; a later attempt may succeed. The text
    says why in plain words, without the address."""


class DevMessage(msgspec.Struct, frozen=True):
    """A message in the development mailbox. In lists, it includes only the beginning of its text, and neither HTML nor
    a calendar."""

    id: int
    channel: Channel
    recipient: str
    subject: str
    text: str
    created_at: datetime
    html: str | None = None
    calendar: str | None = None


MAX_LINE_LENGTH: Final = 900
"""A line in an email is limited to 998 octets (RFC 5321); this leaves room for the header's name."""
E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")

CONTROLS: Final = {*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)}
IN_LINES: Final = dict.fromkeys({*CONTROLS, 0x2028, 0x2029}, " ")
IN_TEXTS: Final = dict.fromkeys(CONTROLS - {ord(character) for character in "\t\r\n"}, " ")


def sanitize(message: Message) -> Message:
    """Return the message without characters that could be read as a command or a separate header. Raise `Undeliverable`
    if its address is invalid."""
    if message.channel == "email" and not normalize(message.to):
        raise Undeliverable("the email address is not valid")
    if message.channel == "sms" and not E164.fullmatch(message.to):
        raise Undeliverable("the phone number is not valid")
    return message._replace(
        subject=message.subject.translate(IN_LINES).strip(),
        sender_name=message.sender_name.translate(IN_LINES).strip(),
        text=message.text.translate(IN_TEXTS),
        html=message.html and message.html.translate(IN_TEXTS),
        calendar=message.calendar and message.calendar.translate(IN_TEXTS),
        calendars=[calendar.translate(IN_TEXTS) for calendar in message.calendars],
    )


class VerbatimHeader(BaseHeader):
    """A header that is written as it is, folded only between encoded words.

    Python would decode encoded words inside a name, including line breaks, and write the result as separate headers. It
    would also encode addresses longer than a line, which mail servers would then not recognise as addresses.
    """

    max_count: ClassVar[Literal[1] | None] = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, **_: Any) -> str:
        return f"{self.name}: {self}".replace("?= =?", "?=\r\n =?") + "\r\n"


HEADERS: Final = HeaderRegistry()
for _name in ("from", "reply-to", "to", "subject", "message-id", "list-unsubscribe"):
    HEADERS.map_to_type(_name, VerbatimHeader)
MAIL: Final = SMTP.clone(cte_type="7bit", header_factory=HEADERS)  # 7bit, for servers that accept nothing else


def build_mail(message: Message, *, sender: str, now: datetime) -> EmailMessage:
    """Build the email for a sanitized message, sent from the sender's address: text, HTML and calendar as alternatives,
    and the calendar again as an attachment.

    If there are several calendars, they are only attached, each as its own file. An invitation can contain only one
    event (RFC 5546), mail programs ignore all but the first, and an alternative to the text would hide the other
    appointments.

    `Message-ID` is derived from the token, so that mail programs show an email only once, even if it is delivered
    twice.
    """
    mail = EmailMessage(MAIL)
    mail["From"] = _with_name(message.sender_name, sender)
    reply_to = normalize(message.reply_to or "")
    # the reply address may contain non-ASCII letters only if the recipient's address contains some too
    if reply_to and (reply_to.isascii() or not (normalize(message.to) or "").isascii()):
        mail["Reply-To"] = _with_name(message.sender_name, reply_to)
    mail["To"] = normalize(message.to)
    mail["Subject"] = _encode(message.subject[:MAX_LINE_LENGTH])
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = (
        f"<{hashlib.blake2b(message.token.encode(), digest_size=20).hexdigest()}@{sender.rpartition('@')[2]}>"
    )
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe_url and re.fullmatch(r"https?://[!-;=?-~]+", message.unsubscribe_url):
        mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    method = {"method": message.calendar_method} if message.calendar_method else {}
    for number, calendar in enumerate(message.calendars, 1):
        mail.add_attachment(calendar, subtype="calendar", filename=f"appointment-{number}.ics", params=method)
    if message.calendar:
        mail.add_alternative(message.calendar, subtype="calendar", params=method)
        # application/ics, because a second text/calendar would make some calendars add the event again
        mail.add_attachment(message.calendar.encode(), "application", "ics", filename="invite.ics", params=method)
    for attachment in message.attachments:
        mail.add_attachment(attachment.content, "application", attachment.subtype, filename=attachment.name)
    return mail


def _with_name(name: str, address: str) -> str:
    if not name:
        return address
    encoded = _encode(name[:MAX_LINE_LENGTH])
    return f'"{quote(name)}" <{address}>' if encoded == name else f"{encoded} <{address}>"


def _encode(text: str) -> str:
    """Return the text for a header, in encoded words (RFC 2047) if it contains non-ASCII letters or looks like encoded
    words itself."""
    return text if text.isascii() and "=?" not in text else Header(text, "utf-8").encode(linesep="")


AUTHENTICATION_CODES: Final = {530, 534, 535, 538}
SMTP_REFUSALS: Final = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such domain",
    "1.3": "the address is not valid",
    "1.6": "the recipient has moved",
    "1.10": "the domain does not accept email",
    "2.1": "the mailbox is closed",
    "2.2": "the mailbox is full",
    "2.3": "the email is too large",
    "3.4": "the email is too large",
}
"""Reasons by enhanced status code (RFC 3463), without the class."""


def smtp_refusal(code: int, text: str, subject: str) -> Undeliverable | Delayed:
    """Return the exception for the server's refusal of `subject` (the recipient or the email). A refusal based on
    authentication or policy (X.7) concerns the sender. The operator can fix its cause, so it only delays the message.
    """
    enhanced = re.match(r"([245])\.(\d{1,3}\.\d{1,3})(?!\d)", text)
    detail = f"{code} {enhanced[0]}" if enhanced else f"{code}"
    if not 500 <= code < 600:
        return Delayed(f"the mail server temporarily refuses {subject} ({detail})")
    if code in AUTHENTICATION_CODES or (enhanced and enhanced[2].startswith("7.")):
        return Delayed(f"the mail server does not accept email from this sender ({detail})")
    reason = SMTP_REFUSALS.get(enhanced[2]) if enhanced else None
    return Undeliverable(
        f"the mail server refuses {subject}: {reason} ({detail})"
        if reason
        else f"the mail server refuses {subject} ({detail})"
    )


ACCOUNT_ERRORS: Final = {20003, 21212, 21603, 21606, 21608, 21609, 21611, 21659, 21660, 21661, *range(21701, 21713)}
"""Twilio's error codes for problems with our account, number or settings, which the operator can fix."""
SMS_REFUSALS: Final = {
    21211: "there is no such number",
    21214: "the number cannot be reached",
    21217: "there is no such number",
    21408: "text messages to that region are not enabled",
    21610: "the recipient has unsubscribed",
    21612: "text messages cannot reach the number",
    21614: "the number does not accept text messages",
    21617: "the message is too long",
}


class _Response(msgspec.Struct):
    sid: Any = None
    code: Any = None


def _decode(body: bytes) -> _Response | None:
    try:
        return msgspec.json.decode(body, type=_Response)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def sid_of(body: bytes) -> str | None:
    """Return the provider's id for a text message, or None if the response contains none."""
    response = _decode(body)
    return (
        response.sid
        if response and isinstance(response.sid, str) and re.fullmatch("[A-Za-z0-9-]{2,64}", response.sid)
        else None
    )


def sms_refusal(status: int, body: bytes) -> Undeliverable | Delayed:
    """Return the exception for an unsuccessful response. Only a 400 with the provider's own JSON is about the message;
    any other response may come from a proxy in between."""
    response = _decode(body)
    if status in (401, 403):
        return Delayed(f"the text message provider rejects the login ({status})")
    if status != 400 or not response:
        return Delayed(f"the text message provider temporarily refuses the message ({status})")
    # the code might be the phone number
    if not isinstance(response.code, int) or not 10_000 <= response.code <= 99_999:
        return Undeliverable("the text message provider refuses the message (400)")
    if response.code in ACCOUNT_ERRORS:
        return Delayed(
            f"the text message provider does not accept the account or the sender number (code {response.code})"
        )
    return Undeliverable(
        f"{SMS_REFUSALS.get(response.code, 'the text message provider refuses the message')} (code {response.code})"
    )
