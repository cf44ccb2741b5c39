"""Those who make the load: pgbench for the statement alone, wrk for HTTP, and a crowd that wants one time. And the server they load."""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg
import httpx2
import psutil

from appoint.appointments.repository import CLAIM

from .world import DOCTORS, FOLDER, FREE, HALF_BOOKED, MINUTES, PLACES, World, customer, doctor

ID = "(lpad(to_hex(:clinic::int), 8, '0') || '-' || :round || '-8' || lpad(to_hex(:client_id::int), 3, '0') || '-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid"
START = f"to_timestamp(:opening::int + :day::int * 86400 + :place::int * {MINUTES * 60})"
END = f"to_timestamp(:opening::int + :day::int * 86400 + :place::int * {MINUTES * 60} + {MINUTES * 60})"
NONE = ":none::text"
PARAMETERS = [
    ":clinic::int", ":version::int", ID, f"nullif({NONE}, '')::uuid", 
]
