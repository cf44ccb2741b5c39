"""SQL for loading a catalogue."""

from typing import Final

import msgspec

from ...database.pool import Statements
from ..clinics.model import Profile
from .model import Catalogue, CatalogueDoctor, CatalogueType, Deposit

DECODED: Final = ("doctors", "types", "profile", "deposits")
COLUMNS: Final = tuple(name for name in Catalogue.__struct_fields__ if name not in DECODED)


async def load(db: Statements, clinic_id: int | None, *, slug: str | None = None) -> Catalogue | None:
    """Return the catalogue of the clinic with the id or, if no clinic has it, of the clinic with the slug."""
    row = await db.fetchrow(
        """
        select c.id as clinic_id, c.version, c.name, c.slug, c.time_zone, c.locale, c.address, c.active,
               c.slot_step_minutes, c.min_notice_minutes, c.horizon_days, c.cancel_notice_minutes,
               c.change_grace_minutes, c.phone,
               c.doctor_choice, c.require_version, c.confirm_address, c.profile, c.logo_hash,
               c.photo_hash,
               (select json_agg(json_build_object(
                         'id', d.id, 'version', d.version, 'name', d.name, 'specialty', d.specialty, 'active', d.active,
                         'title', d.title, 'languages', d.languages, 'specialties', d.specialties,
                         'min_age', d.min_age, 'max_age', d.max_age, 'patients', d.patients,
                         'portrait_hash', d.portrait_hash,
                         'appointment_type_ids', (
                           select json_agg(offer.appointment_type_id) from doctor_appointment_type offer
                            where offer.clinic_id = d.clinic_id and offer.doctor_id = d.id)) order by d.id)
                  from doctor d where d.clinic_id = c.id)::text as doctors,
               (select json_agg(t order by t.id) from appointment_type t where t.clinic_id = c.id)::text as types,
               (select json_agg(json_build_object('appointment_type_id', p.appointment_type_id,
                                                  'amount', p.deposit_amount, 'percent', p.deposit_percent))
                  from payment_policy p
                 where p.clinic_id = c.id and num_nonnulls(p.deposit_amount, p.deposit_percent) > 0)::text as deposits
          from clinic c
         where c.id = coalesce((select id from clinic where id = $1), (select id from clinic where slug = $2))
        """,
        clinic_id,
        slug,
    )
    if row is None:
        return None
    doctors = msgspec.json.decode(row.doctors or "[]", type=list[CatalogueDoctor])
    types = msgspec.json.decode(row.types or "[]", type=list[CatalogueType])
    return Catalogue(
        **{name: row[name] for name in COLUMNS},
        doctors={doctor.id: doctor for doctor in doctors},
        types={type.id: type for type in types},
        profile=msgspec.json.decode(row.profile, type=Profile),
        deposits=msgspec.json.decode(row.deposits or "[]", type=tuple[Deposit, ...]),
    )
