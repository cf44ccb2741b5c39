"""Typical appointment types by specialty, for clinics to start with. Their names are in the clinic's language, because
patients read them."""

from typing import Final, NamedTuple

from ...kit.i18n import translatable as _


class StarterType(NamedTuple):
    """A typical appointment type. `buffer` is the time that the doctor needs afterwards, in minutes."""

    name: str
    minutes: int
    buffer: int = 0
    online: bool = False


class StarterSet(NamedTuple):
    key: str
    specialty: str
    types: tuple[StarterType, ...]


CONSULTATION: Final = _("Consultation")
FIRST_CONSULTATION: Final = _("First consultation")
FOLLOW_UP: Final = _("Follow-up")
VIDEO: Final = StarterType(_("Video consultation"), 15, online=True)
STARTER_SETS: Final = (
    StarterSet(
        "general",
        _("General practice"),
        (
            StarterType(CONSULTATION, 15),
            StarterType(_("First visit as a new patient"), 30),
            StarterType(_("Health check"), 30, 5),
            StarterType(_("Vaccination"), 10),
            StarterType(_("Blood test"), 10),
            VIDEO,
        ),
    ),
    StarterSet(
        "paediatrics",
        _("Paediatrics"),
        (
            StarterType(_("Child consultation"), 15),
            StarterType(_("Child health check"), 30, 10),
            StarterType(_("Child vaccination"), 10),
            StarterType(_("Teenage health check"), 30),
            VIDEO,
        ),
    ),
    StarterSet(
        "dermatology",
        _("Dermatology"),
        (
            StarterType(FIRST_CONSULTATION, 20),
            StarterType(FOLLOW_UP, 10),
            StarterType(_("Skin cancer screening"), 20, 5),
            StarterType(_("Allergy test"), 30),
            StarterType(_("Mole removal"), 30, 10),
        ),
    ),
    StarterSet(
        "gynaecology",
        _("Gynaecology"),
        (
            StarterType(CONSULTATION, 20),
            StarterType(_("Cervical screening"), 20, 5),
            StarterType(_("Antenatal appointment"), 30, 5),
            StarterType(_("Contraception advice"), 15),
            StarterType(_("Ultrasound"), 30, 5),
        ),
    ),
    StarterSet(
        "cardiology",
        _("Cardiology"),
        (
            StarterType(FIRST_CONSULTATION, 30, 5),
            StarterType(FOLLOW_UP, 15),
            StarterType(_("ECG"), 20),
            StarterType(_("Echocardiogram"), 30, 5),
            StarterType(_("Exercise ECG"), 40, 10),
        ),
    ),
    StarterSet(
        "orthopaedics",
        _("Orthopaedics"),
        (
            StarterType(FIRST_CONSULTATION, 20),
            StarterType(FOLLOW_UP, 10),
            StarterType(_("Injection"), 15, 5),
            StarterType(_("Check after surgery"), 15),
        ),
    ),
    StarterSet(
        "dentistry",
        _("Dentistry"),
        (
            StarterType(_("Dental check-up"), 30),
            StarterType(_("Dental cleaning"), 45, 5),
            StarterType(_("Dental treatment"), 45, 10),
            StarterType(_("Toothache"), 20),
        ),
    ),
    StarterSet(
        "physiotherapy",
        _("Physiotherapy"),
        (
            StarterType(_("First assessment"), 45, 5),
            StarterType(_("Physiotherapy session"), 30),
            StarterType(_("Manual therapy"), 30),
            StarterType(_("Lymphatic drainage"), 45),
        ),
    ),
    StarterSet(
        "psychotherapy",
        _("Psychotherapy"),
        (
            StarterType(_("Initial interview"), 50, 10),
            StarterType(_("Therapy session"), 50, 10),
            StarterType(_("Couples session"), 80, 10),
            StarterType(_("Online session"), 50, 10, online=True),
        ),
    ),
)
SETS_BY_KEY: Final = {starter_set.key: starter_set for starter_set in STARTER_SETS}
