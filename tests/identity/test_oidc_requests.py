"""Requests with tokens from an external OpenID provider."""

import asyncio

import pytest

from appoint.kit import clock
from appoint.server import app as application
from support.app import ADMIN, TOKEN, client_of, composed
from support.oidc import ROLES, oidc_settings
from support.provider import AUDIENCE
from support.world import create_clinic


@pytest.fixture
async def oidc_client(db, database_url, idp):
    """A client for an application that trusts the provider."""
    async with client_of(
        composed(database_url, oidc_issuer=idp.issuer, oidc_audience=AUDIENCE, oidc_roles=tuple(ROLES))
    ) as client:
        for name in ("Lakeside", "Hillside", "Seaside"):
            await create_clinic(client, name=name)
        yield client


async def test_a_receptionist_can_work_at_their_clinic_but_not_manage_it(oidc_client, idp):
    headers = {"Authorization": f"Bearer {idp.token(clock.now())}"}
    paths = [f"/api/clinics/{number}/appointments" for number in (1, 2)]
    assert [(await oidc_client.get(path, headers=headers)).status_code for path in paths] == [200, 404]
    assert (await oidc_client.get("/api/clinics/1/webhooks", headers=headers)).status_code == 403
    assert (await oidc_client.get("/api/customers", headers=headers)).status_code == 403


async def test_the_providers_administrator_role_grants_administrator_access(oidc_client, idp):
    headers = {"Authorization": f"Bearer {idp.token(clock.now(), roles=['root'])}"}
    assert (await oidc_client.get("/api/customers", headers=headers)).status_code == 200


async def test_a_caller_without_a_role_has_only_public_access(oidc_client, idp):
    headers = {"Authorization": f"Bearer {idp.token(clock.now(), roles=[])}"}
    assert (await oidc_client.get("/api/clinics/1/appointments", headers=headers)).status_code == 403
    assert (await oidc_client.get("/api/clinics/1", headers=headers)).status_code == 200


async def test_a_forged_or_incomplete_token_is_unauthorized(oidc_client, idp):
    wrong_audience = await oidc_client.get(
        "/api/clinics/1", headers={"Authorization": f"Bearer {idp.token(clock.now(), aud='another')}"}
    )
    assert wrong_audience.status_code == 401
    incomplete = await oidc_client.get("/api/clinics/1", headers={"Authorization": "Bearer eyJ"})
    assert incomplete.status_code == 401


async def test_requests_get_retry_after_while_the_provider_is_unavailable(oidc_client, idp):
    idp.down = True
    unavailable = await oidc_client.get("/api/clinics/1", headers={"Authorization": f"Bearer {idp.token(clock.now())}"})
    assert (unavailable.status_code, 1 <= int(unavailable.headers["Retry-After"]) <= 60) == (503, True)
    assert (await oidc_client.get("/api/clinics/1", headers=ADMIN)).status_code == 200


async def test_no_database_connection_is_held_while_keys_are_fetched(db, database_url, idp):
    app = application.create(oidc_settings(idp, pool_size=1), database_url=database_url, admin_token=TOKEN)
    idp.may_respond.clear()
    async with client_of(app) as client:
        await create_clinic(client)
        headers = {"Authorization": f"Bearer {idp.token(clock.now())}"}
        waiting = asyncio.create_task(client.get("/api/clinics/1/appointments", headers=headers))
        while not idp.requests:
            await asyncio.sleep(0.01)
        assert app.state.services.db.used == 0
        assert (await client.get("/api/clinics/1")).status_code == 200
        assert not waiting.done()
        idp.may_respond.set()
        assert (await waiting).status_code == 200


async def test_the_audit_log_identifies_the_caller_by_a_digest(oidc_client, db, idp):
    headers = {"Authorization": f"Bearer {idp.token(clock.now(), sub='ann@example.org')}"}
    assert (await oidc_client.get("/api/clinics/1/appointments", headers=headers)).status_code == 200
    (actor,) = [row.actor for row in await db.fetch("select actor from audit_unsealed where actor <> 'administrator'")]
    assert actor.startswith("oidc:")
    assert "ann" not in actor
