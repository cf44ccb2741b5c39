"""Each reason why a provider failed is a code that the database accepts, and a sentence in every language."""

from typing import get_args

import pytest

from appoint.calls.providers.failures import SENTENCES, FailureCode
from appoint.calls.providers.model import Connection
from appoint.kit import clock
from appoint.kit.i18n import LANGUAGES, translate
from support.app import ADMIN
from support.appointments import create_world
from support.calls import add_dead_call, book_online, use_provider
from support.world import at

CODES = get_args(FailureCode)


async def test_the_database_accepts_each_code(db, world):
    appointment = await book_online(world, at(8))
    await add_dead_call(db, appointment.id)
    for code in CODES:
        await db.execute("update call set error = $1", code)
    definition = await db.fetchval("select pg_get_constraintdef(oid) from pg_constraint where conname = 'call_error'")
    assert definition.count("'") == 2 * len(CODES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_code_has_a_sentence(language):
    sentences = {translate(language, SENTENCES[code]) for code in CODES}
    assert len(sentences) == len(CODES) == len(SENTENCES)
    assert (language == "en") == (sentences == set(SENTENCES.values()))


async def test_a_test_call_with_an_unusable_key_says_so_in_the_managers_language(client, db):
    from appoint.kit.cache import ClinicCache

    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
    path = f"/api/clinics/{world.clinic}/callSettings"
    await use_provider(world, "jaas", Connection(url="", app_id="cookie", key_id="k", secret="not a key"))
    response = await client.post(f"{path}/test", headers=ADMIN | {"Accept-Language": "de"})
    assert response.json() == {
        "succeeded": False,
        "reason": "invalid-key",
        "detail": translate("de", SENTENCES["invalid-key"]),
        "address": None,
    }
