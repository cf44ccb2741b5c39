"""What people are told: the right facts in their language, in the clinic's own words where it has some that work."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import appoint
from appoint.kit.errors import NotFound
from appoint.kit.i18n import LANGUAGES, translate
from appoint.messaging.channels.model import Channel
from appoint.messaging.templates.model import (
    EMAIL_ONLY,
    EXAMPLE,
    PLACEHOLDERS,
    Facts,
    ListedAppointment,
    TemplateKey,
    TemplateText,
    template_key,
)
from appoint.messaging.templates.placeholders import placeholder_values
from appoint.messaging.templates.rendering import default_text, find_faults, render
from support.matrix import for_each

NINE = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
"""Monday at nine in Berlin."""
FACTS = Facts(
    clinic="Lakeside Clinic",
    time_zone="Europe/Berlin",
    customer="Ana Souza",
    doctor="Dr. Shah",
    start_time=NINE,
    end_time=NINE + timedelta(minutes=30),
    old_start_time=NINE - timedelta(days=1),
    hold_expires_at=NINE - timedelta(hours=2),
)
EVERY = [
    TemplateKey(kind, channel, language)
    for kind, channel, language in product(PLACEHOLDERS, get_args(Channel), LANGUAGES)
    if channel == "email" or kind not in EMAIL_ONLY
]
MAIL, SMS = TemplateKey("confirmation", "email", "en"), TemplateKey("confirmation", "sms", "en")
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
"""What a text message can have at 160 characters each (GSM 03.38 and its extension)."""


class Reader(HTMLParser):
    """What a mail's HTML shows, and which tags it is made of."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.tags, self.within = [], set(), ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.within = tag

    def handle_data(self, data):
        if data.strip() and self.within != "title":
            self.texts.append(data.strip())


def test_a_confirmation_says_when_with_whom_what_and_where():
    facts = replace(FACTS, type="Check-up", clinic_phone="+493012345678", clinic_address="Seestraße 12\n13353 Berlin")
    rendered = render(MAIL, facts)
    assert rendered.subject == "Appointment booked: Monday, March 1, 2027, 9:00 AM"
    assert (
        rendered.text
        == """\
Hello Ana Souza,

Your appointment is booked. We look forward to seeing you.

When: Monday, March 1, 2027, 9:00 – 9:30 AM (Central European Standard Time)
With: Dr. Shah
Appointment: Check-up
Where: Seestraße 12, 13353 Berlin

If you can’t come, please let us know as early as you can, so that someone else can have the time.

Kind regards
Lakeside Clinic
+49 30 12345678"""
    )


@pytest.mark.parametrize(
    ("language", "subject", "greeting"),
    [
        ("en", "Reminder: your appointment on Monday, March 1, 2027, 9:00 AM", "Hello Ana Souza,"),
        ("de", "Erinnerung: Ihr Termin am Montag, 1. März 2027, 09:00 Uhr", "Guten Tag Ana Souza,"),
        ("es", "Recordatorio: su cita del lunes, 1 de marzo de 2027, 9:00", "Hola, Ana Souza:"),
        ("fr", "Rappel : votre rendez-vous du lundi 1 mars 2027, 09:00", "Bonjour Ana Souza,"),
    ],
)
def test_everybody_is_told_in_their_language(language, subject, greeting):
    rendered = render(TemplateKey("reminder", "email", language), FACTS)
    assert (rendered.subject, rendered.text.partition("\n")[0]) == (subject, greeting)
    assert f'<html lang="{language}">' in rendered.html


@pytest.mark.parametrize(
    ("customer_time_zone", "yours"),
    [
        (None, ""),
        ("Europe/Berlin", ""),
        ("Europe/Paris", ""),
        ("Africa/Lagos", ""),
        ("America/New_York", "Monday, March 1, 2027, 3:00 – 3:30 AM (Eastern Standard Time)"),
        ("Pacific/Auckland", "Monday, March 1, 2027, 9:00 – 9:30 PM (New Zealand Daylight Time)"),
    ],
)
def test_another_wall_time_of_the_customer_is_told_too(customer_time_zone, yours):
    facts = replace(FACTS, customer_time_zone=customer_time_zone)
    assert placeholder_values(MAIL, facts)["yours"] == yours
    assert (f"In your time zone: {yours}\n" in render(MAIL, facts).text) == bool(yours)


def test_whether_the_customers_clock_differs_depends_on_the_day():
    """New York changes its clocks two weeks before Berlin; Lagos never does."""
    summer = {"start_time": datetime(2027, 3, 29, 7, 0, tzinfo=UTC), "end_time": None}
    assert placeholder_values(MAIL, replace(FACTS, customer_time_zone="Africa/Lagos", **summer))["yours"].endswith(
        "8:00 AM (West Africa Standard Time)"
    )
    between = datetime(2027, 3, 15, 8, 0, tzinfo=UTC)
    told = placeholder_values(
        MAIL, replace(FACTS, customer_time_zone="America/New_York", start_time=between, end_time=None)
    )
    assert (told["when"], told["yours"]) == (
        "Monday, March 15, 2027, 9:00 AM (Central European Standard Time)",
        "Monday, March 15, 2027, 4:00 AM (Eastern Daylight Time)",
    )


def test_a_moved_one_says_when_it_was_before():
    assert (
        "\nPreviously: Sunday, February 28, 2027, 9:00 AM (Central European Standard Time)\n"
        in render(TemplateKey("moved", "email", "en"), FACTS).text
    )


def test_a_hold_says_until_when():
    assert (
        "\nHeld until: Monday, March 1, 2027, 7:00 AM (Central European Standard Time)\n"
        in render(TemplateKey("hold-expiring", "email", "en"), FACTS).text
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_online_appointment_is_not_at_the_address(language):
    facts = replace(FACTS, mode="online", clinic_address="Seestraße 12")
    text = render(TemplateKey("reminder", "email", language), facts).text
    assert translate(language, "online, not at the clinic") in text
    assert "Seestraße" not in text


VISITS = [
    ListedAppointment(NINE, NINE + timedelta(minutes=30), "Ana Souza", "Dr. Shah", "Check-up"),
    ListedAppointment(NINE + timedelta(hours=3), NINE + timedelta(hours=4), "Ben", "Dr. Shah"),
]


def test_a_doctor_gets_the_days_list():
    rendered = render(TemplateKey("agenda", "email", "de"), replace(FACTS, appointments=VISITS))
    assert rendered[:2] == (
        "Ihre Termine: Montag, 1. März 2027",
        "Guten Tag Dr. Shah,\n\nTermine am Montag, 1. März 2027: 2\n\n09:00–09:30 Uhr, Ana Souza, Check-up\n12:00–13:00 Uhr, Ben\n\nLakeside Clinic",
    )
    assert "haben Sie keine Termine" in render(TemplateKey("agenda", "email", "de"), FACTS).text


def test_the_staff_get_the_list_of_stranded_appointments():
    text = render(TemplateKey("stranded", "email", "en"), replace(FACTS, appointments=VISITS)).text
    assert (
        "\n\nMon, Mar 1, 2027, 9:00 – 9:30 AM, Ana Souza, Dr. Shah, Check-up\nMon, Mar 1, 2027, 12:00 – 1:00 PM, Ben, Dr. Shah\n\n"
        in text
    )


def test_a_list_ends_somewhere():
    told = placeholder_values(TemplateKey("stranded", "email", "en"), replace(FACTS, appointments=VISITS * 75))
    assert (told["count"], len(told["appointments"].splitlines()), told["appointments"].splitlines()[-1]) == (
        "150",
        101,
        "and 50 more",
    )


def test_a_webhook_is_named():
    assert "“Practice software”" in render(TemplateKey("webhook-disabled", "email", "en"), EXAMPLE).text


@for_each("which", EVERY)
def test_every_message_can_be_made_from_all_facts_and_from_few(which):
    for facts in (EXAMPLE, FACTS, Facts(clinic="Lakeside Clinic", time_zone="Europe/Berlin")):
        subject, text, html, fell_back = render(which, facts)
        assert text
        assert not re.search(r"[{}\[\]]|None|\n\n\n| \n", subject + text)
        assert (bool(subject), bool(html)) == (which.channel == "email",) * 2
        assert not fell_back


@for_each("which", EVERY)
def test_our_own_words_are_ones_that_a_clinic_could_write(which):
    assert find_faults(which, default_text(which)) == []
    assert len(default_text(which).text) <= 10_000


def test_every_file_of_words_is_of_a_message():
    folder = Path(appoint.__file__).parent / "messaging" / "templates" / "texts"
    assert {path.name for path in folder.glob("*.txt")} == {f"{kind}.{channel}.txt" for kind, channel, _ in EVERY} | {
        "details.txt",
        "closing.txt",
    }


@for_each("which", [which for which in EVERY if which.channel == "sms"])
def test_a_text_message_is_short_and_in_the_alphabet_of_telephones(which):
    for facts in (EXAMPLE, FACTS, replace(EXAMPLE, start_time=datetime(2027, 9, 29, 21, 59, tzinfo=UTC))):
        text = render(which, facts).text
        assert len(text) <= 300
        assert set(text) - GSM == set()


def test_a_mails_html_shows_what_its_text_says():
    rendered = render(MAIL, replace(FACTS, type="Check-up"))
    reader = Reader(rendered.html)
    shown = reader.texts[1:]  # above it all, the clinic
    assert reader.texts[0] == "Lakeside Clinic"
    assert (
        " ".join(shown).split()
        == rendered.text.replace("When:", "When")
        .replace("With:", "With")
        .replace("Appointment:", "Appointment")
        .replace("Where:", "Where")
        .split()
    )
    assert shown[2:6] == [
        "When",
        "Monday, March 1, 2027, 9:00 – 9:30 AM (Central European Standard Time)",
        "With",
        "Dr. Shah",
    ]
    assert reader.tags == {"html", "head", "meta", "title", "body", "div", "p", "br", "table", "tr", "th", "td"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_details_are_a_table_in_every_language(language):
    facts = replace(FACTS, type="Check-up", customer_time_zone="Asia/Tokyo")
    rows = {"confirmation": 5, "moved": 6, "cancelled": 5, "reminder": 5, "hold-expiring": 6, "missed": 5}
    assert {kind: render(TemplateKey(kind, "email", language), facts).html.count("<th ") for kind in rows} == rows


NASTY = '<script>alert("x")</script><img src=x onerror=y>&amp;'


def test_html_in_a_name_is_only_text():
    facts = replace(
        FACTS,
        clinic=NASTY,
        customer=NASTY,
        doctor=NASTY,
        type=NASTY,
        clinic_address=NASTY,
        appointments=[ListedAppointment(NINE, NINE, NASTY, NASTY, NASTY)],
    )
    harmless = {"html", "head", "meta", "title", "body", "div", "p", "br", "table", "tr", "th", "td"}
    for kind in PLACEHOLDERS:
        reader = Reader(
            render(
                TemplateKey(kind, "email", "en"),
                facts,
                TemplateText("{{ clinic }}", "<b>{{ clinic }}</b>\n\nA: {{ clinic }}\n<i>B</i>: x"),
            ).html
        )
        assert reader.tags <= harmless
        assert Reader(render(TemplateKey(kind, "email", "en"), facts).html).tags <= harmless
        assert f"<b>{NASTY}</b>" in reader.texts


@pytest.mark.parametrize(
    "typed",
    [
        "Ana\r\nBcc: all@example.org",
        "Ana\n\nYour appointment is cancelled.",
        "Ana\u2028\x1b[2J\x85x",
        "Ana\t \x0b\x0cx",
    ],
)
def test_a_name_writes_no_lines_of_its_own(typed):
    rendered = render(
        MAIL,
        replace(FACTS, customer=typed, clinic=typed, type=typed),
        TemplateText("{{ customer }}", "{{ customer }}|{{ clinic }}|{{ type }}"),
    )
    assert not set(rendered.subject + rendered.text) & set("\n\r\x0b\x0c\x1b\x85\u2028")
    assert rendered.subject == rendered.text.partition("|")[0]


def test_a_subject_is_one_line_whatever_a_clinic_writes():
    assert (
        render(MAIL, FACTS, TemplateText("A\r\nBcc: b@example.org\n{{ customer }}", "x")).subject
        == "A Bcc: b@example.org Ana Souza"
    )


def test_lines_that_all_have_a_label_become_a_table():
    own = TemplateText(
        "x",
        "Please note: come early.\n\nBring: your card\nNot : your dog\n\nBring: this\nand that\n\nAt 9:30\nor 10:00",
    )
    assert re.findall(r"<th[^>]*>(.*?)</th>", render(MAIL, FACTS, own).html) == ["Bring", "Not"]


OWN = TemplateText(
    "Till {{ day }}",
    "Dear {{ customer | upper }},\n{% if type %}\nfor {{ type }}\n{% else %}\nfor a visit\n{% endif %}\nuntil {{ when }}",
)


def test_a_clinics_own_words_stand_instead_of_ours():
    rendered = render(MAIL, FACTS, OWN)
    assert (rendered.subject, rendered.fell_back) == ("Till Monday, March 1, 2027", False)
    assert (
        rendered.text
        == "Dear ANA SOUZA,\nfor a visit\nuntil Monday, March 1, 2027, 9:00 – 9:30 AM (Central European Standard Time)"
    )


def test_a_clinics_text_message_is_put_into_the_alphabet_of_telephones():
    assert (
        render(SMS, FACTS, TemplateText(None, "“{{ customer }}” – it’s\u00a0soon…")).text
        == '"Ana Souza" - it\'s soon...'
    )


@pytest.mark.parametrize(
    "own",
    [
        TemplateText("x", "{{ forgotten }}"),
        TemplateText("x", "{% for x in customer %}{% endfor %}"),
        TemplateText("x", "{{ customer"),
        TemplateText("x", "{{ type }}"),
        TemplateText("{{ type }}", "x"),
        TemplateText("x", "{{ customer }}" * 20_000),
        TemplateText("{{ customer }}" * 100, "x"),
        TemplateText(None, "x"),
    ],
)
def test_words_that_do_not_work_are_replaced_by_ours(own):
    assert render(MAIL, FACTS, own) == render(MAIL, FACTS)._replace(fell_back=True)


def faults(which, subject, text):
    return [
        (fault.pointer, translate("en", fault.text, **fault.values))
        for fault in find_faults(which, TemplateText(subject, text))
    ]


@pytest.mark.parametrize(
    ("which", "subject", "text", "found"),
    [
        (MAIL, "x", "y", []),
        (MAIL, None, "y", [("#/subject", "is missing")]),
        (SMS, None, "y", []),
        (SMS, "x", "y", [("#/subject", "must be left out; only emails have a subject")]),
        (
            MAIL,
            " ",
            "{# #}",
            [("#/text", "is empty once it is filled in"), ("#/subject", "is empty once it is filled in")],
        ),
        (
            MAIL,
            "{% if %}",
            "a\n{{ before }",
            [
                ("#/subject", "line 1: cannot be read; check that every “{{” and “{%” is closed"),
                ("#/text", "line 2: cannot be read; check that every “{{” and “{%” is closed"),
            ],
        ),
        (SMS, None, "{{ when }}" * 100, [("#/text", "is too long once it is filled in; maximum length: 1000")]),
        (MAIL, "{{ when }}" * 15, "y", [("#/subject", "is too long once it is filled in; maximum length: 500")]),
        (
            TemplateKey("webhook-disabled", "email", "en"),
            "x",
            "{{ customer }}",
            [("#/text", "line 1: “customer” is not a known placeholder; use one of: clinic, webhook")],
        ),
    ],
)
def test_words_are_tried_before_they_are_kept(which, subject, text, found):
    assert faults(which, subject, text) == found


@pytest.mark.parametrize(
    ("language", "fault"),
    [
        ("de", "Zeile 2: „name“ ist kein bekannter Platzhalter; verfügbar sind: clinic, webhook"),
        ("es", "línea 2: «name» no es un marcador aquí; hay: clinic, webhook"),
        ("fr", "ligne 2 : « name » n’est pas un champ ici ; il y a : clinic, webhook"),
    ],
)
def test_faults_can_be_said_in_every_language(language, fault):
    (found,) = find_faults(TemplateKey("webhook-disabled", "email", "en"), TemplateText("x", "\n{{ name }}"))
    assert translate(language, found.text, **found.values) == fault


@pytest.mark.parametrize(
    "address",
    [
        ("greeting", "email", "en"),
        ("reminder-1440", "email", "en"),
        ("reminder", "letter", "en"),
        ("reminder", "email", "la"),
        ("agenda", "sms", "en"),
        ("", "", ""),
    ],
)
def test_there_are_no_other_messages(address):
    with pytest.raises(NotFound):
        template_key(*address)


NAMES = st.text(max_size=200)


@given(clinic=NAMES, customer=NAMES, doctor=NAMES, address=NAMES, kind=st.sampled_from(EVERY))
def test_whatever_people_are_called_they_can_be_told(clinic, customer, doctor, address, kind):
    facts = replace(EXAMPLE, clinic=clinic, customer=customer, doctor=doctor, clinic_address=address)
    assert render(kind, facts).text
