"""Languages that doctors can speak: BCP 47 codes, with their names in the reader's language."""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, cast

from ...kit import errors
from ...kit.i18n import translatable as _
from ...kit.i18n import translate
from ...kit.regions import locale_of

SIGN_LANGUAGES: Final = {
    "ase": _("American Sign Language"),
    "bfi": _("British Sign Language"),
    "fsl": _("French Sign Language"),
    "gsg": _("German Sign Language"),
    "ins": _("Indian Sign Language"),
    "ssp": _("Spanish Sign Language"),
}
"""Sign languages, most of which Babel has no names for."""
CODES: Final = (
    "am ar az be bg bn bs ca cs cy da de el en es et eu fa fa-AF fi fil fr ga gl gsw gu ha he hi hr hu hy id ig is it "
    "ja ka kk km kn ko ku ky lb ln lo lt lv mk ml mn mr ms mt my ne nl no pa pl ps pt ro rom ru rw si sk sl so sq sr "
    "sv sw ta te tg th ti tk tr uk ur uz vi wo yo yue zh zu"
)
SPOKEN_LANGUAGES: Final = tuple(CODES.split())
COMMON: Final = ("ar", "de", "en", "es", "fr", "hi", "it", "pl", "pt", "ru", "tr", "uk", "zh")
"""The languages that the form for doctors shows first."""


class Language(NamedTuple):
    code: str
    name: str


class LanguageChoices(NamedTuple):
    """The languages to choose from, ordered by name."""

    first: list[Language]
    """The doctor's own languages and the most common ones."""
    others: list[Language]


def is_known(code: str) -> bool:
    """Return whether this is the code of a language with a name."""
    return code in SIGN_LANGUAGES or code.replace("-", "_") in _names("en")


def check(codes: Sequence[str] | None) -> None:
    """Raise `Invalid` for codes that do not belong to a language."""
    if faults := [
        errors.Fault(f"#/languages/{index}", "must be the code of a language, such as de")
        for index, code in enumerate(codes or ())
        if not is_known(code)
    ]:
        raise errors.Invalid(*faults)


def name_of(code: str, language: str) -> str:
    """Return a language's name, or its code if it has none."""
    if code in SIGN_LANGUAGES:
        return translate(language, SIGN_LANGUAGES[code])
    key = code.replace("-", "_")
    return _names(language).get(key) or _names("en").get(key) or code


def choices(language: str) -> list[Language]:
    """Return the languages that most clinics need, ordered by name."""
    return _with_names([*SPOKEN_LANGUAGES, *SIGN_LANGUAGES], language)


def form_choices(language: str, own_codes: Sequence[str] = ()) -> LanguageChoices:
    """Return the choices in the form for a doctor who speaks the languages with these codes."""
    first = dict.fromkeys([*own_codes, *COMMON])
    return LanguageChoices(
        _with_names(list(first), language), [each for each in choices(language) if each.code not in first]
    )


def _with_names(codes: Sequence[str], language: str) -> list[Language]:
    names = [Language(code, name_of(code, language)) for code in codes]
    return sorted(names, key=lambda each: unicodedata.normalize("NFKD", each.name.casefold()))


@cache
def _names(language: str) -> Mapping[str, str]:
    return cast("Mapping[str, str]", locale_of(language).languages)
