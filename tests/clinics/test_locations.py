"""Clinics' coordinates."""

from appoint.clinics.clinics.jobs import locate_clinics


async def test_clinics_without_coordinates_are_located_by_their_address(db):
    await db.execute(
        """
        insert into clinic (name, time_zone, address)
        values ('Lakeside', 'Europe/Berlin', 'Am See 1, 10115 Berlin'), ('Nowhere', 'Europe/Berlin', 'On a boat')
        """
    )
    assert await locate_clinics(db) == 1
    assert await locate_clinics(db) == 0
    rows = await db.fetch("select name, round(latitude) as latitude from clinic order by id")
    assert [(row.name, row.latitude) for row in rows] == [("Lakeside", 53), ("Nowhere", None)]
