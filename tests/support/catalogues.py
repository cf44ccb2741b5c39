"""The catalogues in `locale/`. `make texts` updates them from the strings in the source."""

from pathlib import Path
from tempfile import TemporaryDirectory

from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po, write_po

import appoint
from appoint.kit.i18n import LANGUAGES

SOURCE = Path(appoint.__file__).parent
PROJECT = Path(__file__).parents[2] / "pyproject.toml"
TRANSLATED = [language for language in LANGUAGES if language != "en"]
KEYWORDS = ("translate:2", "translatable:1", "Fault:2", "Malformed:1")
"""Appoint's own translation functions, and the position of the string among their arguments. Babel already knows `_`,
`pgettext` and `ngettext`.
"""

HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"

"""
"""It contains no date or name, so that a file changes only if its strings change."""


def extract() -> Catalog:
    """Return all strings in Python modules, pages and messages."""
    with TemporaryDirectory() as folder:
        template = Path(folder) / "appoint.pot"
        keywords = [part for keyword in KEYWORDS for part in ("-k", keyword)]
        CommandLineInterface().run(
            ["pybabel", "-q", "extract", "-F", str(PROJECT), *keywords, "-o", str(template), str(SOURCE)]
        )
        with template.open("rb") as file:
            texts = read_po(file)
    for message in texts:
        message.locations = sorted({(Path(name).relative_to(SOURCE).as_posix(), 0) for name, _ in message.locations})
    return texts


def path_of(language: str) -> Path:
    return SOURCE / "locale" / f"{language}.po"


def read(language: str) -> Catalog:
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def forms(message: Message) -> tuple[str, ...]:
    """Return a message's translations: one, or one for each plural form."""
    return message.string if isinstance(message.string, tuple) else (message.string,)


def update(language: str, texts: Catalog) -> None:
    """Add new strings without a translation, and remove unused ones."""
    catalogue = read(language)
    catalogue.update(texts, no_fuzzy_matching=True)
    with path_of(language).open("wb") as file:
        file.write(HEADER.format(language=language, plurals=catalogue.plural_forms).encode())
        write_po(
            file, catalogue, width=0, omit_header=True, ignore_obsolete=True, include_lineno=False, sort_by_file=True
        )


if __name__ == "__main__":
    texts_in_use = extract()
    for language in TRANSLATED:
        update(language, texts_in_use)
        untranslated = [message.id for message in read(language) if message.id and not all(forms(message))]
        print(f"{language}: {len(untranslated)} to translate")
