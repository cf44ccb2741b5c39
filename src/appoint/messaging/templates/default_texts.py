"""The default templates, from text files that are translated when they are read."""

import re
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...kit.i18n import translate
from .model import TemplateKey, TemplateText

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
    """Return a message's default template, in the same format as clinics' own templates."""

    def translated(text: str) -> str:
        return re.sub(r"\{(\w+)\}", r"{{ \1 }}", translate(key.language, text))

    source = default_texts.get_template(f"{key.kind}.{key.channel}.txt").render(_=translated)
    if key.channel == "sms":
        return TemplateText(None, source.strip())
    subject, _, text = source.partition("\n\n")
    return TemplateText(subject.strip(), text.strip())
