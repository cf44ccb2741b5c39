"""Python and the database create ids with the same layout."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from appoint.kit import ids


def parts(id: UUID) -> tuple[int, int, int, int]:
    """Return an id's clinic, version, variant and milliseconds."""
    bits = f"{id.int:0128b}"
    return int(bits[:32], 2), int(bits[48:52], 2), int(bits[64:66], 2), int(bits[32:48] + bits[52:64] + bits[66:86], 2)


def test_ids_sort_in_the_order_in_which_they_were_minted(monkeypatch):
    nanoseconds = iter(range(1_800_000_000_000_000_000, 1_800_000_000_003_000_000, 1000))
    monkeypatch.setattr(ids.time, "time_ns", lambda: next(nanoseconds))
    minted = [ids.new_id(1) for _ in range(3000)]
    assert minted == sorted(minted)


@pytest.mark.parametrize("clinic_id", [1, 2**31 - 1])
async def test_python_and_the_database_mint_ids_with_the_same_layout_in_time_order(db, clinic_id):
    minted: list[UUID] = []
    for _ in range(200):  # many of them in the same millisecond
        minted.append(ids.new_id(clinic_id))
        minted.append(await db.fetchval("select mint_id($1)", clinic_id))
    assert {parts(id)[:3] for id in minted} == {(clinic_id, 8, 0b10)}
    assert minted == sorted(minted)
    now = datetime.now(UTC).timestamp() * 1000
    assert all(abs(parts(id)[3] - now) < 60_000 for id in minted)
    assert (
        {ids.clinic_of(id) for id in minted}
        == {await db.fetchval("select clinic_of($1)", id) for id in minted}
        == {clinic_id}
    )


async def test_ids_minted_at_the_same_time_are_unique(db):
    minted = [row[0] for row in await db.fetch("select mint_id(1) from generate_series(1, 10000)")]
    assert len({*minted, *(ids.new_id(1) for _ in range(10000))}) == 20000


async def test_an_id_with_an_impossible_clinic_number_does_not_belong_to_any_clinic(db):
    """The first 32 bits of an id from elsewhere can have any value."""
    foreign = UUID("ffffffff-0000-8000-8000-000000000000")
    assert ids.clinic_of(foreign) == ids.PLATFORM
    assert await db.fetchval("select clinic_of($1)", foreign) < 0
