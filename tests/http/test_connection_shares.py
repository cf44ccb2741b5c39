"""Patients who are booking leave some of the database connections to the clinic's staff."""

import pytest

from appoint.database.shares import Share, Shares
from support.app import ADMIN
from support.world import create_clinic


@pytest.mark.parametrize(("headers", "is_visitor"), [({}, True), (ADMIN, False)])
async def test_a_request_counts_as_a_visitors_unless_staff_sent_it(client, monkeypatch, headers, is_visitor):
    await create_clinic(client)
    acquire, shares = Shares.acquire, set()

    async def record(self, share):
        shares.add(share)
        await acquire(self, share)

    monkeypatch.setattr(Shares, "acquire", record)
    response = await client.get("/api/clinics/1/availability", params={"date": "2027-03-01"}, headers=headers)
    assert response.status_code == 200, response.text
    assert shares == {Share(1, is_visitor)}
