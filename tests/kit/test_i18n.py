"""Whatever people read is there in all four languages."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

import appoint
from appoint.http import decoding
from appoint.http.languages import language_of
from appoint.http.problems import PROBLEMS
from appoint.kit.i18n import LANGUAGES, translate
from appoint.site.staff_frame import PLACES

SOURCE = Path(appoint.__file__).parent
TRANSLATED = [language for language in LANGUAGES if language != "en"]
THE_SAME = {("de", "Name"), ("de", "Status")}
"""Words that both languages have."""
FAULTS = {"Fault": 1, "Malformed": 0}
"""What makes a fault, and which of its arguments is the text."""


def trees():
    return [ast.parse(path.read_text()) for path in SOURCE.rglob("*.py")]


def constants():
    """Strings that have a name, for a fault may be called by it."""
    for tree in trees():
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if isinstance(
                    node.value, ast.Constant
                ):
                    yield name, node.value.value
                case _:
                    pass


CONSTANTS = dict(constants())


def texts_of_faults():
    """Of `Fault(…, "text")`, `Malformed("text")`, and of the checks that become `Meta(extra={"check": …})`."""
    for tree in trees():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for call in calls:
            position = FAULTS.get(name_of(call.func))
            if position is not None and len(call.args) > position:
                yield from strings(call.args[position])
        checks = {name_of(call.args[0]) for call in calls if name_of(call.func) == "checked" and call.args} | {
            name_of(value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Dict)
            for key, value in zip(node.keys, node.values, strict=True)
            if is_check(key)
        }
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and function.name in checks:
                yield from (
                    text
                    for node in ast.walk(function)
                    if isinstance(node, ast.Return) and node.value
                    for text in strings(node.value)
                )


def name_of(node):
    return getattr(node, "id", getattr(node, "attr", ""))


def is_check(key):
    return isinstance(key, ast.Constant) and key.value == "check"


def strings(node):
    """The strings that an expression may be: itself, or either branch of it."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.Name() | ast.Attribute() if isinstance(CONSTANTS.get(name_of(node)), str):
            yield CONSTANTS[name_of(node)]
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*strings(body), *strings(orelse))
        case _:
            pass


def texts_that_are_said():
    """Of `say(language, "text")`."""
    for tree in trees():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="translate"), args=[_, text]):
                    yield from strings(text)
                case _:
                    pass


def texts_of_templates():
    """Of pages and of messages."""
    for path in (*SOURCE.rglob("*.html"), *SOURCE.rglob("*.txt")):
        yield from re.findall(r'_\("([^"]+)"', path.read_text())


def texts_of_places():
    for group, places in PLACES:
        yield from filter(None, (group, *(label for _, label, _ in places)))


def texts():
    problems = {
        text for problem in PROBLEMS.values() for text in (problem.title, problem.happened, problem.remedy) if text
    }
    return (
        problems
        | {text for _, text in decoding.MESSAGES}
        | set(texts_of_faults())
        | set(texts_that_are_said())
        | set(texts_of_templates())
        | set(texts_of_places())
    )


def entries(language):
    with (SOURCE / "locale" / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    return catalogue, {str(message.id): message for message in catalogue if message.id}


def placeholders(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def test_texts_are_found_in_the_source():
    assert {
        "is not JSON",
        "must not be empty",
        "is missing",
        "must be a UUID",
        "That time is taken",
        "What to do",
        "Kind regards",
    } <= texts()


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_nothing_else(language):
    catalogue, found = entries(language)
    assert sorted(found) == sorted(texts())
    assert catalogue.obsolete == {}
    assert [text for text, message in found.items() if message.fuzzy or not message.string] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_left_in_english(language):
    assert [
        text
        for text, message in entries(language)[1].items()
        if message.string == text and (language, text) not in THE_SAME
    ] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_say_the_same_facts(language):
    assert [
        text
        for text, message in entries(language)[1].items()
        if placeholders(text) != placeholders(str(message.string))
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_end_and_faults_do_not(language):
    """A fault follows the name of what is wrong; a detail is made of sentences."""
    sentences = [text for problem in PROBLEMS.values() for text in (problem.happened, problem.remedy) if text]
    assert [said for text in sentences if not (said := translate(language, text)).endswith((".", "?", "!"))] == []
    assert [said for text in texts_of_faults() if (said := translate(language, text)).endswith(".")] == []


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
def test_the_best_of_our_languages_is_chosen(header, language):
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
async def test_problems_are_told_in_the_language_that_was_asked_for(client, language, title):
    answer = await client.get("/api/clinics/999", headers={"Accept-Language": language})
    assert (answer.json()["title"], answer.json()["type"]) == (title, "/problems/not-found")


async def test_faults_are_told_in_the_language_that_was_asked_for(client):
    answer = await client.get("/api/clinics?limit=0&colour=blue", headers={"Accept-Language": "de-AT"})
    assert answer.headers["Content-Language"] == "de"
    assert answer.json()["errors"] == [
        {"pointer": "?colour", "detail": "ist hier nicht bekannt"},
        {"pointer": "?limit", "detail": "muss mindestens 1 sein"},
    ]


async def test_pages_are_shown_in_the_language_that_was_asked_for(client):
    page = await client.get("/problems/taken", headers={"Accept-Language": "fr"})
    assert '<html lang="fr" dir="ltr">' in page.text
    assert "Ce créneau est déjà pris" in page.text
