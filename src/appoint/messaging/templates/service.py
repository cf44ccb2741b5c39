"""Putting messages into a clinic's own words, and back into everybody's."""

from typing import cast

import msgspec

from ... import audit
from ...clinics.clinics import repository as clinic_repository
from ...clinics.clinics import service as clinics
from ...database.pool import Statements, Transaction
from ...http import etags
from ...kit import errors
from ...kit.actors import Actor
from . import repository
from .model import (
    EXAMPLE,
    PLACEHOLDERS,
    Kind,
    MessageTemplate,
    Preview,
    TemplateKey,
    TemplateText,
    default_text,
    find_faults,
    render,
)


async def get(db: Statements, *, clinic_id: int, which: TemplateKey) -> MessageTemplate:
    """The clinic's own words for a message, or everybody's where it has none. Raises `NotFound` for the clinic."""
    if found := await repository.find(db, clinic_id, which):
        return found
    await clinics.get(db, clinic_id)
    return _default_template(clinic_id, which)


async def save(
    tx: Transaction, actor: Actor, *, clinic_id: int, which: TemplateKey, words: TemplateText, if_match: str | None
) -> MessageTemplate:
    """Save the clinic's own words for a message. Raises `Invalid` for what cannot be filled in, with the lines;
    `NotFound` for the clinic."""
    await _lock(tx, clinic_id, which, if_match)
    _require_valid(which, words)
    template = await repository.save(tx, clinic_id, which, words)
    subjects = [*which] if template.id is None else [*which, template.id]
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=subjects)
    return template


async def remove(tx: Transaction, actor: Actor, *, clinic_id: int, which: TemplateKey, if_match: str | None) -> None:
    """Remove the clinic's own words, so that the default ones apply. Raises `NotFound` for the clinic."""
    await _lock(tx, clinic_id, which, if_match)
    await repository.remove(tx, clinic_id, which)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=which)


async def preview(db: Statements, *, clinic_id: int, which: TemplateKey, words: TemplateText) -> Preview:
    """Return the message as the recipient of an example would get it. Changes nothing. Raises `Invalid` as `save` does;
    `NotFound` for the clinic."""
    clinic = await clinics.get(db, clinic_id)
    _require_valid(which, words)
    facts = msgspec.structs.replace(
        EXAMPLE,
        clinic=clinic.name,
        time_zone=clinic.time_zone,
        clinic_phone=clinic.phone,
        clinic_address=clinic.address,
    )
    rendered = render(which, facts, words)
    return Preview(subject=rendered.subject or None, text=rendered.text, html=rendered.html)


async def _lock(tx: Transaction, clinic_id: int, which: TemplateKey, if_match: str | None) -> None:
    """One change at a time of a clinic's words, and only of those that were meant: also where there are none yet, which
    no lock on a row could see to."""
    clinic = await clinic_repository.lock(tx, clinic_id)
    if clinic is None:
        raise errors.NotFound
    current = await repository.find(tx, clinic_id, which) or _default_template(clinic_id, which)
    etags.check(if_match, etags.digest(current), required=clinic.policy.require_version)


def _default_template(clinic_id: int, which: TemplateKey) -> MessageTemplate:
    subject, text = default_text(which)
    return MessageTemplate(
        clinic_id=clinic_id,
        kind=cast("Kind", which.kind),
        channel=which.channel,
        locale=which.language,
        subject=subject,
        text=text,
        custom=False,
        placeholders=list(PLACEHOLDERS[which.kind]),
        id=None,
        version=0,
        created_at=None,
        updated_at=None,
    )


def _require_valid(which: TemplateKey, words: TemplateText) -> None:
    if faults := find_faults(which, words):
        raise errors.Invalid(*faults)
