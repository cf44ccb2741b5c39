"""The audit log's signed heads are exported every night."""

import stat
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import msgspec
import pytest

from appoint.audit.model import AuditHead
from appoint.kit import clock
from appoint.kit.errors import StartupError
from appoint.messaging.channels.model import Delayed
from appoint.oversight.audit_exports.gateway import ExportError, check_url
from appoint.oversight.audit_exports.jobs import export_heads
from support.app import settings
from support.audit import KEY, add_entries, seal, unsealed
from support.post import Post


@pytest.fixture
async def sealed(db):
    """Sealed entries for the platform and two clinics."""
    for clinic_id in (0, 1, 2):
        await add_entries(db, 3, clinic_id=clinic_id)
    await seal(db)
    return db


def heads_in(text: str) -> list[tuple[int, int]]:
    heads = [msgspec.json.decode(line, type=AuditHead) for line in text.splitlines()]
    assert {head.public_key for head in heads} == {KEY.public}
    return [(head.clinic_id, head.position) for head in heads]


ALL_HEADS = [(0, 3), (1, 3), (2, 3)]


async def test_heads_are_written_to_a_new_file_every_night(sealed, tmp_path):
    directory = tmp_path / "heads"
    configured = settings(audit_export_dir=directory)
    for nights in (0, 1):
        await export_heads(sealed, configured, {}, now=clock.now() + timedelta(days=nights))
    files = sorted(directory.iterdir())
    assert [heads_in(file.read_text()) for file in files] == [ALL_HEADS, ALL_HEADS]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert [entry["action"] for entry in await unsealed(sealed)] == ["exportAuditHeads", "exportAuditHeads"]


async def test_an_existing_file_is_never_changed(sealed, tmp_path):
    now = clock.now()
    path = tmp_path / f"audit-heads-{now:%Y%m%dT%H%M%SZ}.jsonl"
    path.write_text("evidence")
    with pytest.raises(ExportError):
        await export_heads(sealed, settings(audit_export_dir=tmp_path), {}, now=now)
    assert path.read_text() == "evidence"


async def test_heads_are_sent_by_email(sealed):
    post = Post()
    configured = settings(audit_export_email="audit@authority.example")
    await export_heads(sealed, configured, {"email": post}, now=clock.now())
    (message,) = post.messages
    assert (message.to, heads_in(message.text)) == ("audit@authority.example", ALL_HEADS)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.received.append((self.headers["Authorization"], self.headers["Content-Type"], body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def receiver():
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.received, server.status = [], 204
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_heads_are_posted_to_an_address(sealed, receiver):
    url = f"http://archive:secret@127.0.0.1:{receiver.server_address[1]}/heads"
    await export_heads(sealed, settings(audit_export_url=url), {}, now=clock.now())
    ((authorization, content_type, body),) = receiver.received
    assert (authorization, content_type) == ("Basic YXJjaGl2ZTpzZWNyZXQ=", "application/jsonl")
    assert heads_in(body) == ALL_HEADS


@pytest.mark.parametrize("status", [302, 403, 500])
async def test_a_refused_export_fails_so_that_it_is_repeated(sealed, receiver, tmp_path, status):
    receiver.status = status
    url = f"http://archive:secret@127.0.0.1:{receiver.server_address[1]}/heads"
    with pytest.raises(ExportError, match=str(status)) as failure:
        await export_heads(sealed, settings(audit_export_url=url, audit_export_dir=tmp_path), {}, now=clock.now())
    assert "secret" not in str(failure.value)
    assert len(receiver.received) == 1, "redirects are not followed"
    assert len(list(tmp_path.iterdir())) == 1, "the other places still get the heads"


async def test_an_email_that_cannot_be_sent_fails_the_export(sealed):
    post = Post()
    post.trouble = Delayed("the mail server is down")
    configured = settings(audit_export_email="audit@authority.example")
    with pytest.raises(ExportError, match="the mail server is down"):
        await export_heads(sealed, configured, {"email": post}, now=clock.now())
    with pytest.raises(ExportError, match="no mail server"):
        await export_heads(sealed, configured, {}, now=clock.now())


async def test_nothing_is_exported_unless_a_setting_says_where(sealed):
    await export_heads(sealed, settings(), {"email": Post()}, now=clock.now())
    assert await unsealed(sealed) == []


async def test_verification_compares_the_log_with_the_exported_heads(sealed, run_command, tmp_path):
    directory = tmp_path / "heads"
    await export_heads(sealed, settings(audit_export_dir=directory), {}, now=clock.now())
    verify = ("audit", "verify", "--clinic", "1")
    assert (await run_command(*verify, audit_export_dir=str(directory))).code == 0
    await sealed.execute("truncate audit_entry, audit_head")  # a whole new log, sealed with the key
    await add_entries(sealed, 4)
    await seal(sealed)
    assert (await run_command(*verify)).code == 0
    for outcome in (
        await run_command(*verify, audit_export_dir=str(directory)),
        await run_command(*verify, "--head", str(directory)),
    ):
        assert outcome.code == 1
        assert "position 3: the chain was rewritten after its head was exported" in outcome.text


@pytest.mark.parametrize("url", ["http://archive.example.org", "ftp://x", "archive", "https://", "https://[", ""])
def test_the_address_must_use_https_or_be_local(url):
    with pytest.raises(StartupError):
        check_url(url)


@pytest.mark.parametrize("url", ["https://user:password@archive.example.org/heads", "http://127.0.0.1:8000/x"])
def test_a_protected_address_is_accepted(url):
    check_url(url)
