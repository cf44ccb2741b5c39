"""Searches cover all cells, and say which of them did not respond."""

import pytest

from support.cells import open_monday
from support.hours import COMING_MONDAY
from support.world import create_clinic, create_doctor

pytestmark = pytest.mark.xdist_group("cells")  # one worker creates the databases


async def test_a_search_finds_the_clinics_of_all_cells_page_by_page(cells, harbor, dr_shah):
    for name in ("Garden", "Islet"):
        doctor_id = await create_doctor(cells.south.client, await create_clinic(cells.south.client, name=name))
        await open_monday(cells.south.client, doctor_id, "09:00-17:00")
    for cell in (cells.south, cells.north):
        names, query = [], {"limit": "1"}
        for _ in range(20):
            page = (await cell.client.get("/api/clinics/search", params=query)).json()
            names += [clinic["name"] for clinic in page["items"]]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        assert names == ["Garden", "Harbor", "Islet"]
        page = await cell.client.get("/")
        assert [page.text.index(f">{name}<") for name in names] == sorted(
            page.text.index(f">{name}<") for name in names
        )
        assert "missing" not in page.text


async def test_a_search_for_times_covers_all_cells(cells, harbor, dr_shah):
    clinic_id = await create_clinic(cells.south.client, name="Pier")
    doctor_id = await create_doctor(cells.south.client, clinic_id, specialty="Podiatry")
    await open_monday(cells.south.client, doctor_id, "08:00-09:00")
    pediatrician = await create_doctor(cells.north.client, harbor, specialty="Podiatry")
    await open_monday(cells.north.client, pediatrician, "08:30-09:30")
    query = {"date": str(COMING_MONDAY), "specialty": "Podiatry", "minutes": "30", "limit": "3"}
    for cell in (cells.south, cells.north):
        first = (await cell.client.get("/api/availability/search", params=query)).json()
        second = await cell.client.get("/api/availability/search", params=query | {"cursor": first["next"]})
        starts = [(time["startTime"][11:16], time["clinicId"]) for time in first["items"] + second.json()["items"]]
        assert starts == sorted(starts)
        assert {clinic_id, harbor} == {number for _, number in starts}
        assert second.json()["next"] is None
    response = await cells.south.client.get("/api/availability/search", params=query | {"clinicId": str(harbor)})
    assert response.status_code == 307
    with cells.network.without("north"):
        response = await cells.south.client.get("/api/availability/search", params=query)
    assert response.headers["appoint-missing-cells"] == "north"
    cells.south.cells.gateway._paused_until.clear()


async def test_a_search_names_the_cells_that_do_not_respond(cells, harbor, dr_shah):
    with cells.network.without("north"):
        response = await cells.south.client.get("/api/clinics/search")
        page = await cells.south.client.get("/")
    assert response.headers["appoint-missing-cells"] == "north"
    assert "Harbor" not in response.text
    assert "are missing (north)" in page.text
    cells.south.cells.gateway._paused_until.clear()


async def test_a_search_for_other_cells_is_not_for_anyone_else(cells, client):
    for each in (cells.north.client, client):
        for path in ("/cells/clinicSearch", "/cells/availabilitySearch"):
            assert (await each.post(path, json={})).status_code == 404
