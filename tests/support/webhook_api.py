"""API requests for webhooks."""

from support.app import ADMIN

URL = "https://8.8.8.8/appoint"


async def create(client, clinic_id=1, *, headers=ADMIN, **content):
    return await client.post(f"/api/clinics/{clinic_id}/webhooks", json={"url": URL, **content}, headers=headers)


async def webhook(client, clinic_id=1, **content) -> dict:
    response = await create(client, clinic_id, **content)
    assert response.status_code == 201, response.text
    return response.json()


async def get(client, path):
    return (await client.get(path, headers=ADMIN)).json()


async def post(client, path, key=None):
    return await client.post(path, headers=ADMIN | ({"Idempotency-Key": key} if key else {}))


def pointers(response) -> list[str]:
    return [fault["pointer"] for fault in response.json()["errors"]]
