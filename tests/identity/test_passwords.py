"""Which passwords are accepted, and how users change theirs."""

import subprocess
import sys
import tracemalloc
import unicodedata

import pytest

from appoint.identity import passwords
from support.accounts import NEW_PASSWORD, link_token, set_password
from support.staff import ANOTHER, PASSWORD, bearer, sign_in


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "x" * 129,
        "password1234",
        "Passwort12345!",
        "passwordpassword",
        "qwertyuiop123",
        "123456789012",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "mia@example.org",
        "MiaKlein2027!",
        "miaklein1990abc",
        "Sommer2026!!!",
        "111122223333",
        "appoint-clinic-2026",
        "1q2w3e4r5t6y",
        "zxcvbnm123456",
        "manchester123",
        "computer12345",
        "Krankenhaus1",
        "thisisapassword",
        "iloveyouforever",
        "liverpool2024!",
        "january012027",
        "123qweasdzxc",
        "charlie1charlie1",
        "p@ssw0rd1p@ssw0rd1",
        "harrypotter123",
        "michaeljordan23",
    ],
)
def test_an_easily_guessed_password_is_rejected(password):
    assert passwords.find_faults(password, "#/password", about=("mia@example.org", "Mia Klein")) != []


@pytest.mark.parametrize(
    "password",
    [
        "zxcvbnm123456789",
        "cfvfzcxfcnkbdfz",
        "narutouzumaki",
        "silmarillion",
        "sonnenschein",
        "SonnenSchein",
        "yearning4810",
        "wewrjdfyfcnz",
        "wassosswassoss",
        "warpath1-joyful6",
    ],
)
def test_common_passwords_are_rejected_in_any_case_however_random_they_look(password):
    """The first five are among the 100,000 most common passwords, the last four among the million most common."""
    assert passwords.is_common(password)
    assert passwords.find_faults(password, "#/password", about=()) != []


def test_looking_for_a_common_password_does_not_load_the_list():
    """Each lookup reads a few pages of a sorted file."""
    tracemalloc.start()
    try:
        assert not passwords.is_common("xkQ7_vr2-Lp0zt")
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        assert not passwords.is_common("another uncommon one")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 100_000


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        ANOTHER,
        NEW_PASSWORD,
        "xkQ7_vr2-Lp0zt",
        "Grüße an Gänseblümchen",
        "🦆🐢🐇🐈🐕🐎🐄🐖🐑🐐🐓🦢",
        "ぬるぽがっぬるぽがっ猫と犬",
        "x9!" * 2 + "Kd82mQ" * 2,
    ],
)
def test_a_strong_password_in_any_script_is_accepted(password):
    assert passwords.find_faults(password, "#/password", about=("mia@example.org", "Mia Klein")) == []


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("Mia-Klein-Mia", "a name or address that others know"),
        ("Praxis-Sommer-2026!", "common words, years or repeated characters"),
        ("elephant house", "use four or more words that have nothing to do with each other"),
    ],
)
def test_a_refused_password_is_refused_with_a_reason(password, reason):
    (fault,) = passwords.find_faults(password, "", about=("mia@example.org", "Mia Klein"))
    assert reason in fault.text


def test_password_length_is_counted_in_composed_characters():
    assert passwords.find_faults(unicodedata.normalize("NFD", "ä" * 50 + "öüßéèêñçøåæ" * 7), "", about=()) == []


def test_the_word_lists_are_loaded_only_for_a_new_password():
    """Servers and workers that never check a new password don't use memory for them."""
    script = """
import sys
from appoint.identity import passwords
assert "zxcvbn_rs_py" not in sys.modules
passwords.find_faults("a calm lake in the morning", "", about=())
assert "zxcvbn_rs_py" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


async def test_a_weak_password_is_rejected_without_using_up_the_link(db, client, mia, manager):
    token = await link_token(db)
    response = await set_password(client, token, "mia@example.org")
    reason = "is too easy to guess, because much of it is a name or address that others know"
    assert response.json()["errors"] == [{"pointer": "#/password", "detail": reason}]
    assert (
        await client.put("/api/account/password", json={"current": PASSWORD, "new": "12345678"}, headers=manager)
    ).json()["errors"][0]["pointer"] == "#/new"
    assert (await set_password(client, token)).status_code == 200


async def test_changing_the_password_ends_all_other_sessions(client, manager):
    other_session = await bearer(client)
    response = await client.put("/api/account/password", json={"current": PASSWORD, "new": ANOTHER}, headers=manager)
    assert response.status_code == 204
    assert [
        (await client.get("/api/account", headers=headers)).status_code for headers in (manager, other_session)
    ] == [200, 401]
    assert [(await sign_in(client, password=password)).status_code for password in (PASSWORD, ANOTHER)] == [401, 201]


async def test_changing_the_password_requires_the_current_one(client, manager):
    response = await client.put("/api/account/password", json={"current": "not it", "new": ANOTHER}, headers=manager)
    assert (response.status_code, response.json()["errors"][0]["detail"]) == (400, "is not your current password")
    assert (await sign_in(client)).status_code == 201


@pytest.mark.usefixtures("still_clock")
async def test_wrong_passwords_within_a_session_are_rate_limited(client, manager):
    paths = [
        ("PUT", "/api/account/password", {"current": "not it", "new": ANOTHER}),
        ("POST", "/api/account/totp/remove", {"password": "not it"}),
    ]
    responses = [
        await client.request(method, path, json=body, headers=manager) for _ in range(4) for method, path, body in paths
    ]
    assert [response.status_code for response in responses] == [400] * 5 + [429] * 3
