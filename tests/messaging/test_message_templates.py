"""A clinic's own words: kept if they work, shown with everybody's where there are none, and tried before they are kept."""

import asyncio

import pytest

from support.app import ADMIN
from support.rows import clinic

ALL = "/api/clinics/1/messageTemplates"
MAIL = f"{ALL}/confirmation/email/en"
SMS = f"{ALL}/reminder/sms/de"
OWN = {"subject": "See you on {{ day }}", "text": "Dear {{ customer }},\n{% if type %}for {{ type }}{% endif %}"}


@pytest.fixture
async def clinics(client):
    await clinic(client, phone="+493012345678")
    await clinic(client, name="Hillside")
    client.headers |= ADMIN
    return client


async def test_without_words_of_its_own_a_clinic_has_everybodys(clinics):
    answer = await clinics.get(f"{ALL}/hold-expiring/email/de")
    shown = answer.json()
    assert {
        name: shown[name]
        for name in ("clinicId", "kind", "channel", "locale", "custom", "id", "version", "createdAt", "updatedAt")
    } == {
        "clinicId": 1,
        "kind": "hold-expiring",
        "channel": "email",
        "locale": "de",
        "custom": False,
        "id": None,
        "version": 0,
        "createdAt": None,
        "updatedAt": None,
    }
    assert shown["subject"] == "Bitte bestätigen Sie Ihren Termin: {{ day }}, {{ time }} Uhr"
    assert shown["text"].startswith("Guten Tag {{ customer }},\n\n")
    assert shown["placeholders"][-1] == "expires"
    assert answer.headers["ETag"]


async def test_everybodys_words_can_be_kept_as_a_clinics_own(clinics):
    shown = (await clinics.get(SMS)).json()
    kept = await clinics.put(SMS, json={"text": shown["text"]})
    assert (kept.status_code, kept.json()["text"], kept.json()["custom"]) == (200, shown["text"], True)


async def test_a_clinics_own_words_are_kept(clinics):
    kept = await clinics.put(MAIL, json=OWN)
    assert kept.status_code == 200
    assert {name: kept.json()[name] for name in ("subject", "text", "custom", "version")} == {
        **OWN,
        "custom": True,
        "version": 1,
    }
    shown = await clinics.get(MAIL)
    assert (shown.json(), shown.headers["ETag"]) == (kept.json(), kept.headers["ETag"])
    assert (await clinics.get(MAIL.replace("/1/", "/2/"))).json()["custom"] is False


async def test_words_are_replaced_as_a_whole(clinics):
    first = (await clinics.put(MAIL, json=OWN)).json()
    second = (await clinics.put(MAIL, json={"subject": "x", "text": "y"})).json()
    assert (second["id"], second["version"], second["subject"], second["text"]) == (first["id"], 2, "x", "y")


async def test_a_clinic_goes_back_to_everybodys_words(clinics):
    before = (await clinics.get(MAIL)).json()
    await clinics.put(MAIL, json=OWN)
    assert [(await clinics.delete(MAIL)).status_code for _ in range(2)] == [204, 204]
    assert (await clinics.get(MAIL)).json() == before


async def test_the_list_has_the_clinics_own_oldest_first(clinics):
    for path in (MAIL, SMS, f"{ALL}/agenda/email/fr", MAIL.replace("/1/", "/2/")):
        await clinics.put(path, json={"text": "x"} if path == SMS else {"subject": "x", "text": "x"})
    await clinics.put(MAIL, json=OWN)
    first = (await clinics.get(f"{ALL}?limit=2")).json()
    rest = (await clinics.get(f"{ALL}?limit=2&cursor={first['next']}")).json()
    assert [
        (each["kind"], each["channel"], each["locale"], each["custom"])
        for page in (first, rest)
        for each in page["items"]
    ] == [
        ("confirmation", "email", "en", True),
        ("reminder", "sms", "de", True),
        ("agenda", "email", "fr", True),
    ]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "path",
    [
        "greeting/email/en",
        "reminder-1440/email/en",
        "reminder/letter/en",
        "reminder/email/la",
        "agenda/sms/en",
        "Reminder/email/en",
    ],
)
async def test_a_message_that_there_is_not_is_404(clinics, path):
    asked = [("GET", "", None), ("PUT", "", OWN), ("DELETE", "", None), ("POST", "/preview", OWN)]
    assert [
        (await clinics.request(method, f"{ALL}/{path}{more}", json=body)).status_code for method, more, body in asked
    ] == [404] * 4


async def test_a_clinic_that_there_is_not_is_404(clinics):
    asked = [
        ("GET", ALL, None),
        ("GET", MAIL, None),
        ("PUT", MAIL, OWN),
        ("DELETE", MAIL, None),
        ("POST", f"{MAIL}/preview", OWN),
    ]
    assert [
        (await clinics.request(method, path.replace("/1/", "/9/"), json=body)).status_code
        for method, path, body in asked
    ] == [404] * 5


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("en", "line 3: “before” is not a known placeholder; use one of: "),
        ("de", "Zeile 3: „before“ ist kein bekannter Platzhalter; verfügbar sind: "),
        ("es", "línea 3: «before» no es un marcador aquí; hay: "),
        ("fr", "ligne 3 : « before » n’est pas un champ ici ; il y a : "),
    ],
)
async def test_broken_words_are_refused_with_the_line_and_the_reason(clinics, language, detail):
    broken = {"subject": "x", "text": "Hello\n\n{{ before }}"}
    refused = [
        await clinics.put(MAIL, json=broken, headers={"Accept-Language": language}),
        await clinics.post(f"{MAIL}/preview", json=broken, headers={"Accept-Language": language}),
    ]
    for answer in refused:
        (fault,) = answer.json()["errors"]
        assert (answer.status_code, answer.json()["type"], fault["pointer"]) == (
            400,
            "/problems/invalid-request",
            "#/text",
        )
        assert fault["detail"].startswith(detail)
    assert (await clinics.get(MAIL)).json()["custom"] is False


@pytest.mark.parametrize(
    ("path", "body", "faults"),
    [
        (MAIL, {"text": "x"}, {"#/subject": "is missing"}),
        (MAIL, {"subject": None, "text": "x"}, {"#/subject": "is missing"}),
        (SMS, {"subject": "x", "text": "x"}, {"#/subject": "must be left out; only emails have a subject"}),
        (MAIL, {"subject": "x"}, {"#/text": "is missing"}),
        (
            MAIL,
            {"subject": "x" * 201, "text": "x" * 10_001},
            {
                "#/subject": "is too long; maximum length: 200",
                "#/text": "is too long; maximum length: 10000",
            },
        ),
        (
            MAIL,
            {"subject": "", "text": ""},
            {"#/subject": "is too short; minimum length: 1", "#/text": "is too short; minimum length: 1"},
        ),
        (
            MAIL,
            {"subject": " ", "text": " \n"},
            {"#/subject": "is empty once it is filled in", "#/text": "is empty once it is filled in"},
        ),
        (SMS, {"text": "\u200b\x1c \x85"}, {"#/text": "is empty once it is filled in"}),
        (
            MAIL,
            {"subject": "{{ ''.__class__ }}", "text": "{% for x in customer %}{% endfor %}"},
            {
                "#/subject": "line 1: only placeholders, filters without arguments and “if” are allowed",
                "#/text": "line 1: only placeholders, filters without arguments and “if” are allowed",
            },
        ),
        (SMS, {"text": "(" * 5000 + "{{" + "(" * 5000}, {"#/text": "is too long; maximum length: 10000"}),
        (SMS, {"text": "{{" + "(" * 5000}, {"#/text": "is nested too deeply or contains a number that is too long"}),
        (SMS, {"text": "x" * 1001}, {"#/text": "is too long once it is filled in; maximum length: 1000"}),
    ],
)
async def test_everything_that_is_wrong_with_words_is_said(clinics, path, body, faults):
    answer = await clinics.put(path, json=body)
    assert {fault["pointer"]: fault["detail"] for fault in answer.json().get("errors", [])} == faults
    assert answer.status_code == (400 if faults else 200)


async def test_a_preview_is_filled_in_with_an_example_of_the_clinic_and_keeps_nothing(clinics):
    shown = await clinics.post(
        f"{MAIL}/preview", json={"subject": "Until {{ day }}", "text": "{{ customer }} at {{ clinic }}\n{{ phone }}"}
    )
    assert shown.status_code == 200
    assert (shown.json()["subject"], shown.json()["text"]) == (
        "Until Monday, March 1, 2027",
        "Ana Souza at Lakeside Clinic\n+49 30 12345678",
    )
    assert "Ana Souza at Lakeside Clinic<br>+49 30 12345678" in shown.json()["html"]
    assert (await clinics.get(MAIL)).json()["custom"] is False


async def test_a_preview_of_a_text_message_has_neither_subject_nor_html(clinics):
    shown = (await clinics.post(f"{SMS}/preview", json={"text": "{{ when }}"})).json()
    assert shown == {"subject": None, "text": "Mo., 1. März 2027, 09:30 (MEZ)", "html": None}


async def test_a_repeated_preview_shows_the_same_again(clinics):
    key = {"Idempotency-Key": "once"}
    first, again = [await clinics.post(f"{SMS}/preview", json={"text": "{{ time }}"}, headers=key) for _ in range(2)]
    other = await clinics.post(f"{SMS}/preview", json={"text": "{{ day }}"}, headers=key)
    assert (again.json(), again.headers["Idempotent-Replayed"], other.status_code) == (first.json(), "true", 422)


async def test_only_what_was_read_is_changed(clinics):
    everybodys = (await clinics.get(MAIL)).headers["ETag"]
    kept = await clinics.put(MAIL, json=OWN, headers={"If-Match": everybodys})
    assert kept.status_code == 200
    stale = {"If-Match": everybodys}
    assert [
        (await clinics.put(MAIL, json=OWN, headers=stale)).status_code,
        (await clinics.delete(MAIL, headers=stale)).status_code,
    ] == [412, 412]
    assert (await clinics.delete(MAIL, headers={"If-Match": kept.headers["ETag"]})).status_code == 204
    again = await clinics.put(MAIL, json=OWN)
    assert again.headers["ETag"] != kept.headers["ETag"]  # the first version of other words


async def test_of_two_who_write_the_first_words_at_once_one_is_told(clinics):
    seen = {"If-Match": (await clinics.get(MAIL)).headers["ETag"]}
    answers = await asyncio.gather(
        *(clinics.put(MAIL, json={"subject": "x", "text": f"{number}"}, headers=seen) for number in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_a_clinic_may_insist_on_a_version(clinics):
    await clinics.patch("/api/clinics/1", json={"policy": {"requireVersion": True}})
    assert [(await clinics.put(MAIL, json=OWN)).status_code, (await clinics.delete(MAIL)).status_code] == [428, 428]


async def test_what_is_shown_already_is_not_sent_again(clinics):
    for path in (MAIL, ALL):
        tag = (await clinics.get(path)).headers["ETag"]
        assert (await clinics.get(path, headers={"If-None-Match": tag})).status_code == 304


async def test_only_staff_see_and_change_words(client):
    await clinic(client)
    asked = [
        ("GET", ALL, None),
        ("GET", MAIL, None),
        ("PUT", MAIL, OWN),
        ("DELETE", MAIL, None),
        ("POST", f"{MAIL}/preview", OWN),
    ]
    assert [(await client.request(method, path, json=body)).status_code for method, path, body in asked] == [401] * 5
