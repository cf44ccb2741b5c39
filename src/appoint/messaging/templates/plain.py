"""Templates without conditions, for managers who are editing a message for the first time.

Lines whose placeholders are all empty are left out of a message, so most conditions are unnecessary.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from .default_texts import default_text
from .model import TemplateKey, TemplateText
from .placeholders import LISTS

TAG: Final = re.compile(r"(\{%-?\s*(?:if|elif|else|endif)\b.*?%\}\n?)")
NAME: Final = re.compile(r"\{%-?\s*(if|elif|else|endif)\b\s*(.*?)\s*-?%\}\n?")
PLACEHOLDER: Final = re.compile(r"\{\{-?\s*(\w+)\s*(?:\|\s*\w+\s*)*-?\}\}")
MARKUP: Final = re.compile(r"\{[%#]|[%#]\}")
AND_ONE: Final = " and not appointments"
"""A part of conditions that is true in every message about a single appointment."""


def without_empty_lines(source: str, values: Mapping[str, str]) -> str:
    """Return a template without the lines whose placeholders are all empty, unless nothing else is left. Lines that
    contain conditions or comments stay."""
    lines = [line for line in source.split("\n") if not _is_empty(line, values)]
    return "\n".join(lines) if any(line.strip() for line in lines) else source


def _is_empty(line: str, values: Mapping[str, str]) -> bool:
    names = PLACEHOLDER.findall(line)
    return bool(names) and not MARKUP.search(line) and not any(values.get(name, name) for name in names)


@cache
def plain_text(key: TemplateKey) -> TemplateText:
    """Return a message's default template without its conditions, as it reads for a single appointment."""
    default = default_text(key)
    subject = default.subject and _without_conditions(default.subject, key)
    text = re.sub(r"\n{3,}", "\n\n", _without_conditions(default.text, key)).strip()
    return TemplateText(subject, text)


def _without_conditions(source: str, key: TemplateKey) -> str:
    text, _ = _read(iter(TAG.split(source)), key)
    return text


def _read(parts: Iterator[str], key: TemplateKey) -> tuple[str, tuple[str, str]]:
    """Return the text up to the end of a branch, and the tag that ends it."""
    text = ""
    for part in parts:
        match = NAME.fullmatch(part)
        if match is None:
            text += part
        elif match[1] != "if":
            return text, (match[1], match[2])
        else:
            text += _branch(parts, match[2], key)
    return text, ("", "")


def _branch(parts: Iterator[str], condition: str, key: TemplateKey) -> str:
    """Return the text of the branch to keep: the first one whose line disappears by itself if the placeholder is empty,
    or else the last one."""
    branch: str | None = None
    while True:
        text, (tag, next_condition) = _read(parts, key)
        name = condition.removesuffix(AND_ONE)
        if branch is None and (not condition or _is_kept(name, text, key)):
            is_inline = condition and key.channel == "sms" and name != "appointments"
            branch = f"\n{text.strip()}" if is_inline else text
        if tag not in ("elif", "else"):
            return branch or ""
        condition = next_condition


def _is_kept(condition: str, text: str, key: TemplateKey) -> bool:
    if condition == "appointments":
        return key.kind in LISTS
    return condition in PLACEHOLDER.findall(text)
