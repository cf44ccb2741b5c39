"""A message that is ready to leave, what it looks like as a mail, and what can become of it."""

import hashlib
import re
from datetime import datetime
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, quote
from typing import Any, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import idna
import msgspec

Channel = Literal["email", "sms"]


class Message(NamedTuple):
    token: str
    """The same for every attempt at the same message: providers that take an idempotency token are given it, so that
    they deliver it once."""
    channel: Channel
    to: str
    """An e-mail address, or a phone number in E.164."""
    subject: str
    """Of mails; empty for text messages."""
    text: str
    html: str | None = None
    calendar: str | None = None
    """An iCalendar object for the recipient's calendar."""
    calendar_method: Literal["REQUEST", "CANCEL"] | None = None
    sender_name: str = ""
    """The clinic's, which stands before the address that mails come from."""
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    """Takes a POST without anything else (RFC 8058)."""
    status_url: str | None = None
    """Where a text message's gateway reports what became of it."""
    customer_id: UUID | None = None
    """Whom it goes to, if it is a customer."""


class Undeliverable(Exception):
    """The provider has refused for good. The message says why, in plain words, without the address."""


class Delayed(Exception):
    """The provider cannot be reached, or will not take it now; the same may succeed later. The message says why, in
    plain words, without the address."""


class Kept(msgspec.Struct, frozen=True):
    """A message in the mailbox of development. In a list it has the beginning of its text, and neither HTML nor
    calendar."""

    id: int
    channel: Channel
    recipient: str
    subject: str
    text: str
    created_at: datetime
    html: str | None = None
    calendar: str | None = None


LONGEST_ADDRESS: Final = 254
LONGEST_LOCAL_PART: Final = 64
LONGEST_LINE: Final = 900
"""A line of a mail ends before its 998th octet (RFC 5321); this leaves room for the header's name."""
ATOM: Final = r'[^\s()<>\[\]:;@\\,."]+'
LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
MAILBOX: Final = re.compile(rf"({ATOM}(?:\.{ATOM})*)@({LABEL}(?:\.{LABEL})*)")
E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")

CONTROLS: Final = {*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)}
IN_LINES: Final = dict.fromkeys({*CONTROLS, 0x2028, 0x2029}, " ")
IN_TEXTS: Final = dict.fromkeys(CONTROLS - {ord(character) for character in "\t\r\n"}, " ")


def mailbox(address: str) -> str | None:
    """The address as mail servers know it, its domain in ASCII; None when there can be no such address.

    Quoted local parts and addresses of machines (`@[192.0.2.1]`) are not taken: nobody is reached there but by those
    who play tricks.
    """
    if len(address) > LONGEST_ADDRESS or not address.isprintable():
        return None
    local, _, domain = address.rpartition("@")
    try:
        written = f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return None
    fits = len(written.encode()) <= LONGEST_ADDRESS and len(local.encode()) <= LONGEST_LOCAL_PART
    return written if fits and MAILBOX.fullmatch(written) else None


def ready(message: Message) -> Message:
    """The message with nothing in it that could be taken for a command or for another header. Raises `Undeliverable`
    when its address cannot exist."""
    if message.channel == "email" and not mailbox(message.to):
        raise Undeliverable("there can be no such e-mail address")
    if message.channel == "sms" and not E164.fullmatch(message.to):
        raise Undeliverable("there can be no such phone number")
    return message._replace(
        subject=message.subject.translate(IN_LINES).strip(),
        sender_name=message.sender_name.translate(IN_LINES).strip(),
        text=message.text.translate(IN_TEXTS),
        html=message.html and message.html.translate(IN_TEXTS),
        calendar=message.calendar and message.calendar.translate(IN_TEXTS),
    )


class Written(BaseHeader):
    """A header that leaves as it is given, folded only between encoded words.

    Python would decode encoded words that somebody has put into a name, line breaks and all, and write what it finds as
    headers of its own; and it would encode addresses that are longer than a line, which nobody reads as addresses then.
    """

    max_count: ClassVar[Literal[1] | None] = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}".replace("?= =?", "?=\r\n =?") + "\r\n"


HEADERS: Final = HeaderRegistry()
for _name in ("from", "reply-to", "to", "subject", "message-id", "list-unsubscribe"):
    HEADERS.map_to_type(_name, Written)
MAIL: Final = SMTP.clone(cte_type="7bit", header_factory=HEADERS)  # 7bit: for servers that take nothing else


def mail(message: Message, *, sender: str, now: datetime) -> EmailMessage:
    """A message that is `ready`, as a mail from the sender's address: text, HTML and calendar as alternatives, the
    calendar once more as a file.

    `Message-ID` follows from the token, so that mail programs show one that came twice once.
    """
    written = EmailMessage(MAIL)
    written["From"] = _named(message.sender_name, sender)
    reply_to = mailbox(message.reply_to or "")
    if reply_to and (
        reply_to.isascii() or not (mailbox(message.to) or "").isascii()
    ):  # letters beyond ASCII can stand only in a mail that has to have them
        written["Reply-To"] = _named(message.sender_name, reply_to)
    written["To"] = mailbox(message.to)
    written["Subject"] = _encoded(message.subject[:LONGEST_LINE])
    written["Date"] = format_datetime(now)
    written["Message-ID"] = (
        f"<{hashlib.blake2b(message.token.encode(), digest_size=20).hexdigest()}@{sender.rpartition('@')[2]}>"
    )
    written["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe_url and re.fullmatch(r"https?://[!-;=?-~]+", message.unsubscribe_url):
        written["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        written["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    written.set_content(message.text)
    if message.html:
        written.add_alternative(message.html, subtype="html")
    if message.calendar:
        method = {"method": message.calendar_method} if message.calendar_method else {}
        written.add_alternative(message.calendar, subtype="calendar", params=method)
        # application/ics: a second text/calendar would be entered into some calendars a second time
        written.add_attachment(message.calendar.encode(), "application", "ics", filename="invite.ics", params=method)
    return written


def _named(name: str, address: str) -> str:
    if not name:
        return address
    written = _encoded(name[:LONGEST_LINE])
    return f'"{quote(name)}" <{address}>' if written == name else f"{written} <{address}>"


def _encoded(text: str) -> str:
    """The text as a header holds it; in encoded words (RFC 2047) when it has letters beyond ASCII, or looks like
    encoded words itself."""
    return text if text.isascii() and "=?" not in text else Header(text, "utf-8").encode(linesep="")


LOGIN_WANTED: Final = {530, 534, 535, 538}
SMTP_REFUSALS: Final = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such domain",
    "1.3": "the address is not valid",
    "1.6": "the recipient has moved",
    "1.10": "the domain takes no mail",
    "2.1": "the mailbox is closed",
    "2.2": "the mailbox is full",
    "2.3": "the mail is too large",
    "3.4": "the mail is too large",
}
"""Enhanced status codes (RFC 3463), without their class."""


def smtp_refusal(code: int, words: str, refused: str) -> Undeliverable | Delayed:
    """A refusal of the recipient or of the mail. One for reasons of login or policy (X.7) is about who we are, and is
    mended by whoever runs Appoint."""
    enhanced = re.match(r"([245])\.(\d{1,3}\.\d{1,3})(?!\d)", words)
    detail = f"{code} {enhanced[0]}" if enhanced else f"{code}"
    if not 500 <= code < 600:
        return Delayed(f"the mail server does not take {refused} now ({detail})")
    if code in LOGIN_WANTED or (enhanced and enhanced[2].startswith("7.")):
        return Delayed(f"the mail server takes nothing from us ({detail})")
    reason = SMTP_REFUSALS.get(enhanced[2]) if enhanced else None
    return Undeliverable(
        f"the mail server refuses {refused}: {reason} ({detail})"
        if reason
        else f"the mail server refuses {refused} ({detail})"
    )


OURS: Final = {20003, 21212, 21603, 21606, 21608, 21609, 21611, 21659, 21660, 21661, *range(21701, 21713)}
"""Twilio's codes that are about our account, our number or our settings: whoever runs Appoint can mend them."""
SMS_REFUSALS: Final = {
    21211: "there is no such number",
    21214: "the number cannot be reached",
    21217: "there is no such number",
    21408: "text messages to that region are not enabled",
    21610: "the recipient has unsubscribed",
    21612: "no text message reaches the number",
    21614: "the number takes no text messages",
    21617: "the message is too long",
}


class _Answer(msgspec.Struct):
    sid: Any = None
    code: Any = None


def _read(body: bytes) -> _Answer | None:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def sid_of(body: bytes) -> str | None:
    """The id that a gateway has given a text message; None when its answer does not say."""
    answer = _read(body)
    return (
        answer.sid
        if answer and isinstance(answer.sid, str) and re.fullmatch("[A-Za-z0-9-]{2,64}", answer.sid)
        else None
    )


def sms_refusal(status: int, body: bytes) -> Undeliverable | Delayed:
    """What an answer that is not a success means. Only a 400 is about the message, and only in the gateway's words:
    another is that of something in between."""
    answer = _read(body)
    if status in (401, 403):
        return Delayed(f"the gateway for text messages refuses our login ({status})")
    if status != 400 or not answer:
        return Delayed(f"the gateway for text messages does not take the message now ({status})")
    if (
        not isinstance(answer.code, int) or not 10_000 <= answer.code <= 99_999
    ):  # whatever else stands there might be the number
        return Undeliverable("the gateway for text messages refuses the message (400)")
    if answer.code in OURS:
        return Delayed(f"the gateway for text messages does not accept our account or our number (code {answer.code})")
    return Undeliverable(
        f"{SMS_REFUSALS.get(answer.code, 'the gateway for text messages refuses the message')} (code {answer.code})"
    )
