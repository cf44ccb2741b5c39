"""Changes to the audit log that verification must detect."""

import asyncio
import random

from appoint.audit.model import Entry, Key, chained
from appoint.audit.repository import chain
from support.audit import KEY
from support.world import NOW


class Tampering:
    """Changes that an attacker who owns the database but doesn't have the key can make with plain SQL. Each of them
    changes something, however the dice fall.
    """

    def __init__(self, tx, dice: random.Random, last: int) -> None:
        self.tx, self.dice, self.last = tx, dice, last

    def position(self) -> int:
        return self.dice.randint(1, self.last)

    def two_positions(self) -> list[int]:
        return self.dice.sample(range(1, self.last + 1), 2)

    async def edit(self) -> str:
        change = self.dice.choice(
            [
                "id = uuidv7()",
                "at = at + interval '1 microsecond'",
                "at = at - interval '1 day'",
                "at = 'infinity'",
                "at = '-infinity'",
                "actor = actor || 'x'",
                "at = at - interval '4000 years'",
                "at = at + interval '100000 years'",
                "actor = ''",
                "actor = upper(actor)",
                "action = action || ' '",
                "action = 'getPatients'",
                "subjects = subjects || 'x'::text",
                "subjects = array['','','','']",
                "subjects = array[array_to_string(subjects, ',') || ',']",
                "subjects = array[null]",
                "subjects = array[subjects || 'x'::text]",
                "address = case when address is null then '' end",
                "address = coalesce(address, '') || '1'",
                "request_id = coalesce(request_id, '') || 'x'",
                "request_id = case when request_id is null then '' end",
                "reason = case when reason is null then '' end",
                "reason = coalesce(reason, '') || 'x'",
                "hash = sha256(hash)",
                "hash = set_byte(hash, 31, 255 - get_byte(hash, 31))",
                "position = position + 1000000",
                "position = 9223372036854775807",
                "clinic_id = 2",
                "clinic_id = 77",
                "actor = action, action = actor",
            ]
        )
        await self.tx.execute(f"update audit_entry set {change} where clinic_id = 1 and position = {self.position()}")
        return change

    async def delete(self) -> str:
        await self.tx.execute(
            "delete from audit_entry where clinic_id = 1 and position = any($1)",
            self.dice.sample(range(1, self.last + 1), self.dice.randint(1, 3)),
        )
        return "deleted"

    async def delete_and_close_up(self) -> str:
        deleted = self.position()
        await self.tx.execute("delete from audit_entry where clinic_id = 1 and position = $1", deleted)
        await self.tx.execute(
            "update audit_entry set position = position - 1 where clinic_id = 1 and position > $1", deleted
        )
        return "deleted and closed up"

    async def truncate(self) -> str:
        keep = self.dice.choice([0, self.last - 1, self.dice.randrange(self.last)])
        await self.tx.execute("delete from audit_entry where clinic_id = 1 and position > $1", keep)
        if self.dice.random() < 0.7:
            how = self.dice.choice(["", ", sealed_at = now()", ", sealed_at = now(), public_key = 'AAAA'"])
            await self.tx.execute(
                f"""
                update audit_head set position = $1::bigint{how},
                       hash = coalesce((select hash from audit_entry where clinic_id = 1 and position = $1),
                                       decode(repeat('00', 32), 'hex'))
                 where clinic_id = 1
                """,
                keep,
            )
        return f"cut off after {keep}"

    async def insert(self) -> str:
        place = self.dice.randint(1, self.last + 1)
        await self.tx.execute(
            "update audit_entry set position = position + 1 where clinic_id = 1 and position >= $1", place
        )
        await self.tx.execute(
            """
            insert into audit_entry (clinic_id, position, id, at, actor, action, subjects, hash)
            values (1, $1, uuidv7(), now(), 'user:1', 'getPatient', '{}', sha256('x'))
            """,
            place,
        )
        if self.dice.random() < 0.5:
            await self.rewrite_hashes(place)
        if self.dice.random() < 0.5:
            await self.fit_head()
        return f"inserted at {place}"

    async def swap(self) -> str:
        one, other = self.two_positions()
        await self.tx.execute(
            """
            update audit_entry set position = case position when $1 then $2::bigint else $1::bigint end
             where clinic_id = 1 and position in ($1, $2)
            """,
            one,
            other,
        )
        return "swapped"

    async def swap_contents(self) -> str:
        one, other = self.two_positions()
        await self.tx.execute(
            """
            update audit_entry e set id = o.id, at = o.at, actor = o.actor, action = o.action,
                                     subjects = o.subjects, reason = o.reason
              from audit_entry o
             where e.clinic_id = 1 and o.clinic_id = 1 and e.position <> o.position
               and e.position in ($1, $2) and o.position in ($1, $2)
            """,
            one,
            other,
        )
        return "swapped contents"

    async def duplicate(self) -> str:
        one = self.position()
        place = self.dice.choice([one, one, self.last + 1, self.position()])
        await self.tx.execute(
            """
            insert into audit_entry
            select clinic_id, $2, id, at, actor, action, subjects, address, request_id, reason, hash
              from audit_entry where clinic_id = 1 and position = $1 limit 1
            """,
            one,
            place,
        )
        return f"duplicated {one} at {place}"

    async def append(self) -> str:
        """Append an entry with the right hash."""
        await self.tx.execute(
            """
            insert into audit_entry (clinic_id, position, id, at, actor, action, subjects, hash)
            values (1, $1, uuidv7(), now(), 'user:1', 'getPatient', '{}', sha256('x'))
            """,
            self.last + 1,
        )
        await self.rewrite_hashes(self.last + 1)
        if self.dice.random() < 0.5:
            await self.fit_head()
        return "appended"

    async def rewrite(self) -> str:
        """Change an entry and all the hashes that depend on it."""
        place = self.position()
        await self.tx.execute(
            "update audit_entry set actor = actor || '1' where clinic_id = 1 and position = $1", place
        )
        await self.rewrite_hashes(place)
        if self.dice.random() < 0.5:
            await self.fit_head()
        return f"rewritten from {place}"

    async def head(self) -> str:
        change = self.dice.choice(
            [
                "position = position - 1",
                "position = position + 1",
                "position = 0",
                "hash = sha256(hash)",
                "sealed_at = sealed_at + interval '1 microsecond'",
                "signature = reverse(signature)",
                "signature = ''",
                "signature = translate(signature, 'ABCDEFG', 'GABCDEF')",
                "public_key = 'AAAA'",
                (
                    "signature = overlay(signature placing"
                    " case substr(signature, 86, 1) when 'A' then 'B' else 'A' end from 86)"
                ),
                "signature = signature || ' '",
                "signature = 'ü'",
                "clinic_id = 78",
            ]
        )
        changed = await self.tx.fetchval(
            f"update audit_head set {change} where clinic_id = 1 returning old.signature <> new.signature"
        )
        if change.startswith("signature = translate") and not changed:
            await self.tx.execute("delete from audit_head where clinic_id = 1")
        return f"head {change}"

    async def another_signs(self) -> str:
        await self.rewrite()
        row = await self.tx.fetchrow(
            "select position, hash from audit_entry where clinic_id = 1 order by position desc limit 1"
        )
        await chain.move_head(
            self.tx, Key("another").signed(clinic_id=1, position=row.position, hash=row.hash, now=NOW)
        )
        if self.dice.random() < 0.5:
            await self.tx.execute("update audit_head set public_key = $1", KEY.public)
        return "signed by a stranger"

    async def another_clinics_head(self) -> str:
        await self.tx.execute(
            """
            update audit_head h set position = o.position, hash = o.hash, signature = o.signature
              from audit_head o where h.clinic_id = 1 and o.clinic_id = 2
            """
        )
        return "another clinic's head"

    async def no_head(self) -> str:
        await self.tx.execute("delete from audit_head where clinic_id = 1")
        return "no head"

    async def rewrite_hashes(self, place: int) -> None:
        before = await self.tx.fetchval(
            "select hash from audit_entry where clinic_id = 1 and position = $1", place - 1
        ) or bytes(32)
        for row in await self.tx.fetch(
            """
            select clinic_id, position, id, extract(epoch from at)::text as at, actor, action, subjects, address,
                   request_id, reason
              from audit_entry where clinic_id = 1 and position >= $1 order by position
            """,
            place,
        ):
            before = chained(before, Entry(**row))
            await self.tx.execute(
                "update audit_entry set hash = $2 where clinic_id = 1 and position = $1", row.position, before
            )

    async def fit_head(self) -> None:
        await self.tx.execute(
            """
            update audit_head set (position, hash) = (
                select position, hash from audit_entry where clinic_id = 1 order by position desc limit 1
            ) where clinic_id = 1
            """
        )


TAMPERINGS = [
    name
    for name, tampering in vars(Tampering).items()
    if asyncio.iscoroutinefunction(tampering) and name not in ("rewrite_hashes", "fit_head")
]
