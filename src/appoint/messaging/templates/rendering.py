"""Check templates, and render messages with them."""

import re
from collections.abc import Mapping
from typing import Final

from ...kit import errors
from ...kit.i18n import INVISIBLE_CHARACTERS, one_line, to_gsm_characters, translate
from ..channels.model import Channel
from . import sandbox
from .default_texts import default_text
from .examples import EXAMPLE
from .mail_html import legal_links, mail_html
from .model import PLACEHOLDERS, MessageFacts, Rendered, TemplateKey, TemplateText
from .placeholders import placeholder_values
from .plain import without_empty_lines

MAX_LENGTH: Final[Mapping[Channel, int]] = {"email": 100_000, "sms": 1000}
"""The maximum number of characters in a rendered text."""
MAX_SUBJECT_LENGTH: Final = 500
APPOINTMENTS_PLACEHOLDER: Final = re.compile(r"\{\{-?\s*appointments\b")


def find_faults(key: TemplateKey, template: TemplateText) -> list[errors.Fault]:
    """Return the faults in a clinic's template, with line numbers. Renders the template with example data, so an empty
    list means that it works."""
    if (template.subject is None) == (key.channel == "email"):
        if key.channel == "email":
            return [errors.Fault("#/subject", "is missing")]
        return [errors.Fault("#/subject", "must be left out; only emails have a subject")]
    parts = (("#/subject", template.subject or ""), ("#/text", template.text))
    if invalid := [
        fault for pointer, source in parts for fault in sandbox.find_faults(source, pointer, PLACEHOLDERS[key.kind])
    ]:
        return invalid
    try:
        _fill(key, template, placeholder_values(key, EXAMPLE))
    except sandbox.InvalidTemplate as error:
        return list(error.faults)
    return []


def render(key: TemplateKey, facts: MessageFacts, own: TemplateText | None = None) -> Rendered:
    """Render a message with the clinic's own template. Use the default template if there is none or it is invalid."""
    values = placeholder_values(key, facts)
    try:
        subject, text = _fill(key, _with_list(key, own, facts) if own else default_text(key), values)
    except sandbox.InvalidTemplate:
        if own is None:
            raise
        return render(key, facts)._replace(fell_back=True)
    if key.channel == "sms":
        return Rendered(subject, text)
    html = mail_html(key, subject, text, facts)
    return Rendered(subject, text + _footer(key, facts), html)


def _footer(key: TemplateKey, facts: MessageFacts) -> str:
    """Return the links below an email's text."""
    lines = [f"{label}: {url}" for label, url in legal_links(key, facts)]
    if facts.unsubscribe_url:
        unsubscribe = translate(key.language, "Stop confirmations and reminders by email:")
        lines.insert(0, f"{unsubscribe} {facts.unsubscribe_url}")
    return "\n".join(["\n\n-- ", *lines]) if lines else ""


def _with_list(key: TemplateKey, own: TemplateText, facts: MessageFacts) -> TemplateText:
    """Return a clinic's own template. If the message is about several appointments that the template does not list,
    append a list of them."""
    if not facts.together or APPOINTMENTS_PLACEHOLDER.search(own.text):
        return own
    heading = translate(key.language, "This message is about {count} appointments:", count=len(facts.together))
    return own._replace(text=f"{own.text}\n\n{heading}\n\n{{{{ appointments }}}}")


def _fill(key: TemplateKey, template: TemplateText, values: Mapping[str, str]) -> tuple[str, str]:
    """Return the rendered subject and text. Raise `InvalidTemplate`, even if only the result is empty or too long."""
    subject = one_line(sandbox.fill(template.subject or "", "#/subject", values))
    content = sandbox.fill(without_empty_lines(template.text, values), "#/text", values)
    lines = (line.rstrip() for line in INVISIBLE_CHARACTERS.sub("", content).split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    parts = [
        ("#/text", text, MAX_LENGTH[key.channel]),
        *([("#/subject", subject, MAX_SUBJECT_LENGTH)] if key.channel == "email" else []),
    ]
    empty = [
        errors.Fault(pointer, "is empty once its placeholders are filled in") for pointer, part, _ in parts if not part
    ]
    long = [
        errors.Fault(pointer, "is too long once its placeholders are filled in; maximum length: {n}", n=limit)
        for pointer, part, limit in parts
        if len(part) > limit
    ]
    if empty or long:
        raise sandbox.InvalidTemplate(*empty, *long)
    return subject, text if key.channel == "email" else to_gsm_characters(text)
