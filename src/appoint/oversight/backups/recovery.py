"""Restore a base backup into a new data directory, and let PostgreSQL recover it to a moment."""

import asyncio
import hashlib
import shutil
import subprocess
import tarfile
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ...database import embedded
from ...database.cluster import Cluster, NotStarted
from ...database.programs import find_program
from ...kit.blobs import plaintext_size
from . import repository
from .archive import Archive
from .model import Backup, BackupError, RecoveredServer, WalPiece

WAL_FOLDER: Final = "restored_wal"
CONFIGURATION: Final = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
TOO_EARLY: Final = "recovery ended before configured recovery target was reached"
RECOVERY: Final = {
    # PostgreSQL runs this in the folder with the data
    "restore_command": f'cp "{WAL_FOLDER}/%f" "%p"',
    "recovery_target_action": "promote",
    "recovery_target_timeline": "current",
    "hot_standby": "off",
}
POLL_SECONDS: Final = 0.1


async def write_files(archive: Archive, backup: Backup, pieces: Sequence[WalPiece], folder: Path) -> None:
    """Write the server's files and its WAL to the folder, ready for recovery. Raise `BackupError` if an object is
    missing or damaged."""
    await _extract(archive, backup, folder)
    timeline = _timeline(folder / "backup_label")
    wal = folder / WAL_FOLDER
    wal.mkdir()
    for piece in pieces:
        await _write_wal(archive, backup, piece, wal, timeline=timeline)
    if not backup.is_embedded:  # the embedded server has its own settings, and the backup's may need other software
        for name in CONFIGURATION:
            if (folder / name).exists():
                (folder / name).rename(folder / f"{name}.original")
            (folder / name).touch(mode=0o600)
    (folder / "pg_hba.conf").write_text("local all all trust\nlocal replication all trust\n")
    (folder / "recovery.signal").touch(mode=0o600)


async def _extract(archive: Archive, backup: Backup, folder: Path) -> None:
    folder_name = backup.object.rpartition("/")[0]
    sizes = {stored.name: plaintext_size(stored.size) for stored in await archive.list(folder_name)}
    if sizes.get(backup.object) != backup.size:
        raise BackupError(
            f"{backup.object} cannot be restored: {sizes.get(backup.object, 0)} of {backup.size} bytes are there."
        )
    file, digest = folder / "files.tar.gz", hashlib.sha256()
    with file.open("wb") as stream:
        async for part in archive.read(backup.object, backup.size):
            digest.update(part)
            await asyncio.to_thread(stream.write, part)
    if digest.hexdigest() != backup.sha256:
        raise BackupError(f"{backup.object} cannot be restored: its checksum is wrong.")
    await asyncio.to_thread(_unpack, file, folder)
    file.unlink()
    command = [find_program("pg_verifybackup"), "--no-parse-wal", "--quiet", str(folder)]
    result = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, text=True)
    if result.returncode:
        raise BackupError(f"{backup.object} cannot be restored: {result.stderr.strip().splitlines()[-1]}")


def _unpack(file: Path, folder: Path) -> None:
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")


def _timeline(label: Path) -> int:
    for line in label.read_text().splitlines():
        if line.startswith("START TIMELINE: "):
            return int(line.removeprefix("START TIMELINE: "))
    raise BackupError("The backup's backup_label does not say which timeline it belongs to.")


async def _write_wal(archive: Archive, backup: Backup, piece: WalPiece, folder: Path, *, timeline: int) -> None:
    """Write a piece to the segments that it covers. A segment's name is its timeline and its number."""
    try:
        data = zlib.decompress(await archive.read_whole(piece.object))
    except zlib.error as error:
        raise BackupError(f"{piece.object.name} cannot be restored: it is damaged.") from error
    if len(data) != piece.end - piece.start:
        raise BackupError(f"{piece.object.name} cannot be restored: it is damaged.")
    position = piece.start
    while position < piece.end:
        number, offset = divmod(position, backup.segment_bytes)
        high, low = divmod(number, 2**32 // backup.segment_bytes)
        path = folder / f"{timeline:08X}{high:08X}{low:08X}"
        length = min(backup.segment_bytes - offset, piece.end - position)
        if not path.exists():
            path.touch(mode=0o600)
            with path.open("r+b") as segment:
                segment.truncate(backup.segment_bytes)
        with path.open("r+b") as segment:
            segment.seek(offset)
            segment.write(data[position - piece.start :][:length])
        position += length


def recover(
    directory: Path,
    backup: Backup,
    write: Callable[[Path], None],
    *,
    to: datetime | None,
    say: Callable[[str], None],
    check: Callable[[RecoveredServer], None],
) -> None:
    """Create a data directory with what `write` restores, recover it, and call `check` while its server runs. At the
    end, the server is stopped. Raise `BackupError`, and remove everything, if any of this fails.
    """
    target = {"recovery_target_time": f"{to.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00}"} if to else dict[str, str]()
    try:
        with embedded.recovering(directory, fill=write, settings={**RECOVERY, **target}, say=say) as cluster:
            if not _start(cluster):
                # No transaction ended after the moment, so everything that is stored is right. The caller has checked
                # that more is stored.
                cluster.stop()
                untargeted = replace(cluster, settings=_without_target(cluster.settings))
                _start(untargeted)
            url = f"postgresql://{quote(backup.login, safe='')}@/{quote(backup.database, safe='')}?host="
            url += f"{quote(str(cluster.socket_folder), safe='')}&port=5432"
            check(RecoveredServer(url, asyncio.run(repository.read_last_transaction(url))))
            shutil.rmtree(cluster.data / WAL_FOLDER)
    except BaseException:
        link = directory / "postgres"
        shutil.rmtree(link.resolve(), ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _start(cluster: Cluster) -> bool:
    """Start the server, and wait until it has recovered. Return False if it stopped because the WAL ends before the
    moment to restore. Raise `BackupError` if it stopped for any other reason."""
    with suppress(NotStarted):  # the log says more
        cluster.start()
    while (cluster.data / "recovery.signal").exists() or not _is_ready(cluster):
        if cluster.postmaster() is None:
            if "recovery_target_time" in cluster.settings and TOO_EARLY in cluster.log.read_text(errors="replace"):
                return False
            raise BackupError(_failure(cluster))
        time.sleep(POLL_SECONDS)
    return True


def _is_ready(cluster: Cluster) -> bool:
    """Return whether the server accepts connections. It writes its state to the last line of this file."""
    try:
        return (cluster.data / "postmaster.pid").read_text().splitlines()[-1].strip() == "ready"
    except (FileNotFoundError, IndexError):
        return False


def _failure(cluster: Cluster) -> str:
    lines = cluster.log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join(["PostgreSQL could not recover the backup. The end of its log:", *lines])


def _without_target(settings: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in settings.items() if name != "recovery_target_time"}
