"""Letters outside the GSM alphabet halve a text message's capacity, so similar letters replace them where possible."""

import pytest

from appoint.kit.i18n import to_gsm_characters


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("Clínica San José: su cita con Dra. Núñez", "Clinica San José: su cita con Dra. Nuñez"),
        ("Centre Saint-François, fenêtre, Noël, œuvre", "Centre Saint-Francois, fenetre, Noel, oeuvre"),
        ("Łukasz Wiśniewski, Żaneta Zięba", "Lukasz Wisniewski, Zaneta Zieba"),
        ("Şükrü Yıldız, Đorđe, Søren Ångström", "Sükrü Yildiz, Dorde, Søren Ångström"),
        ("Müller & Söhne, Straße, àèéìòù ÄÖÑÜÇÉ", "Müller & Söhne, Straße, àèéìòù ÄÖÑÜÇÉ"),
        ("Jose\u0301 Mu\u0308ller", "José Müller"),
        ("王小明, Ωmega, €5", "王小明, Ωmega, €5"),
    ],
)
def test_a_letter_outside_the_alphabet_is_replaced_with_the_closest_one(text, replaced):
    assert to_gsm_characters(text) == replaced
