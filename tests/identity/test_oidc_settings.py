"""Which OpenID provider settings are accepted."""

import signal
import sys

import pytest

from appoint.cli import main
from appoint.identity.oidc import service
from appoint.kit.errors import StartupError
from appoint.server import app as application
from appoint.settings import Settings
from support.app import TOKEN, settings
from support.oidc import ROLES, SHAH, oidc_settings
from support.provider import AUDIENCE


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"oidc_issuer": "http://login.example.org"}, "APPOINT_OIDC_ISSUER must look like https://"),
        ({"oidc_issuer": "login.example.org"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "https://"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "https://login.example.org?x=1"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "https://ann:secret@login.example.org"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "https://login.example.org:x"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "http://127.0.0.1.evil.example"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_audience": None}, "Set APPOINT_OIDC_AUDIENCE"),
        ({"oidc_algorithms": ["RS256", "none"]}, "APPOINT_OIDC_ALGORITHMS names none"),
        ({"oidc_algorithms": ["HS256"]}, "APPOINT_OIDC_ALGORITHMS names HS256"),
        ({"oidc_algorithms": ["rs256"]}, "APPOINT_OIDC_ALGORITHMS names rs256"),
        ({"oidc_algorithms": []}, "APPOINT_OIDC_ALGORITHMS must name at least one"),
        ({"oidc_roles": []}, "Set APPOINT_OIDC_ROLES"),
        ({"oidc_roles": ["front-desk"]}, "“front-desk” does not have the form"),
        ({"oidc_roles": ["=receptionist:1"]}, "does not have the form"),
        ({"oidc_roles": ["x=patient:1"]}, "“x=patient:1” does not name a role"),
        ({"oidc_roles": ["x=partner:1"]}, "does not name a role"),
        ({"oidc_roles": ["x=Receptionist:1"]}, "does not name a role"),
        ({"oidc_roles": ["x=receptionist"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:0"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:-1"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:²"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:" + "9" * 30]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:" + "9" * 5000]}, "does not name a clinic"),
        ({"oidc_roles": [f"x=doctor:1:{SHAH}:more"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=doctor:1"]}, "does not name the doctor"),
        ({"oidc_roles": ["x=doctor:1:shah"]}, "not by an id"),
        ({"oidc_roles": [f"x=doctor:2:{SHAH}"]}, "from another clinic"),
        ({"oidc_roles": ["x=administrator:1"]}, "names a clinic, but administrators"),
        ({"oidc_roles": ["fine=manager:1", "y=unknown:1"]}, "“y=unknown:1”"),
    ],
)
def test_invalid_settings_are_rejected(idp, wrong, sentence):
    with pytest.raises(StartupError) as refusal:
        service.read_trust(oidc_settings(idp, **wrong))
    assert sentence in str(refusal.value)


def test_the_application_is_not_created_with_invalid_settings(idp):
    with pytest.raises(StartupError):
        application.create(oidc_settings(idp, oidc_algorithms=["none"]), database_url="", admin_token=TOKEN)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example.org",
        "https://login.example.org/realms/clinics/",
        "http://localhost:8080",
        "http://[::1]:8080/x",
    ],
)
def test_an_issuer_must_use_https_or_be_local(issuer):
    assert service.read_trust(settings(oidc_issuer=issuer, oidc_audience=AUDIENCE, oidc_roles=ROLES))


def test_without_an_issuer_no_provider_is_trusted():
    assert service.read_trust(settings()) is None


def test_settings_from_the_environment_are_comma_separated(monkeypatch):
    monkeypatch.setenv("APPOINT_OIDC_ROLES", "front-desk=receptionist:1, lead=manager:1")
    monkeypatch.setenv("APPOINT_OIDC_ALGORITHMS", "ES256,RS256")
    read = Settings(_env_file=None)  # pyright: ignore[reportCallIssue]
    assert (read.oidc_roles, read.oidc_algorithms) == (
        ["front-desk=receptionist:1", "lead=manager:1"],
        ["ES256", "RS256"],
    )


@pytest.mark.parametrize("command", ["run", "serve"])
def test_the_server_does_not_start_with_invalid_settings(command, idp, monkeypatch, capsys, tmp_path):
    environment = {
        "oidc_issuer": idp.issuer,
        "oidc_audience": AUDIENCE,
        "oidc_roles": "front-desk=receptionist",
        "data_dir": tmp_path / "data",
    }
    for name, value in environment.items():
        monkeypatch.setenv(f"APPOINT_{name.upper()}", str(value))
    monkeypatch.setattr(sys, "argv", ["appoint", command])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as exit_info:
        main.main()
    output = capsys.readouterr().err
    assert (exit_info.value.code, output.count("\n")) == (1, 1)
    assert output.startswith("appoint: APPOINT_OIDC_ROLES: “front-desk=receptionist” does not name a clinic")
    assert not (tmp_path / "data").exists()
