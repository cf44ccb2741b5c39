"""API keys for tests."""

from datetime import UTC, datetime

from appoint.identity.api_keys import model, service
from appoint.identity.api_keys.model import ApiKeyContent
from appoint.kit.actors import SYSTEM
from appoint.kit.permissions import SCOPES
from support.app import ADMIN

NOW = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
EVERYTHING = sorted(SCOPES)


def key_header(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def create_key(client, clinic_id=1, *, headers=ADMIN, **more):
    return await client.post(
        f"/api/clinics/{clinic_id}/apiKeys",
        json={"name": "Referral portal", "scopes": EVERYTHING, **more},
        headers=headers,
    )


async def add_key(db, clinic_id: int = 1, **more) -> model.ApiKeyWithSecret:
    content = ApiKeyContent(**({"name": "Referral portal", "scopes": ["see-appointments", "list-appointments"]} | more))
    return await db.atomic(service.add, SYSTEM, clinic_id=clinic_id, content=content, now=NOW)
