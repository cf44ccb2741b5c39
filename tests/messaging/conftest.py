import pytest

from support.gateways import MailServer, mail_server, text_gateway


@pytest.fixture(scope="module")
def server():
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def texts():
    with text_gateway() as gateway:
        yield gateway


@pytest.fixture
def post(server: MailServer) -> MailServer:
    server.clear()
    return server
