"""Read default templates, check templates, and render messages with them."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...kit import errors
from ...kit.i18n import INVISIBLE_CHARACTERS, one_line, to_gsm_characters, translate
from ..channels.model import Channel
from . import sandbox
from .examples import EXAMPLE
from .mail_html import mail_html
from .model import PLACEHOLDERS, Facts, Rendered, TemplateKey, TemplateText
from .placeholders import placeholder_values

MAX_LENGTH: Final[Mapping[Channel, int]] = {"email": 100_000, "sms": 1000}
"""The maximum number of characters in a rendered text."""
MAX_SUBJECT_LENGTH: Final = 500
LISTED: Final = re.compile(r"\{\{-?\s*appointments\b")

default_texts: Final = Environment(  # noqa: S701  it renders plain-text templates, not HTML
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


@cache
def default_text(key: TemplateKey) -> TemplateText:
    """Return a message's default template, in the same form as clinics' own templates."""

    def translated(text: str) -> str:
        return re.sub(r"\{(\w+)\}", r"{{ \1 }}", translate(key.language, text))

    source = default_texts.get_template(f"{key.kind}.{key.channel}.txt").render(_=translated)
    if key.channel == "sms":
        return TemplateText(None, source.strip())
    subject, _, text = source.partition("\n\n")
    return TemplateText(subject.strip(), text.strip())


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


def render(key: TemplateKey, facts: Facts, own: TemplateText | None = None) -> Rendered:
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
    unsubscribe = translate(key.language, "Stop confirmations and reminders by email:")
    footer = f"\n\n-- \n{unsubscribe} {facts.unsubscribe_url}" if facts.unsubscribe_url else ""
    return Rendered(subject, text + footer, html)


def _with_list(key: TemplateKey, own: TemplateText, facts: Facts) -> TemplateText:
    """Return a clinic's own template, with a list of the appointments at the end if the message is about several and
    the template does not list them."""
    if not facts.together or LISTED.search(own.text):
        return own
    heading = translate(key.language, "This message is about {count} appointments:", count=len(facts.together))
    return own._replace(text=f"{own.text}\n\n{heading}\n\n{{{{ appointments }}}}")


def _fill(key: TemplateKey, template: TemplateText, values: Mapping[str, str]) -> tuple[str, str]:
    """Return the rendered subject and text. Raise `InvalidTemplate`, even if only the result is empty or too long."""
    subject = one_line(sandbox.fill(template.subject or "", "#/subject", values))
    lines = (
        line.rstrip()
        for line in INVISIBLE_CHARACTERS.sub("", sandbox.fill(template.text, "#/text", values)).split("\n")
    )
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
