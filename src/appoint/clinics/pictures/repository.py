"""SQL for pictures."""

from uuid import UUID

from ...database.pool import Statements
from .model import EncodedPicture


async def find(db: Statements, clinic_id: int, hash: str) -> bytes | None:
    return await db.fetchval("select content from image where clinic_id = $1 and hash = $2", clinic_id, hash)


async def add(tx: Statements, clinic_id: int, picture: EncodedPicture) -> None:
    await tx.execute(
        "insert into image (clinic_id, hash, content) values ($1, $2, $3) on conflict do nothing",
        clinic_id,
        picture.hash,
        picture.content,
    )


async def set_logo(tx: Statements, clinic_id: int, hash: str | None) -> None:
    await tx.execute(
        "update clinic set logo_hash = $2, version = version + 1, updated_at = now() where id = $1", clinic_id, hash
    )


async def set_photo(tx: Statements, clinic_id: int, hash: str | None) -> None:
    await tx.execute(
        "update clinic set photo_hash = $2, version = version + 1, updated_at = now() where id = $1", clinic_id, hash
    )


async def set_portrait(tx: Statements, clinic_id: int, doctor_id: UUID, hash: str | None) -> None:
    await tx.execute(
        """
        update doctor set portrait_hash = $3, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        """,
        clinic_id,
        doctor_id,
        hash,
    )


async def delete_unused(tx: Statements, clinic_id: int) -> None:
    """Delete pictures that neither the clinic nor any of its doctors shows."""
    await tx.execute(
        """
        delete from image i
         where i.clinic_id = $1
           and not exists (select from clinic c where c.id = $1 and i.hash in (c.logo_hash, c.photo_hash))
           and not exists (select from doctor d where d.clinic_id = $1 and d.portrait_hash = i.hash)
        """,
        clinic_id,
    )
