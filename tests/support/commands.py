"""`appoint …` run in the test process, which saves several seconds per command."""

import asyncio
import io
import os
import signal
import sys
from typing import Any, NamedTuple

import pytest

from appoint.cli import main
from appoint.server import logs


class Outcome(NamedTuple):
    """A command's exit code and output."""

    code: int
    output: str
    errors: str

    @property
    def text(self) -> str:
        """Both outputs together, as on a terminal."""
        return "\n".join(filter(None, (self.output, self.errors)))


class CommandLine:
    """Runs commands with only these settings, in development mode unless they name another. Settings that are None stay
    unset. Each command needs its own event loop, so it runs in a thread.
    """

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **settings: Any) -> None:
        self.patch, self.capsys, self.settings = patch, capsys, {"mode": "development"} | settings

    async def __call__(self, *arguments: str, stdin: str = "", terminal: bool = False, **settings: Any) -> Outcome:
        self.capsys.readouterr()
        with self.patch.context() as patch:
            for name in [name for name in os.environ if name.startswith("APPOINT_")]:
                patch.delenv(name)
            for name, value in (self.settings | settings).items():
                if value is not None:
                    patch.setenv(f"APPOINT_{name.upper()}", str(value))
            patch.setattr(sys, "argv", ["appoint", *arguments])
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            patch.setattr(sys.stdin, "isatty", lambda: terminal)
            patch.setattr(logs, "configure", lambda _: None)
            patch.setattr(signal, "signal", lambda *_: None)
            code = await asyncio.to_thread(self._run)
        captured = self.capsys.readouterr()
        return Outcome(code, captured.out.strip(), captured.err.strip())

    @staticmethod
    def _run() -> int:
        try:
            main.main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0
