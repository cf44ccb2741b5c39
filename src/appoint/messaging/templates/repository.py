"""SQL for clinics' own message templates."""

from uuid import UUID

from ...database.pool import Row, Statements
from ...kit.ids import new_id
from .model import PLACEHOLDERS, MessageTemplate, TemplateKey, TemplateText


def _template(row: Row) -> MessageTemplate:
    columns = {name: row[name] for name in MessageTemplate.__struct_fields__ if name not in ("custom", "placeholders")}
    return MessageTemplate(**columns, custom=True, placeholders=list(PLACEHOLDERS[row.kind]))


async def find(db: Statements, clinic_id: int, key: TemplateKey) -> MessageTemplate | None:
    row = await db.fetchrow(
        "select * from message_template where clinic_id = $1 and kind = $2 and channel = $3 and locale = $4",
        clinic_id,
        *key,
    )
    return _template(row) if row else None


async def list_for_clinic(
    db: Statements, clinic_id: int, *, after: tuple[UUID] | None, limit: int
) -> list[MessageTemplate]:
    """Return up to `limit` of a clinic's own templates, oldest first, plus one if there are more."""
    rows = await db.fetch(
        "select * from message_template where clinic_id = $1 and id > $2 order by id limit $3 + 1",
        clinic_id,
        after[0] if after else UUID(int=0),
        limit,
    )
    return [_template(row) for row in rows]


async def save(tx: Statements, clinic_id: int, key: TemplateKey, template: TemplateText) -> MessageTemplate:
    row = await tx.fetchrow(
        """
        insert into message_template (clinic_id, id, kind, channel, locale, subject, text)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (clinic_id, kind, channel, locale) do update
           set subject = excluded.subject, text = excluded.text,
               version = message_template.version + 1, updated_at = excluded.updated_at
        returning *
        """,
        clinic_id,
        new_id(clinic_id),
        *key,
        *template,
    )
    assert row
    return _template(row)


async def remove(tx: Statements, clinic_id: int, key: TemplateKey) -> None:
    await tx.execute(
        "delete from message_template where clinic_id = $1 and kind = $2 and channel = $3 and locale = $4",
        clinic_id,
        *key,
    )
