"""Users, their invitations and their links, for identity tests."""

import re

from appoint.identity.accounts import credentials, repository
from appoint.kit import clock
from support.staff import SECRET

INVITATION = {"email": "New.User@example.org", "name": "Nora New", "role": "receptionist"}
NEW_PASSWORD = "seven swans swim slowly"
USERS = "/api/clinics/1/users"
WRONG = (401, "wrong-credentials")


async def mailed_tokens(office) -> list[str]:
    """Send the emails that are due, and return the tokens in their links."""
    office.post.messages.clear()
    await office.plan_and_send(clock.now())
    return [match[1] for message in office.post.messages if (match := re.search(r"/credentials/(\S+)", message.text))]


async def link_token(db, email="mia@example.org", kind="password-reset", now=None) -> str:
    user_id = await repository.find_id(db, email)
    return credentials.link_token(SECRET, kind, await repository.find_user(db, user_id), now or clock.now())


async def set_password(client, token, password=NEW_PASSWORD):
    return await client.post("/api/credentials", json={"token": token, "password": password})


async def get_status(client, headers, path="/api/account") -> int:
    return (await client.get(path, headers=headers)).status_code
