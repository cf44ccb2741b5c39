"""SQL for sellers."""

from typing import Final

import msgspec

from ...database.pool import Statements
from .model import Seller

MEMBERS: Final = Seller.__struct_fields__


async def find(db: Statements, clinic_id: int) -> Seller:
    """Return a clinic's details, which may all be empty."""
    row = await db.fetchrow("select * from seller where clinic_id = $1", clinic_id)
    return Seller(**{name: row[name] for name in MEMBERS}) if row else Seller()


async def save(tx: Statements, clinic_id: int, seller: Seller) -> None:
    await tx.execute(
        """
        insert into seller as s
               (clinic_id, name, address, vat_id, tax_number, registration, account_holder, iban, bic)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (clinic_id) do update
           set version = s.version + 1, updated_at = excluded.updated_at, name = excluded.name,
               address = excluded.address,
               vat_id = excluded.vat_id, tax_number = excluded.tax_number, registration = excluded.registration,
               account_holder = excluded.account_holder, iban = excluded.iban, bic = excluded.bic
        """,
        clinic_id,
        *msgspec.structs.astuple(seller),
    )
