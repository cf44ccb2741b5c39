"""Replace default message templates with a clinic's own, and restore them."""

from typing import Final, cast, get_args

import msgspec

from ... import audit
from ...clinics.clinics import repository as clinic_repository
from ...clinics.clinics import service as clinics
from ...database.pool import Statements, Transaction
from ...http import etags
from ...kit import errors, fields
from ...kit.actors import Actor
from ..channels.model import Channel
from . import repository
from .default_texts import default_text
from .examples import example_facts
from .model import PLACEHOLDERS, Kind, MessageTemplate, Preview, TemplateKey, TemplateText
from .rendering import find_faults, render
from .site_links import SiteLinks

MAX_TEMPLATES: Final = len(get_args(Kind)) * len(get_args(Channel)) * len(get_args(fields.Locale))
"""The number of templates that a clinic has once it has replaced them all."""


async def get(db: Statements, *, clinic_id: int, key: TemplateKey) -> MessageTemplate:
    """Return the clinic's own template for a message, or the default one. Raise `NotFound` for the clinic."""
    if template := await repository.find(db, clinic_id, key):
        return template
    await clinics.get(db, clinic_id)
    return _default_template(clinic_id, key)


async def list_customised(db: Statements, clinic_id: int) -> list[MessageTemplate]:
    """Return a clinic's own templates, oldest first."""
    return await repository.list_for_clinic(db, clinic_id, after=None, limit=MAX_TEMPLATES)


async def save(
    tx: Transaction, actor: Actor, *, clinic_id: int, key: TemplateKey, template: TemplateText, if_match: str | None
) -> MessageTemplate:
    """Save the clinic's own template for a message. Raise `Invalid` for an invalid template, with the line of each
    fault, or `NotFound` for the clinic."""
    await _lock(tx, clinic_id, key, if_match)
    _require_valid(key, template)
    saved = await repository.save(tx, clinic_id, key, template)
    subjects = [*key] if saved.id is None else [*key, saved.id]
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=subjects)
    return saved


async def remove(tx: Transaction, actor: Actor, *, clinic_id: int, key: TemplateKey, if_match: str | None) -> None:
    """Remove the clinic's own template, so that the default one applies. Raise `NotFound` for the clinic."""
    await _lock(tx, clinic_id, key, if_match)
    await repository.remove(tx, clinic_id, key)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=key)


async def preview(
    db: Statements, *, clinic_id: int, key: TemplateKey, template: TemplateText, site: SiteLinks
) -> Preview:
    """Render the clinic's message with example data, without saving anything. Raise `Invalid` under the same conditions
    as `save`, or `NotFound` for the clinic."""
    clinic = await clinics.get(db, clinic_id)
    _require_valid(key, template)
    facts = msgspec.structs.replace(
        example_facts(key.language, clinic.time_zone),
        clinic=clinic.name,
        clinic_phone=clinic.phone,
        clinic_address=clinic.address,
        accent=clinic.profile.colour,
        website=clinic.profile.website,
        map_url=clinic.profile.map_url,
        logo_url=site.logo_url(clinic_id, clinic.logo_hash),
        privacy_url=clinic.profile.privacy_url or site.privacy_url,
        imprint_url=clinic.profile.imprint_url or site.imprint_url,
    )
    rendered = render(key, facts, template)
    return Preview(subject=rendered.subject or None, text=rendered.text, html=rendered.html)


async def _lock(tx: Transaction, clinic_id: int, key: TemplateKey, if_match: str | None) -> None:
    """Lock the clinic and check `if_match`. A template that does not exist yet has no row to lock."""
    clinic = await clinic_repository.lock(tx, clinic_id)
    if clinic is None:
        raise errors.NotFound
    current = await repository.find(tx, clinic_id, key) or _default_template(clinic_id, key)
    etags.check(if_match, etags.digest(current), required=clinic.policy.require_version)


def _default_template(clinic_id: int, key: TemplateKey) -> MessageTemplate:
    subject, text = default_text(key)
    return MessageTemplate(
        clinic_id=clinic_id,
        kind=cast("Kind", key.kind),
        channel=key.channel,
        locale=key.language,
        subject=subject,
        text=text,
        custom=False,
        placeholders=list(PLACEHOLDERS[key.kind]),
        id=None,
        version=0,
        created_at=None,
        updated_at=None,
    )


def _require_valid(key: TemplateKey, template: TemplateText) -> None:
    if faults := find_faults(key, template):
        raise errors.Invalid(*faults)
