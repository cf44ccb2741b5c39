"""Why services are exempt from VAT, in words that tax offices recognise.

An invoice has to name the provision of the directive or of national law under which something is exempt (article
226 (11) of Directive 2006/112/EC). If Appoint has the country's provision, invoices name it in the country's own words.
"""

from collections.abc import Mapping
from typing import Final

from ...kit.i18n import translatable
from ..tax import MEDICAL_CARE, NOT_SUBJECT_TO_TAX

HOSPITALS: Final = "VATEX-EU-132-1B"
DENTISTS: Final = "VATEX-EU-132-1E"
EXEMPTIONS: Final[Mapping[str, str]] = {
    HOSPITALS: translatable(
        "Exempt from VAT: hospital and medical care (article 132 (1)(b) of Directive 2006/112/EC)."
    ),
    MEDICAL_CARE: translatable(
        "Exempt from VAT: care by the medical professions (article 132 (1)(c) of Directive 2006/112/EC)."
    ),
    DENTISTS: translatable(
        "Exempt from VAT: dental technicians’ work and dental prostheses (article 132 (1)(e) of Directive 2006/112/EC)."
    ),
    NOT_SUBJECT_TO_TAX: translatable("Not subject to VAT."),
}
"""Sentences for the codes in the VATEX list that clinics need."""
EXEMPTING_LAWS: Final[Mapping[tuple[str | None, str], str]] = {
    ("AT", MEDICAL_CARE): "§ 6 Abs. 1 Z 19 UStG 1994",
    ("AT", HOSPITALS): "§ 6 Abs. 1 Z 18 UStG 1994",
    ("AT", DENTISTS): "§ 6 Abs. 1 Z 20 UStG 1994",
    ("CH", MEDICAL_CARE): "Art. 21 Abs. 2 Ziff. 3 MWSTG",
    ("CH", HOSPITALS): "Art. 21 Abs. 2 Ziff. 2 MWSTG",
    ("DE", MEDICAL_CARE): "§ 4 Nr. 14 Buchst. a UStG",
    ("DE", HOSPITALS): "§ 4 Nr. 14 Buchst. b UStG",
    ("ES", MEDICAL_CARE): "art. 20.Uno.3.º de la Ley 37/1992 del IVA",
    ("ES", HOSPITALS): "art. 20.Uno.2.º de la Ley 37/1992 del IVA",
    ("ES", DENTISTS): "art. 20.Uno.5.º de la Ley 37/1992 del IVA",
    ("FR", MEDICAL_CARE): "art. 261, 4-1° du CGI",
    ("FR", HOSPITALS): "art. 261, 4-1° bis du CGI",
    ("GB", MEDICAL_CARE): "Group 7 of Schedule 9 to the Value Added Tax Act 1994",
    ("GB", HOSPITALS): "Group 7 of Schedule 9 to the Value Added Tax Act 1994",
    ("IT", MEDICAL_CARE): "art. 10, n. 18, del D.P.R. 633/1972",
    ("IT", HOSPITALS): "art. 10, n. 19, del D.P.R. 633/1972",
    ("NL", MEDICAL_CARE): "art. 11, lid 1, onderdeel g, Wet op de omzetbelasting 1968",
    ("NL", HOSPITALS): "art. 11, lid 1, onderdeel c, Wet op de omzetbelasting 1968",
}
"""National provisions, by country and VATEX code."""
