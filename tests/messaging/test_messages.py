"""Messages contain the right facts in the recipient's language."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

import appoint
from appoint.kit.i18n import LANGUAGES, translate
from appoint.messaging.templates.default_texts import default_text
from appoint.messaging.templates.examples import EXAMPLE
from appoint.messaging.templates.model import (
    ListedAppointment,
    MessageFacts,
    TemplateKey,
)
from appoint.messaging.templates.placeholders import placeholder_values
from appoint.messaging.templates.rendering import find_faults, render
from support.matrix import for_each
from support.messages import ALL_KEYS, FACTS, MAIL, NINE

GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
"""The characters available to text messages of up to 160 characters (GSM 03.38 and its extension)."""


def test_a_confirmation_contains_the_time_doctor_type_and_address():
    facts = replace(FACTS, type="Check-up", clinic_phone="+493012345678", clinic_address="Seestraße 12\n13353 Berlin")
    rendered = render(MAIL, facts)
    assert rendered.subject == "Appointment booked: Monday, 1 March 2027, 09:00"
    assert (
        rendered.text
        == """\
Hello Ana Souza,

Your appointment is booked. We look forward to seeing you.

When: Monday, 1 March 2027, 09:00–09:30
With: Dr. Shah
Appointment: Check-up
Where: Lakeside Clinic, Seestraße 12, 13353 Berlin

If you can’t come, please let us know as early as you can, so that someone else can have the time.

Declining the invitation in your calendar does not cancel an appointment.

Kind regards
Lakeside Clinic
030 12345678"""
    )


@pytest.mark.parametrize(
    ("language", "subject", "greeting"),
    [
        ("en", "Reminder: your appointment on Monday, 1 March 2027, 09:00", "Hello Ana Souza,"),
        ("de", "Erinnerung: Ihr Termin am Montag, 1. März 2027, 09:00 Uhr", "Guten Tag Ana Souza,"),
        ("es", "Recordatorio: su cita del lunes, 1 de marzo de 2027, 9:00", "Hola, Ana Souza:"),
        ("fr", "Rappel : votre rendez-vous du lundi 1 mars 2027, 09:00", "Bonjour Ana Souza,"),
    ],
)
def test_a_message_is_in_the_recipients_language(language, subject, greeting):
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
        ("America/New_York", "Monday, March 1, 2027, 3:00 – 3:30 AM (New York time)"),
        ("Pacific/Auckland", "Monday, 1 March 2027, 9:00 – 9:30 pm (Auckland time)"),
    ],
)
def test_a_message_includes_the_customers_local_time_if_it_differs(customer_time_zone, yours):
    facts = replace(FACTS, customer_time_zone=customer_time_zone)
    assert placeholder_values(MAIL, facts)["yours"] == yours
    assert (f"In your time zone: {yours}\n" in render(MAIL, facts).text) == bool(yours)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["confirmation", "moved", "cancelled", "reminder", "hold-expiring", "missed"])
def test_a_subject_includes_the_clinics_zone_for_customers_in_a_different_zone(kind, language):
    key = TemplateKey(kind, "email", language)
    for customer_time_zone, names_it in (("Asia/Tokyo", True), ("Europe/Paris", False), (None, False)):
        subject = render(key, replace(FACTS, customer_time_zone=customer_time_zone)).subject
        zone = placeholder_values(key, FACTS)["zone"].replace("\xa0", " ")  # subjects have ordinary spaces
        assert subject.endswith(f" ({zone})") == names_it


@pytest.mark.parametrize(("channel", "mode"), [("email", "inPerson"), ("email", "online"), ("sms", "online")])
def test_the_clinics_time_comes_before_the_customers(channel, mode):
    facts = replace(FACTS, customer_time_zone="Asia/Tokyo", mode=mode)
    text = render(TemplateKey("reminder", channel, "en"), facts).text
    assert 0 < text.index("9:00") < text.index("5:00")


@pytest.mark.parametrize(
    ("zone", "mode", "when"),
    [
        (None, "inPerson", "Mon, 1 Mar 2027, 09:00."),
        ("Europe/Paris", "inPerson", "Mon, 1 Mar 2027, 09:00."),
        ("Asia/Tokyo", "inPerson", "Mon, 1 Mar 2027, 9:00 am (Berlin time)."),
        (None, "online", "Mon, 1 Mar 2027, 09:00 (Berlin time)."),
    ],
)
def test_a_text_message_names_the_time_zone_only_where_it_is_needed(zone, mode, when):
    facts = replace(FACTS, customer_time_zone=zone, mode=mode)
    text = render(TemplateKey("reminder", "sms", "en"), facts).text
    assert (when in text, "Your time" in text, "UTC" in text) == (True, False, False)


@pytest.mark.parametrize(
    ("language", "zone", "when", "phone"),
    [
        ("en", None, "Monday, 1 March 2027, 09:00–09:30", "030 12345678"),
        ("en", "Europe/London", "Monday, 1 March 2027, 09:00–09:30 (Berlin time)", "+49 30 12345678"),
        ("en", "America/New_York", "Monday, March 1, 2027, 9:00 – 9:30 AM (Berlin time)", "+49 30 12345678"),
        ("de", "Europe/Vienna", "Montag, 1. März 2027, 09:00–09:30 Uhr", "+49 30 12345678"),
        ("fr", "America/Toronto", "lundi 1 mars 2027, 9 h 00 – 9 h 30 (heure locale : Berlin)", "+49 30 12345678"),
        ("es", "America/Mexico_City", "lunes, 1 de marzo de 2027, 9:00–9:30 a.m. (hora de Berlín)", "+49 30 12345678"),
    ],
)
def test_formats_follow_the_customers_country_or_else_the_clinics(language, zone, when, phone):
    facts = replace(FACTS, customer_time_zone=zone, clinic_phone="+493012345678")
    values = placeholder_values(TemplateKey("confirmation", "email", language), facts)
    assert (values["when"].replace("\xa0", " "), values["phone"]) == (when, phone)


def test_formats_follow_the_region_that_the_recipient_has_chosen():
    facts = replace(FACTS, region="US", customer_time_zone="Europe/London")
    assert placeholder_values(MAIL, facts)["when"].startswith("Monday, March 1, 2027, 9:00")


def test_daylight_saving_determines_whether_the_local_times_differ():
    """New York changes its clocks two weeks before Berlin; Lagos never does."""
    summer = {"start_time": datetime(2027, 3, 29, 7, 0, tzinfo=UTC), "end_time": None}
    assert placeholder_values(MAIL, replace(FACTS, customer_time_zone="Africa/Lagos", **summer))["yours"].endswith(
        "08:00 (Lagos time)"
    )
    between = datetime(2027, 3, 15, 8, 0, tzinfo=UTC)
    values = placeholder_values(
        MAIL, replace(FACTS, customer_time_zone="America/New_York", start_time=between, end_time=None)
    )
    assert (values["when"], values["yours"]) == (
        "Monday, March 15, 2027, 9:00 AM (Berlin time)",
        "Monday, March 15, 2027, 4:00 AM (New York time)",
    )


def test_a_message_about_a_move_contains_the_previous_time():
    assert "\nPreviously: Sunday, 28 February 2027, 09:00\n" in render(TemplateKey("moved", "email", "en"), FACTS).text


def test_a_message_about_a_hold_contains_its_expiry():
    assert (
        "\nHeld until: Monday, 1 March 2027, 07:00\n" in render(TemplateKey("hold-expiring", "email", "en"), FACTS).text
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_about_an_online_appointment_contains_no_address(language):
    facts = replace(FACTS, mode="online", clinic_address="Seestraße 12")
    text = render(TemplateKey("reminder", "email", language), facts).text
    assert translate(language, "online, not at the clinic") in text
    assert "Seestraße" not in text


VISITS = [
    ListedAppointment(NINE, NINE + timedelta(minutes=30), "Ana Souza", "Dr. Shah", "Check-up"),
    ListedAppointment(NINE + timedelta(hours=3), NINE + timedelta(hours=4), "Ben", "Dr. Shah"),
]


def test_an_agenda_lists_the_days_appointments():
    rendered = render(TemplateKey("agenda", "email", "de"), replace(FACTS, appointments=VISITS))
    assert rendered[:2] == (
        "Ihre Termine: Montag, 1. März 2027",
        (
            "Guten Tag Dr. Shah,\n\nTermine am Montag, 1. März 2027: 2\n\n"
            "09:00–09:30 Uhr, Ana Souza, Check-up\n12:00–13:00 Uhr, Ben\n\nLakeside Clinic"
        ),
    )
    assert "haben Sie keine Termine" in render(TemplateKey("agenda", "email", "de"), FACTS).text


def test_a_staff_alert_lists_the_stranded_appointments():
    text = render(TemplateKey("stranded", "email", "en"), replace(FACTS, appointments=VISITS)).text
    assert (
        "\n\nMon, 1 Mar 2027, 09:00–09:30, Ana Souza, Dr. Shah, Check-up\n"
        "Mon, 1 Mar 2027, 12:00–13:00, Ben, Dr. Shah\n\n" in text
    )


def test_a_long_list_is_cut_off_with_a_count():
    values = placeholder_values(TemplateKey("stranded", "email", "en"), replace(FACTS, appointments=VISITS * 75))
    assert (values["count"], len(values["appointments"].splitlines()), values["appointments"].splitlines()[-1]) == (
        "150",
        101,
        "and 50 more",
    )


def test_a_message_about_a_webhook_contains_its_name():
    assert "“Practice software”" in render(TemplateKey("webhook-disabled", "email", "en"), EXAMPLE).text


@for_each("key", ALL_KEYS)
def test_every_message_can_be_rendered_with_few_facts_or_all_of_them(key):
    for facts in (EXAMPLE, FACTS, MessageFacts(clinic="Lakeside Clinic", time_zone="Europe/Berlin")):
        subject, text, html, fell_back = render(key, facts)
        assert text
        assert not re.search(r"[{}\[\]]|None|\n\n\n| \n", subject + text)
        assert (bool(subject), bool(html)) == (key.channel == "email",) * 2
        assert not fell_back


@for_each("key", ALL_KEYS)
def test_the_default_templates_are_valid_custom_templates(key):
    assert find_faults(key, default_text(key)) == []
    assert len(default_text(key).text) <= 10_000


def test_every_text_file_belongs_to_a_message():
    folder = Path(appoint.__file__).parent / "messaging" / "templates" / "texts"
    assert {path.name for path in folder.glob("*.txt")} == {
        f"{kind}.{channel}.txt" for kind, channel, _ in ALL_KEYS
    } | {
        "details.txt",
        "join.txt",
        "manage.txt",
        "rebook.txt",
        "closing.txt",
    }


@for_each("key", [key for key in ALL_KEYS if key.channel == "sms"])
def test_text_messages_are_short_and_use_the_gsm_alphabet(key):
    for facts in (EXAMPLE, FACTS, replace(EXAMPLE, start_time=datetime(2027, 9, 29, 21, 59, tzinfo=UTC))):
        text = render(key, facts).text
        assert len(text) <= 300
        assert set(text) - GSM == set()
