"""Sign-in codes are sent in the patient's language or, if they have not chosen one, in the page's language."""

import pytest

from appoint.kit import clock
from support.post import Office, Post
from support.world import create_customer

SUBJECTS = {"de": "Ihr Anmeldecode", "en": "Your sign-in code"}


@pytest.mark.parametrize(("own", "read", "expected"), [(None, "de", "de"), ("en", "de", "en"), (None, "en", "en")])
@pytest.mark.parametrize("by", ["api", "page"])
async def test_a_code_is_in_the_patients_language_or_the_pages(client, db, *, by, own, read, expected):
    await create_customer(client, name="Ana", email="ana@example.org")
    await db.execute("update customer set locale = $1", own)
    headers = {"Accept-Language": read}
    if by == "api":
        await client.post("/api/signInCodes", json={"email": "ana@example.org"}, headers=headers)
    else:
        await client.post("/sign-in", data={"address": "ana@example.org"}, headers=headers)
    post = Post()
    await Office(db, post).send(clock.now())
    assert post.subjects == [SUBJECTS[expected]]
