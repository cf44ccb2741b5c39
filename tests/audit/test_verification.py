"""Verification detects every change to sealed entries."""

import json
import random
from contextlib import suppress
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appoint.audit import record, service
from appoint.audit.model import Entry, encoded
from appoint.audit.repository import chain
from appoint.kit.actors import Actor
from support.audit import add_entries, faults, seal
from support.scale import scaled
from support.tampering import TAMPERINGS, Tampering
from support.world import ensure_clinic

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
ENTRIES = st.builds(
    Entry,
    st.integers(0, 3),
    st.integers(1, 3),
    st.uuids(),
    st.sampled_from(["0.000000", "0.000001", "Infinity"]),
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3),
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
)


# encoding


@given(ENTRIES, ENTRIES, st.data())
def test_different_entries_have_different_encodings(one, other, data):
    assert (encoded(one) == encoded(other)) == (one == other)
    name = data.draw(st.sampled_from(Entry._fields))
    similar = one._replace(**{name: getattr(other, name)})
    assert (encoded(one) == encoded(similar)) == (one == similar)
    shifted = one._replace(actor=one.actor + one.action, action="")
    assert (encoded(one) == encoded(shifted)) == (one == shifted)


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_adjacent_strings_cannot_be_confused(text, texts):
    entry = Entry(1, 1, UUID(int=0), "0.000000", text, text, texts, None, None, None)
    assert encoded(entry) != encoded(entry._replace(subjects=[",".join(texts), *texts]))
    assert json.loads(encoded(entry)) == [1, 1, str(UUID(int=0)), "0.000000", text, text, texts, None, None, None]


class RolledBack(Exception):
    pass


ATTEMPTS = scaled(1000, 160)


# verification


async def test_verification_detects_all_tampering_and_raises_no_false_alarms(db, monkeypatch):
    monkeypatch.setattr(service, "BATCH_SIZE", 9)
    dice = random.Random(20270301)
    texts = ["", "a", "b", "ü", "“x”", '"', "\\", "a,b", "[]", "null"]
    for number in (1, 2):
        await ensure_clinic(db, number)
        for _ in range(31):
            actor = Actor(
                dice.choice(["user:1", "user:2", "open:x", "a"]),
                address=dice.choice([None, "", "::1"]),
                operation=dice.choice(["listAudit", "getPatient"]),
            )
            await record(
                db,
                actor,
                clinic_id=number,
                subjects=dice.choices(texts, k=dice.randrange(3)),
                reason=dice.choice([None, "", *texts]),
            )
    await seal(db)
    await add_entries(db, 2)
    missed, counts = [], dict.fromkeys(TAMPERINGS, 0)

    async def tamper(tx) -> None:
        await tx.execute(
            """
            alter table audit_entry drop constraint audit_entry_pkey, drop constraint audit_entry_once,
                                    drop constraint audit_entry_position
            """
        )
        for number in range(ATTEMPTS):
            name = TAMPERINGS[number % len(TAMPERINGS)]
            assert await faults(tx, 1, 2) == []
            await tx.execute("savepoint untouched")
            tampering = await getattr(Tampering(tx, dice, 31), name)()
            counts[name] += 1
            if not await faults(tx, 1):
                missed.append(f"{name}: {tampering}")
            await tx.execute("rollback to savepoint untouched")
        raise RolledBack

    with pytest.raises(RolledBack):
        await db.atomic(tamper)
    assert missed == []
    assert min(counts.values()) == ATTEMPTS // len(TAMPERINGS)


async def test_faults_are_reported_with_their_positions(db):
    await add_entries(db, 20)
    await seal(db)

    async def after(*statements: str) -> list[str]:
        async def tamper(tx) -> None:
            for statement in statements:
                await tx.execute(statement)
            reported.extend(await faults(tx))
            raise RolledBack

        reported = []
        with suppress(RolledBack):
            await db.atomic(tamper)
        return reported

    assert await after("update audit_entry set reason = 'Nothing' where position = 7") == [
        "1 at 7: the entry differs from the one that was sealed here"
    ]
    assert await after("delete from audit_entry where position = 7") == ["1 at 7: entry 7 is missing"]
    assert await after("delete from audit_entry where position in (7, 8, 12)") == [
        "1 at 7: entries 7 to 8 are missing",
        "1 at 12: entry 12 is missing",
    ]
    assert await after("delete from audit_entry where position > 15") == [
        "1 at 16: the end is cut off: the head is at 20"
    ]
    assert await after("delete from audit_entry") == ["1 at 1: the end is cut off: the head is at 20"]
    assert await after("delete from audit_head") == ["1 at None: the head is missing"]


async def test_an_exported_head_reveals_a_chain_shortened_or_rewritten_with_the_key(db):
    await add_entries(db, 10)
    await seal(db)
    early = await service.head(db, clinic_id=1)
    await add_entries(db, 10)
    await seal(db)
    late = await service.head(db, clinic_id=1)
    assert await faults(db, exported=[early, late]) == []

    await db.execute("delete from audit_entry where position > 10")
    await chain.move_head(db, early)  # with a valid signature
    assert await faults(db) == []
    assert (await faults(db, exported=[early, late]))[0].startswith(
        "1 at 11: the chain was cut back: an exported head ("
    )

    await db.execute("truncate audit_entry, audit_head")
    await add_entries(db, 30)
    await seal(db)
    assert await faults(db) == []
    assert [fault.split(" (")[0] for fault in await faults(db, exported=[early, late])] == [
        "1 at 10: the chain was rewritten after its head was exported",
        "1 at 20: the chain was rewritten after its head was exported",
    ]
    await db.execute("truncate audit_entry, audit_head")
    assert len(await faults(db, exported=[early])) == 2
    forgery = msgspec.structs.replace(early, position=3)
    assert (await faults(db, exported=[forgery]))[
        0
    ] == "1 at 3: the exported head has a signature that does not match it"


async def test_a_chain_that_grows_during_verification_is_intact(db, database_url, monkeypatch):
    monkeypatch.setattr(service, "BATCH_SIZE", 5)
    await add_entries(db, 40)
    await seal(db)
    original = chain.stretch

    async def growing(*args, **kwargs):
        await add_entries(db, 2)
        if await db.fetchval("select count(*) from audit_entry") < 100:
            await seal(db)
        return await original(*args, **kwargs)

    monkeypatch.setattr(chain, "stretch", growing)
    assert await faults(db) == []
