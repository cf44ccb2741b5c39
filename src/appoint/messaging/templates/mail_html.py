"""Build an email's HTML from its text and facts: one column that starts with the appointment, with buttons for links.

Mail programs ignore style sheets and change colours in dark mode. So all styles are inline, tables do the layout, and
text has no colour of its own except on a coloured background.
"""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...kit import date_formats
from ...kit.i18n import one_line, template_functions, translatable, translate
from .model import Kind, MessageFacts, TemplateKey
from .placeholders import address_lines, detail_lines, needs_zone, tag_of

ACCENT: Final = "#0b6157"
"""The colour of buttons and of the date, if the clinic has none."""
MAX_LUMINANCE: Final = 1.05 / 4.5 - 0.05
FADED_COLOUR: Final = "#5f6670"
"""The colour of the date if the appointment will not take place."""
LABELLED_LINE: Final = re.compile(r"([^:]{1,40}?)\s?: (.+)")
MAP_URL: Final = "https://www.openstreetmap.org/search?"

layouts: Final = Environment(
    loader=PackageLoader("appoint", "messaging/templates/texts"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)

CARD_KINDS: Final[frozenset[str]] = frozenset(
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
        "payment-returned",
    }
)
"""The kinds of messages that start with the appointment."""
FADED_KINDS: Final[frozenset[str]] = frozenset({"cancelled", "hold-expired", "rebook", "missed", "payment-returned"})
STRUCK_KINDS: Final[frozenset[str]] = frozenset({"cancelled", "hold-expired", "payment-returned"})
CALENDAR_KINDS: Final[frozenset[str]] = frozenset({"confirmation", "moved", "place-changed", "reminder"})
"""The kinds of messages with a button that adds the appointment to a calendar."""
CHANGE: Final = translatable("Change or cancel")
VIEW: Final = translatable("View appointment")
VIEW_ALL: Final = translatable("View your appointments")
NEW_PASSWORD: Final = translatable("Choose a new password")
LABELS: Final[Mapping[Kind | str, str]] = {
    "rebook": translatable("Choose a new time"),
    "hold-expired": translatable("Book again"),
    "payment-returned": translatable("Book again"),
    "invitation": translatable("Choose a password"),
    "clinic-joined": translatable("Sign in"),
    "confirmation-code": translatable("Confirm appointment"),
    "guardian-added": translatable("See who books for you"),
    "invoice": translatable("View invoice"),
    "call-failed": translatable("Open the video visit"),
}
"""The label on the button for a message's link, for kinds with a label of their own."""
JOIN: Final = translatable("Join the video visit")
JOIN_LINE: Final = translatable("Join the video visit: {join_link}")
BOOK_ANOTHER: Final = translatable("Book another appointment")
ADD_TO_CALENDAR: Final = translatable("Add to calendar")
PRIVACY_NOTICE: Final = translatable("Privacy notice")
IMPRINT: Final = translatable("Imprint")


class Button(NamedTuple):
    label: str
    url: str
    is_primary: bool = True


class Block(NamedTuple):
    """A paragraph of the text: either rows of a table, or lines, followed by buttons for the links in it."""

    rows: Sequence[tuple[str, str]] = ()
    lines: Sequence[str] = ()
    buttons: Sequence[Button] = ()


class Card(NamedTuple):
    """The appointment at the top of an email."""

    date: date_formats.DateParts
    day: str
    hours: str
    zone: str
    """The clinic's time zone, if it has to be named."""
    details: Sequence[str]
    place: str
    map_url: str | None
    colour: str
    is_struck: bool


def mail_html(key: TemplateKey, subject: str, text: str, facts: MessageFacts) -> str:
    """Return the text as HTML. Lines that the card already shows are left out, paragraphs in which every line reads
    “label: …” become tables, and links become buttons."""
    card = _card(key, facts)
    return layouts.get_template("mail_layout.html").render(
        language=key.language,
        subject=subject,
        facts=facts,
        clinic=one_line(facts.clinic),
        accent=accent_of(facts),
        card=card,
        code=facts.code,
        blocks=[*_blocks(text, _buttons(key, facts), detail_lines(key, facts).values() if card else ())],
        footer=_footer(key, facts),
        legal_links=legal_links(key, facts),
        **template_functions(key.language),
    )


def accent_of(facts: MessageFacts) -> str:
    """Return the clinic's colour, darkened until white text on it has a contrast of at least 4.5 : 1."""
    channels = [int(facts.accent[at : at + 2], 16) / 255 for at in (1, 3, 5)] if facts.accent else []
    if not channels:
        return ACCENT
    while _luminance(channels) > MAX_LUMINANCE:
        channels = [channel * 0.95 for channel in channels]
    return "#" + "".join(f"{int(channel * 255):02x}" for channel in channels)


def _luminance(channels: Sequence[float]) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _card(key: TemplateKey, facts: MessageFacts) -> Card | None:
    if key.kind not in CARD_KINDS or facts.start_time is None or facts.together:
        return None
    start, end, zone = facts.start_time, facts.end_time, facts.time_zone
    tag = tag_of(key.language, facts)
    hours = date_formats.hours(start, end, zone, tag) if end else date_formats.time(start, zone, tag)
    online = facts.mode == "online"
    address = address_lines(facts)
    return Card(
        date=date_formats.date_parts(start, zone, tag),
        day=date_formats.day(start, zone, tag),
        hours=hours,
        zone=date_formats.zone(start, zone, tag) if needs_zone(facts) else "",
        details=[*_details(key, facts)],
        place=translate(key.language, "online, not at the clinic") if online else ", ".join(address),
        map_url=_map_url(facts, address) if address and not online and key.kind not in FADED_KINDS else None,
        colour=FADED_COLOUR if key.kind in FADED_KINDS else accent_of(facts),
        is_struck=key.kind in STRUCK_KINDS,
    )


def _details(key: TemplateKey, facts: MessageFacts) -> Iterator[str]:
    lines = detail_lines(key, facts)
    if "yours" in lines:
        yield lines["yours"]
    for value in (facts.type, facts.doctor):
        if value:
            yield one_line(value)
    if "patient" in lines:
        yield lines["patient"]


def _map_url(facts: MessageFacts, address: Sequence[str]) -> str:
    return facts.map_url or MAP_URL + urlencode({"query": ", ".join(address)})


def _blocks(text: str, buttons: Mapping[str, Sequence[Button]], in_card: Container[str]) -> Iterator[Block]:
    for paragraph in text.split("\n\n"):
        all_lines = paragraph.split("\n")
        lines = [line for line in all_lines if line not in buttons and line not in in_card]
        labelled = [match.groups() for line in lines if (match := LABELLED_LINE.fullmatch(line))]
        is_table = len(all_lines) > 1 and len(lines) == len(labelled)
        block = Block(
            rows=[(label, value) for label, value in labelled] if is_table else (),
            lines=() if is_table else lines,
            buttons=[button for line in all_lines for button in buttons.get(line, ())],
        )
        if any(block):
            yield block


def _buttons(key: TemplateKey, facts: MessageFacts) -> dict[str, list[Button]]:
    """Return the buttons that replace lines containing nothing but a link, keyed by that link."""

    def label(each: MessageFacts) -> str:
        if key.kind in CALENDAR_KINDS:
            return CHANGE if each.change_until else VIEW
        return LABELS.get(key.kind, VIEW if key.kind in CARD_KINDS else NEW_PASSWORD)

    buttons = {
        each.link: [Button(translate(key.language, label(each)), each.link)]
        for each in facts.together or [facts]
        if each.link
    }
    if facts.together and facts.link:
        buttons.setdefault(facts.link, [Button(translate(key.language, VIEW_ALL), facts.link)])
    elif key.kind in CALENDAR_KINDS and facts.link:
        add = translate(key.language, ADD_TO_CALENDAR)
        buttons[facts.link].append(Button(add, f"{facts.link}#calendar", is_primary=False))
    for url in [each.join_url for each in facts.together or [facts] if each.join_url]:
        line = translate(key.language, JOIN_LINE, join_link=url)
        buttons[url] = buttons[line] = [Button(translate(key.language, JOIN), url)]
    if facts.rebook_url:
        buttons[facts.rebook_url] = [Button(translate(key.language, BOOK_ANOTHER), facts.rebook_url)]
    return buttons


def legal_links(key: TemplateKey, facts: MessageFacts) -> Sequence[tuple[str, str]]:
    """Return the labels and addresses of the legal pages that every email links to."""
    pages = ((PRIVACY_NOTICE, facts.privacy_url), (IMPRINT, facts.imprint_url))
    return [(translate(key.language, label), url) for label, url in pages if url]


def _footer(key: TemplateKey, facts: MessageFacts) -> Sequence[str]:
    """Return the lines at the end, which name the sender and the reason for the email."""
    lines = [", ".join([one_line(facts.clinic), *address_lines(facts)])]
    if key.kind in CARD_KINDS:
        lines.append(
            translate(key.language, "You are receiving this email because this address was given for an appointment.")
        )
    return lines
