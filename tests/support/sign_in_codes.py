"""Requests for sign-in codes, and attempts to enter them."""

from appoint.kit.signed_tokens import six_digit_code as code_of

SECRET = "signs links in tests"
WRONG = {"type": "/problems/wrong-code", "status": 401}


async def request_code(client, **address) -> str:
    response = await client.post("/api/signInCodes", json=address or {"email": "ana@example.org"})
    assert response.status_code == 200, response.text
    return response.json()["codeId"]


def right_code(code_id: str) -> str:
    return code_of(SECRET, "sign-in", code_id)


def wrong_code(code_id: str) -> str:
    return f"{(int(right_code(code_id)) + 1) % 1_000_000:06}"


async def enter_code(client, code_id: str, code: str | None = None, **more):
    return await client.post(
        f"/api/signInCodes/{code_id}/session", json={"code": code if code is not None else right_code(code_id), **more}
    )


def is_refused(response) -> bool:
    return {name: response.json().get(name) for name in WRONG} == WRONG


async def sent_codes(db) -> list[tuple[str, str]]:
    return [
        (row.channel, row.recipient_id)
        for row in await db.fetch(
            "select channel, recipient_id from notification where kind = 'sign-in-code' order by id"
        )
    ]
