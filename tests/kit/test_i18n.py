"""All user-visible strings are translated into all four languages."""

import ast
from string import Formatter

import pytest
from markupsafe import Markup

from appoint.http.languages import language_of
from appoint.http.problems.catalogue import PROBLEMS
from appoint.kit.i18n import LANGUAGES, ngettext, pgettext, translate
from support import catalogues
from support.catalogues import SOURCE, TRANSLATED, forms

pytestmark = pytest.mark.xdist_group("catalogues")  # one worker reads all sources, which takes several seconds

SAME_AS_ENGLISH = {
    "de": {
        "Code",
        "Link",
        "Name",
        "Online",
        "Passkey",
        "Passkeys",
        "Region",
        "Status",
        "Team",
        "Text",
        "URL",
        "Webhooks",
        "Website",
        "optional",
        "{what}, {when}: {reason}",
    },
    "es": {"No", "Total", "URL", "Webhooks", "{hours} h", "{what}, {when}: {reason}"},
    "fr": {
        "Absences",
        "Code",
        "Confirmation",
        "Consultation",
        "Contact",
        "Date",
        "Description",
        "Message",
        "Menu",
        "Messages",
        "Invitation",
        "Patients",
        "Total",
        "URL",
        "Webhooks",
        "Minutes",
        "Type",
        "Vaccination",
        "{hours} h",
    },
}
"""Translations that are the same as the English string."""


@pytest.fixture(scope="module")
def texts():
    return {(message.context, message.id) for message in catalogues.extract() if message.id}


def entries(language):
    return [message for message in catalogues.read(language) if message.id]


def pairs(language):
    """Yield each English form with its translation."""
    for message in entries(language):
        english = message.id if isinstance(message.id, tuple) else (message.id,)
        yield from zip(english, forms(message), strict=True)


def fault_texts():
    """Yield the strings in `Fault(…, "text")` and `Malformed("text")`, which come after the faulty member's name."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id="Fault") | ast.Attribute(attr="Fault"), args=[_, ast.Constant(value=str() as text)]
                ):
                    yield text
                case ast.Call(func=ast.Name(id="Malformed"), args=[ast.Constant(value=str() as text)]):
                    yield text
                case _:
                    pass


def placeholders(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_strings_are_found_in_every_kind_of_source(texts):
    assert {
        (None, "is not valid JSON"),
        (None, "must not be empty"),
        (None, "is missing"),
        (None, "must be a UUID"),
        (None, "That time is taken"),
        (None, "What to do"),
        (None, "Kind regards"),
        (None, "Insights"),
        ("message", "Cancelled"),
        (None, ("{count} appointment", "{count} appointments")),
    } <= texts


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogues_contain_exactly_the_strings_in_use(language, texts):
    """`make texts` updates the catalogues."""
    assert {(message.context, message.id) for message in entries(language)} == texts
    assert catalogues.read(language).obsolete == {}
    assert [message.id for message in entries(language) if message.fuzzy or not all(forms(message))] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_string_is_left_in_english(language):
    untranslated = {english for english, translation in pairs(language) if english == translation}
    assert untranslated - SAME_AS_ENGLISH[language] == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_same_placeholders(language):
    assert [
        english for english, translation in pairs(language) if placeholders(english) != placeholders(translation)
    ] == []
    assert [
        message.id
        for message in entries(language)
        if len({frozenset(map(str, placeholders(form))) for form in forms(message)}) > 1
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_end_with_a_full_stop_and_faults_do_not(language):
    """A fault comes after the faulty member's name; a detail consists of sentences."""
    sentences = [text for problem in PROBLEMS.values() for text in (problem.happened, problem.remedy) if text]
    translated = [translate(language, text) for text in sentences]
    assert [text for text in translated if not text.endswith((".", "?", "!"))] == []
    assert [text for fault in fault_texts() if (text := translate(language, fault)).endswith(".")] == []


@pytest.mark.parametrize(
    ("language", "count", "text"),
    [
        ("en", 1, "1 appointment"),
        ("en", 0, "0 appointments"),
        ("de", 1, "1 Termin"),
        ("de", 2, "2 Termine"),
        ("es", 2, "2 citas"),
        ("fr", 2, "2 rendez-vous"),
    ],
)
def test_counts_use_the_languages_plural_forms(language, count, text):
    assert ngettext(language, "{count} appointment", "{count} appointments", count) == text


@pytest.mark.parametrize(("language", "text"), [("en", "Cancelled"), ("de", "Absage")])
def test_a_context_chooses_between_meanings(language, text):
    assert pgettext(language, "message", "Cancelled") == text


def test_markup_in_a_string_stays_markup_and_the_rest_is_escaped():
    text = translate("en", "<{name}>", name=Markup("<b>Ana</b>"))
    assert (text, isinstance(text, Markup)) == ("&lt;<b>Ana</b>&gt;", True)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-CH", "de"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en;q=0.1, fr;q=0.9", "fr"),
        ("fr;q=0, de;q=0.1", "de"),
        ("tlh, de;q=0.5", "de"),
        ("*", "en"),
        ("de;q=nonsense", "en"),
        ("de;q=nan", "en"),
        ("_-_,;;q=", "en"),
    ],
)
def test_the_best_supported_language_is_chosen(header, language):
    assert language_of(header) == language


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("de", "Nicht gefunden"),
        ("es", "No encontrado"),
        ("fr", "Introuvable"),
        ("en", "Not found"),
        ("ja", "Not found"),
    ],
)
async def test_problems_are_in_the_requested_language(client, language, title):
    response = await client.get("/api/clinics/999", headers={"Accept-Language": language})
    assert (response.json()["title"], response.json()["type"]) == (title, "/problems/not-found")


async def test_faults_are_in_the_requested_language(client):
    response = await client.get("/api/clinics?limit=0&colour=blue", headers={"Accept-Language": "de-AT"})
    assert response.headers["Content-Language"] == "de"
    assert response.json()["errors"] == [
        {"pointer": "?colour", "detail": "ist hier nicht bekannt"},
        {"pointer": "?limit", "detail": "muss mindestens 1 sein"},
    ]


async def test_pages_are_in_the_requested_language(client):
    page = await client.get("/problems/taken", headers={"Accept-Language": "fr"})
    assert '<html lang="fr" dir="ltr">' in page.text
    assert "Cet horaire est déjà pris" in page.text
