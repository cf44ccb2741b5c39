"""A mail server that stores emails in a folder and prints its port: `smtp_server.py FOLDER '{"tls": "starttls"}'`."""

import asyncio
import json
import ssl
import sys
from pathlib import Path
from uuid import uuid4

from aiosmtpd.smtp import SMTP, AuthResult

REPLIES = {
    "nobody": "550 5.1.1 <{0}>: no such user {0}",
    "full": "552 5.2.2 <{0}> is over quota",
    "busy": "451 4.3.0 <{0}>: try again later",
    "relayed": "554 5.7.1 <{0}>: relay access denied",
}
"""Recipients that it rejects, with its replies. It accepts all others."""


class Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  the name that aiosmtpd requires
        name = address.partition("@")[0]
        if name in REPLIES:
            return REPLIES[name].format(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  the name that aiosmtpd requires
        (self.folder / uuid4().hex).write_text(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "content": envelope.original_content.decode(),
                    "tls": server.transport.get_extra_info("sslcontext") is not None,
                    "user": session.auth_data.login.decode() if session.auth_data else None,
                    "utf8": bool(envelope.smtp_utf8),
                }
            )
        )
        return f"250 2.0.0 queued for {envelope.rcpt_tos[0]}"


def authenticate(server, session, envelope, mechanism, data) -> AuthResult:
    return AuthResult(success=data.password == b"secret/1", handled=False, auth_data=data)


async def main(folder: str, options: dict) -> None:
    tls = None
    if "certificate" in options:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options["certificate"])
    wrapped = options.get("tls") == "smtps"

    def session() -> SMTP:
        return SMTP(
            Folder(Path(folder)),
            hostname="mail.test",
            tls_context=None if wrapped else tls,
            enable_SMTPUTF8=options.get("utf8", False),
            authenticator=authenticate,
            auth_required=options.get("login", False),
            auth_require_tls=False,
        )

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=tls if wrapped else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
