"""The steps for setting up a new clinic."""

import pytest

from appoint.clinics.clinics.model import suggest_slug
from appoint.clinics.setup import service
from appoint.clinics.setup.model import STEPS, Progress
from appoint.clinics.setup.starter_sets import STARTER_SETS
from appoint.kit import clock
from appoint.kit.i18n import LANGUAGES, translate
from support.booking_pages import DAY
from support.staff import add_user, works_at
from support.world import create_appointment_type, create_clinic, create_doctor, publish_slot


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Praxis am Spreebogen", "praxis-am-spreebogen"),
        ("Hausärzte Größ & Söhne", "hausaerzte-groess-soehne"),
        ("Dr. O’Neill’s Clinic", "dr-oneills-clinic"),
        ("Clínica Peña", "clinica-pena"),
        ("王医生诊所", ""),
        ("1234", ""),
        ("Gemeinschaftspraxis für Allgemeinmedizin und Naturheilverfahren", "gemeinschaftspraxis-fuer"),
    ],
)
def test_a_slug_is_suggested_from_the_name(name, slug):
    assert suggest_slug(name) == slug


def test_starter_types_have_distinct_names_in_every_language():
    for starter_set in STARTER_SETS:
        for language in LANGUAGES:
            names = [translate(language, type.name) for type in starter_set.types]
            assert len(set(names)) == len(names), (starter_set.key, language)


def test_the_list_is_open_until_all_steps_are_done_or_it_is_hidden():
    assert Progress(frozenset(), hidden=False).is_open
    assert not Progress(frozenset(), hidden=True).is_open
    assert not Progress(frozenset(STEPS), hidden=False).is_open


async def test_progress_follows_from_the_clinics_own_data(db, client):
    async def done() -> set[str]:
        return set((await service.load_progress(db, 1, now=clock.now())).done)

    await create_clinic(client)
    assert await done() == set()
    await db.execute("update clinic set address = 'Am See 1', phone = '+493012345678' where id = 1")
    await create_appointment_type(client)
    assert await done() == {"contact", "types"}
    await publish_slot(db, await create_doctor(client), DAY, DAY.replace(hour=DAY.hour + 1))
    assert await done() == {"contact", "types", "doctors"}
    for email in ("mia@example.org", "rosa@example.org"):
        await works_at(db, await add_user(db, email))
    assert await done() == {"contact", "types", "doctors", "team"}
