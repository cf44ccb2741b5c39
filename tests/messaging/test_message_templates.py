"""Clinics' message templates are stored only if they work, can be previewed, and don't affect the defaults for other
messages.
"""

import asyncio

import pytest

from appoint.clinics.pictures.model import DOT
from support.app import ADMIN
from support.matrix import for_each
from support.world import create_clinic

ALL = "/api/clinics/1/messageTemplates"
MAIL = f"{ALL}/confirmation/email/en"
SMS = f"{ALL}/reminder/sms/de"
CUSTOM = {"subject": "See you on {{ day }}", "text": "Dear {{ customer }},\n{% if type %}for {{ type }}{% endif %}"}


@pytest.fixture
async def clinics(client):
    await create_clinic(client, phone="+493012345678")
    await create_clinic(client, name="Hillside")
    client.headers |= ADMIN
    return client


async def test_a_clinic_without_a_template_gets_the_default(clinics):
    response = await clinics.get(f"{ALL}/hold-expiring/email/de")
    template = response.json()
    assert {
        name: template[name]
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
    assert template["subject"] == (
        "{% if appointments %}Bitte bestätigen Sie {{ count }} Termine (der erste: {{ day }}){% else %}"
        "Bitte bestätigen Sie Ihren Termin: {{ day }}, {{ time }} Uhr{% if yours %} ({{ zone }}){% endif %}{% endif %}"
    )
    assert template["text"].startswith("Guten Tag {{ customer }},\n\n")
    assert template["placeholders"][-1] == "expires"
    assert response.headers["ETag"]


async def test_the_default_text_can_be_stored_as_a_template(clinics):
    template = (await clinics.get(SMS)).json()
    response = await clinics.put(SMS, json={"text": template["text"]})
    assert (response.status_code, response.json()["text"], response.json()["custom"]) == (200, template["text"], True)


async def test_a_template_is_stored_for_one_clinic(clinics):
    stored = await clinics.put(MAIL, json=CUSTOM)
    assert stored.status_code == 200
    assert {name: stored.json()[name] for name in ("subject", "text", "custom", "version")} == {
        **CUSTOM,
        "custom": True,
        "version": 1,
    }
    response = await clinics.get(MAIL)
    assert (response.json(), response.headers["ETag"]) == (stored.json(), stored.headers["ETag"])
    assert (await clinics.get(MAIL.replace("/1/", "/2/"))).json()["custom"] is False


async def test_a_template_is_replaced_as_a_whole(clinics):
    first = (await clinics.put(MAIL, json=CUSTOM)).json()
    second = (await clinics.put(MAIL, json={"subject": "x", "text": "y"})).json()
    assert (second["id"], second["version"], second["subject"], second["text"]) == (first["id"], 2, "x", "y")


async def test_removing_a_template_restores_the_default(clinics):
    before = (await clinics.get(MAIL)).json()
    await clinics.put(MAIL, json=CUSTOM)
    assert [(await clinics.delete(MAIL)).status_code for _ in range(2)] == [204, 204]
    assert (await clinics.get(MAIL)).json() == before


async def test_a_clinics_templates_are_listed_oldest_first(clinics):
    for path in (MAIL, SMS, f"{ALL}/agenda/email/fr", MAIL.replace("/1/", "/2/")):
        await clinics.put(path, json={"text": "x"} if path == SMS else {"subject": "x", "text": "x"})
    await clinics.put(MAIL, json=CUSTOM)
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


@for_each(
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
async def test_an_unknown_message_is_not_found(clinics, path):
    requests = [("GET", "", None), ("PUT", "", CUSTOM), ("DELETE", "", None), ("POST", "/preview", CUSTOM)]
    assert [
        (await clinics.request(method, f"{ALL}/{path}{more}", json=body)).status_code for method, more, body in requests
    ] == [404] * 4


async def test_an_unknown_clinic_is_not_found(clinics):
    requests = [
        ("GET", ALL, None),
        ("GET", MAIL, None),
        ("PUT", MAIL, CUSTOM),
        ("DELETE", MAIL, None),
        ("POST", f"{MAIL}/preview", CUSTOM),
    ]
    assert [
        (await clinics.request(method, path.replace("/1/", "/9/"), json=body)).status_code
        for method, path, body in requests
    ] == [404] * 5


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("en", "line 3: “before” is not a known placeholder; use one of: "),
        ("de", "Zeile 3: „before“ ist kein bekannter Platzhalter; verfügbar sind: "),
        ("es", "línea 3: «before» no es un marcador conocido; use uno de estos: "),
        (
            "fr",
            "ligne 3~: «~before~» n’est pas un champ connu~; champs possibles~: ".replace("~", "\N{NO-BREAK SPACE}"),
        ),
    ],
)
async def test_an_invalid_template_is_rejected_with_the_line_and_reason_in_the_callers_language(
    clinics, language, detail
):
    content = {"subject": "x", "text": "Hello\n\n{{ before }}"}
    responses = [
        await clinics.put(MAIL, json=content, headers={"Accept-Language": language}),
        await clinics.post(f"{MAIL}/preview", json=content, headers={"Accept-Language": language}),
    ]
    for response in responses:
        (fault,) = response.json()["errors"]
        assert (response.status_code, response.json()["type"], fault["pointer"]) == (
            400,
            "/problems/invalid-request",
            "#/text",
        )
        assert fault["detail"].startswith(detail)
    assert (await clinics.get(MAIL)).json()["custom"] is False


@for_each(
    "path, body, faults",
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
            {
                "#/subject": "is empty once its placeholders are filled in",
                "#/text": "is empty once its placeholders are filled in",
            },
        ),
        (SMS, {"text": "\u200b\x1c \x85"}, {"#/text": "is empty once its placeholders are filled in"}),
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
        (
            SMS,
            {"text": "x" * 1001},
            {"#/text": "is too long once its placeholders are filled in; maximum length: 1000"},
        ),
    ],
)
async def test_all_errors_in_a_template_are_reported(clinics, path, body, faults):
    response = await clinics.put(path, json=body)
    assert {fault["pointer"]: fault["detail"] for fault in response.json().get("errors", [])} == faults
    assert response.status_code == (400 if faults else 200)


async def test_a_preview_uses_the_clinics_data_but_stores_nothing(clinics):
    preview = await clinics.post(
        f"{MAIL}/preview", json={"subject": "Until {{ day }}", "text": "{{ customer }} at {{ clinic }}\n{{ phone }}"}
    )
    assert preview.status_code == 200
    assert (preview.json()["subject"], preview.json()["text"]) == (
        "Until Monday, 1 March 2027",
        "Ana Souza at Lakeside Clinic\n030 12345678",
    )
    assert "Ana Souza at Lakeside Clinic<br>030 12345678" in preview.json()["html"]
    assert (await clinics.get(MAIL)).json()["custom"] is False


async def test_a_preview_shows_a_time_during_the_day_at_the_clinic(clinics):
    clinic = (await clinics.post("/api/clinics", json={"name": "Elsewhere", "timeZone": "Australia/Sydney"})).json()
    path = f"{MAIL}/preview".replace("/1/", f"/{clinic['id']}/")
    assert "9:30" in (await clinics.post(path, json={"subject": "{{ when }}", "text": "-"})).json()["subject"]


async def test_a_preview_shows_the_clinics_colour_logo_and_legal_pages(clinics):
    profile = {"colour": "#7a1f5c", "privacyUrl": "https://lakeside.example/privacy"}
    await clinics.patch("/api/clinics/1", json={"profile": profile}, headers={"If-Match": '"v1"'})
    logo = (await clinics.put("/api/clinics/1/logo", json={"content": DOT})).json()["url"].replace(".webp", ".png")
    html = (await clinics.post(f"{MAIL}/preview", json=CUSTOM)).json()["html"]
    assert ("#7a1f5c" in html, "https://lakeside.example/privacy" in html, logo in html) == (True, True, True)


async def test_a_preview_of_a_text_message_has_neither_subject_nor_html(clinics):
    preview = (await clinics.post(f"{SMS}/preview", json={"text": "{{ when }}"})).json()
    assert preview == {"subject": None, "text": "Mo., 1. März 2027, 09:30", "html": None}


async def test_a_repeated_preview_is_replayed(clinics):
    key = {"Idempotency-Key": "once"}
    first, second = [await clinics.post(f"{SMS}/preview", json={"text": "{{ time }}"}, headers=key) for _ in range(2)]
    other = await clinics.post(f"{SMS}/preview", json={"text": "{{ day }}"}, headers=key)
    assert (second.json(), second.headers["Idempotent-Replayed"], other.status_code) == (first.json(), "true", 422)


async def test_a_template_is_changed_only_if_the_version_matches(clinics):
    default_tag = (await clinics.get(MAIL)).headers["ETag"]
    stored = await clinics.put(MAIL, json=CUSTOM, headers={"If-Match": default_tag})
    assert stored.status_code == 200
    outdated = {"If-Match": default_tag}
    assert [
        (await clinics.put(MAIL, json=CUSTOM, headers=outdated)).status_code,
        (await clinics.delete(MAIL, headers=outdated)).status_code,
    ] == [412, 412]
    assert (await clinics.delete(MAIL, headers={"If-Match": stored.headers["ETag"]})).status_code == 204
    recreated = await clinics.put(MAIL, json=CUSTOM)
    assert recreated.headers["ETag"] != stored.headers["ETag"]  # the first version of a new template


async def test_only_one_of_several_concurrent_first_versions_is_stored(clinics):
    headers = {"If-Match": (await clinics.get(MAIL)).headers["ETag"]}
    responses = await asyncio.gather(
        *(clinics.put(MAIL, json={"subject": "x", "text": f"{number}"}, headers=headers) for number in range(4))
    )
    assert sorted(response.status_code for response in responses) == [200, 412, 412, 412]


async def test_a_clinic_can_require_versions(clinics):
    await clinics.patch("/api/clinics/1", json={"policy": {"requireVersion": True}})
    assert [(await clinics.put(MAIL, json=CUSTOM)).status_code, (await clinics.delete(MAIL)).status_code] == [428, 428]


async def test_a_request_for_unchanged_content_gets_not_modified(clinics):
    for path in (MAIL, ALL):
        tag = (await clinics.get(path)).headers["ETag"]
        assert (await clinics.get(path, headers={"If-None-Match": tag})).status_code == 304


async def test_only_staff_can_read_and_change_templates(client):
    await create_clinic(client)
    requests = [
        ("GET", ALL, None),
        ("GET", MAIL, None),
        ("PUT", MAIL, CUSTOM),
        ("DELETE", MAIL, None),
        ("POST", f"{MAIL}/preview", CUSTOM),
    ]
    assert [(await client.request(method, path, json=body)).status_code for method, path, body in requests] == [401] * 5
