"""``import-voice`` and ``export-voice``: voices of other programs, from and to the folders of whoever gives the command."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import StudioError
from studio.language import say
from studio.trust.consent import consent_text
from studio.typed_text import file_stem
from studio.voice_exchange import Agreement, Reference

if TYPE_CHECKING:
    from studio.container import Container


def bring_voice(
    container: Container,
    name: str,
    files: Sequence[Path],
    reference: Path,
    reference_text: str | None,
    owner: str,
    scope: str,
    agreed: bool,
    language: str,
) -> int:
    """Import and wait until the voice can speak; 1 when its recordings did not do."""
    if not agreed:
        raise StudioError("import_not_agreed", 422, text=consent_text(language).text)
    for path in (*files, reference):
        if not path.is_file():
            raise StudioError("path_unusable", 404, path=str(path), reason=os.strerror(errno.ENOENT))
    voice = container.exchange.take_in(
        name,
        files,
        [Reference(reference, reference.name, reference_text)],
        Agreement(owner, scope, None, language),
    )
    print(say("exchange.preparing", language), flush=True)
    job = container.jobs.wait(voice.active_job_id, 600) if voice.active_job_id else None
    if job and job.error:
        print(job.error.sentence(language))
        return 1
    print(say("exchange.imported", language, name=voice.name, voice_id=voice.id))
    return 0


def carry_voice(container: Container, voice_id: str, folder: Path, language: str) -> int:
    """Both files, called as the voice."""
    name = file_stem(container.voices.get(voice_id).name, voice_id)
    with container.exchange.given_out(voice_id) as paths:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in paths:
                target = folder / f"{name}{path.suffix}"
                shutil.copyfile(path, target)
                print(say("exchange.exported", language, path=target))
        except OSError as error:
            raise StudioError("path_unusable", 422, path=str(folder), reason=error.strerror) from error
    return 0
