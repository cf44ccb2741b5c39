"""Specialties that doctors can have: codes from SNOMED CT's list of clinical specialties, with their names."""

import unicodedata
from difflib import get_close_matches
from functools import cache
from typing import Final

from ...kit.i18n import LANGUAGES, translate
from ...kit.i18n import translatable as _

SPECIALTIES: Final = {
    "408439002": _("Allergology"),
    "394577000": _("Anaesthetics"),
    "394578005": _("Audiology"),
    "408469009": _("Breast surgery"),
    "394579002": _("Cardiology"),
    "408466002": _("Cardiac surgery"),
    "394580004": _("Clinical genetics"),
    "394592004": _("Clinical oncology"),
    "408464004": _("Colorectal surgery"),
    "408444009": _("Dentistry"),
    "394582007": _("Dermatology"),
    "408475000": _("Diabetes medicine"),
    "418960008": _("Ear, nose and throat"),
    "408441001": _("Endodontics"),
    "394583002": _("Endocrinology"),
    "419772000": _("Family medicine"),
    "394584008": _("Gastroenterology"),
    "394814009": _("General practice"),
    "394609007": _("General surgery"),
    "394811001": _("Geriatrics"),
    "394586005": _("Gynaecology"),
    "394803006": _("Haematology"),
    "408472002": _("Hepatology"),
    "408480009": _("Immunology"),
    "394807007": _("Infectious diseases"),
    "419192003": _("Internal medicine"),
    "394593009": _("Medical oncology"),
    "394589003": _("Nephrology"),
    "394591006": _("Neurology"),
    "394610002": _("Neurosurgery"),
    "394649004": _("Nuclear medicine"),
    "394585009": _("Obstetrics and gynaecology"),
    "394821009": _("Occupational medicine"),
    "394594003": _("Ophthalmology"),
    "408465003": _("Oral and maxillofacial surgery"),
    "394605001": _("Oral surgery"),
    "394608004": _("Orthodontics"),
    "394801008": _("Orthopaedics and trauma surgery"),
    "416304004": _("Osteopathy"),
    "394537008": _("Paediatrics"),
    "408459003": _("Paediatric cardiology"),
    "394607009": _("Paediatric dentistry"),
    "394539006": _("Paediatric surgery"),
    "394588006": _("Child and adolescent psychiatry"),
    "394882004": _("Pain medicine"),
    "394806003": _("Palliative medicine"),
    "408461007": _("Periodontics"),
    "394611003": _("Plastic surgery"),
    "409968004": _("Preventive medicine"),
    "394587001": _("Psychiatry"),
    "394913002": _("Psychotherapy"),
    "418112009": _("Pulmonology"),
    "394914008": _("Radiology"),
    "419815003": _("Radiation oncology"),
    "394602003": _("Rehabilitation medicine"),
    "394810000": _("Rheumatology"),
    "394808002": _("Sexual health and genitourinary medicine"),
    "408450004": _("Sleep medicine"),
    "408448007": _("Tropical medicine"),
    "394576009": _("Urgent care"),
    "394612005": _("Urology"),
    "408463005": _("Vascular surgery"),
}
"""Specialties of outpatient care, with their English names, which are also their keys in the translation catalogues."""
OTHER_NAMES: Final = {
    "allergy": "408439002",
    "anesthesiology": "394577000",
    "ent": "418960008",
    "otolaryngology": "418960008",
    "otorhinolaryngology": "418960008",
    "hno": "418960008",
    "gynecology": "394586005",
    "hematology": "394803006",
    "obstetrics and gynecology": "394585009",
    "frauenheilkunde": "394585009",
    "orthopedics": "394801008",
    "orthopaedics": "394801008",
    "orthopadie": "394801008",
    "pediatrics": "394537008",
    "kinderheilkunde": "394537008",
    "kinderarzt": "394537008",
    "general medicine": "394814009",
    "hausarzt": "394814009",
    "medicina general": "394814009",
    "medecine generale": "394814009",
    "internist": "419192003",
    "chest medicine": "418112009",
    "hautarzt": "394582007",
    "hautarztin": "394582007",
    "skin doctor": "394582007",
    "zahnarzt": "408444009",
    "zahnarztin": "408444009",
    "dentista": "408444009",
    "augenarzt": "394594003",
    "augenarztin": "394594003",
    "eye doctor": "394594003",
    "ophtalmologue": "394594003",
    "oculista": "394594003",
    "frauenarzt": "394586005",
    "frauenarztin": "394586005",
    "gynecologue": "394586005",
    "kinderarztin": "394537008",
    "childrens doctor": "394537008",
    "pediatre": "394537008",
    "pediatra": "394537008",
    "hausarztin": "394814009",
    "family doctor": "394814009",
    "gp": "394814009",
    "medecin generaliste": "394814009",
    "medecin traitant": "394814009",
    "medico de cabecera": "394814009",
    "medico de familia": "394814009",
    "hno arzt": "418960008",
    "orl": "418960008",
    "otorrino": "418960008",
    "dermatologie": "394582007",
    "dermatologia y venereologia": "394582007",
    "haut und geschlechtskrankheiten": "394582007",
}
"""Other names that clinics and patients use, without accents."""

MAX_TYPED: Final = 60
MIN_TYPED: Final = 4
"""Shorter texts could mean too many specialties."""
MIN_SIMILARITY: Final = 0.8


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return " ".join(letters.split())


@cache
def _codes_by_name() -> dict[str, str]:
    names = {_folded(translate(language, name)): code for code, name in SPECIALTIES.items() for language in LANGUAGES}
    return {**OTHER_NAMES, **names}


def find_code(name: str | None) -> str | None:
    """Return the code of the specialty with this name in any language."""
    return _codes_by_name().get(_folded(name)) if name else None


def find_similar_codes(text: str) -> list[str]:
    """Return the codes of the specialties whose names in any language are spelled like the text, or begin with it."""
    typed, codes = _folded(text[:MAX_TYPED]), _codes_by_name()
    if len(typed) < MIN_TYPED:
        return [codes[typed]] if typed in codes else []
    begun = [name for name in codes if name.startswith(typed)]
    names = begun or get_close_matches(typed, codes, n=3, cutoff=MIN_SIMILARITY)
    return list(dict.fromkeys(codes[name] for name in names))


def name_of(code: str, language: str) -> str:
    """Return a specialty's name, or its code if the list no longer has it."""
    return translate(language, SPECIALTIES[code]) if code in SPECIALTIES else code


def names_of(codes: "tuple[str, ...] | list[str]", free_text: str | None, language: str) -> str:
    """Return a doctor's specialties as text, or the clinic's own words if there are no codes."""
    return ", ".join(name_of(code, language) for code in codes) or free_text or ""


def choices(language: str) -> list[tuple[str, str]]:
    """Return all codes with their names, ordered by name."""
    pairs = [(code, translate(language, name)) for code, name in SPECIALTIES.items()]
    return sorted(pairs, key=lambda pair: _folded(pair[1]))
