"""The cost of starting a server, compared with importing its framework alone."""

import os
import resource
import subprocess
import sys
from typing import Final, NamedTuple

SERVER: Final = "import appoint.server.uvicorn_server"
FRAMEWORK: Final = "import litestar, uvicorn, msgspec, asyncpg"


class Start(NamedTuple):
    """The CPU seconds and peak resident bytes of a process that imports something and exits."""

    cpu_seconds: float
    resident_bytes: int


def start(program: str) -> Start:
    """Run the program in a new interpreter with compiled modules, as in an installed Appoint."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program_with_memory = f"{program}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    result = subprocess.run(
        [sys.executable, "-c", program_with_memory], env=environment, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Start(seconds, int(result.stdout) * 1024)
