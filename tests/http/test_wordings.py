"""A problem's sentences suit the caller: a patient, the holder of a link, a program or the clinic's staff."""

import pytest

from appoint.http.problems.catalogue import PROBLEMS
from appoint.kit.actors import Actor, Membership, Role
from appoint.kit.i18n import LANGUAGES, translate
from support.callers import accept_callers, headers_of
from support.world import create_clinic, create_customer


@pytest.mark.parametrize(
    ("caller", "sentence"),
    [
        ("patient", "Only the clinic’s staff can do this."),
        ("key", "This API key doesn’t have the permission that this operation needs."),
        ("doctor", "You don’t have permission to do this."),
    ],
)
async def test_a_refusal_suits_the_caller(client, caller, sentence):
    await create_clinic(client)
    customer, user = await create_customer(client), await create_customer(client)
    accept_callers(
        client,
        {
            "patient": Actor("patient:1", customer_id=customer),
            "key": Actor("key:1", memberships=(Membership(1, Role.PARTNER),)),
            "doctor": Actor("user:1", user_id=user, memberships=(Membership(1, Role.DOCTOR),)),
        },
    )
    response = await client.get("/api/clinics/1/apiKeys", headers=headers_of(caller))
    assert (response.status_code, response.json()["detail"].startswith(sentence)) == (403, True), response.text


def test_a_missing_code_is_described_to_the_person_who_enters_it():
    problem = PROBLEMS["code-required"]
    assert problem.texts("key")[0].startswith("The customer must confirm")
    for audience in ("patient", "link", "stranger"):
        assert problem.texts(audience)[0].startswith("Confirm your email address")


def test_a_limit_on_a_day_does_not_promise_times_in_a_few_minutes():
    problem = PROBLEMS["too-many-bookings"]
    assert problem.texts("stranger", {"limit": "day"})[1].startswith("Try again tomorrow")
    assert problem.texts("stranger", {"limit": "holds"})[1].startswith("Try again in a few minutes")


async def test_the_problem_title_for_a_wrong_password_mentions_the_password(client):
    body = {"email": "mia@example.org", "password": "not the password"}
    response = await client.post("/api/sessions", json=body)
    assert (response.status_code, response.json()["title"]) == (401, "Wrong email address or password")


def test_every_wording_is_translated():
    for problem in PROBLEMS.values():
        for text in {text for texts in problem.wordings.values() for text in texts}:
            assert len({translate(language, text) for language in LANGUAGES}) == len(LANGUAGES), text
