"""Where recordings come in: dropped, chosen, or read aloud against a script."""

from __future__ import annotations

from html import escape
from pathlib import Path

from gradio.utils import get_upload_folder

from pipelines.audio.decode import AudioLimits
from studio.ui.i18n import Reader
from studio.ui.markup import icon, paragraphs

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "assets" / "scripts"
MAX_UPLOAD_BYTES = AudioLimits().max_bytes


def in_inbox(path: Path) -> bool:
    """Whether an upload put the file there and nobody has taken it since: a browser can name any path."""
    return path.resolve().is_relative_to(Path(get_upload_folder()).resolve()) and path.is_file()


def intake_facts(
    reader: Reader, max_bytes: int = MAX_UPLOAD_BYTES, too_big: str = "ui.intake.too_big"
) -> str:
    """What the script says while a file comes in, as data attributes."""
    say = reader.say
    facts = {
        "max-bytes": max_bytes,
        "too-big": say(too_big, name="{name}", limit_mb=max_bytes // 2**20),
        "uploading": say("ui.intake.uploading", name="{name}", index="{index}", count="{count}"),
        "failed": say("ui.intake.failed", name="{name}"),
        "no-microphone": say("ui.intake.no_microphone"),
        "waits": say("ui.intake.waits"),
        "start": say("ui.intake.record"),
        "stop": say("ui.intake.stop"),
        "recording": say("ui.intake.recording"),
    }
    return "".join(f' data-{name}="{escape(str(value))}"' for name, value in facts.items())


def intake(reader: Reader, voice: str) -> str:
    """The place to drop, choose or record, with the reading scripts; ``assets/ui/page.js`` brings it to life.

    Args:
        voice: whose recordings come in here; the script hands it back with them.
    """
    say = reader.say
    tabs, pages = [], []
    for language in ("en", "zh"):
        own = language == reader.language
        tabs.append(
            f'<button type="button" role="tab" data-script="{language}" aria-selected="{str(own).lower()}">'
            f"{escape(say(f'ui.language.{language}'))}</button>"
        )
        script = paragraphs((SCRIPTS / f"{language}.txt").read_text(encoding="utf-8"))
        pages.append(
            f'<div class="vt-script-page" lang="{language}" data-script-page="{language}"'
            f"{'' if own else ' hidden'}>{script}</div>"
        )
    return (
        f'<div class="vt-intake" data-voice="{escape(voice)}"{intake_facts(reader)}><label class="vt-drop">'
        f'<input type="file" multiple class="vt-file-input" '
        f'accept="audio/*,.wav,.flac,.mp3,.ogg,.opus,.m4a,.webm" aria-label="{escape(say("ui.intake.drop"))}">'
        f"{icon('upload')}<strong>{escape(say('ui.intake.drop'))}</strong><span>{escape(say('ui.intake.kinds'))}</span>"
        f'</label><div class="vt-or"><span>{escape(say("ui.intake.or"))}</span></div><div class="vt-recorder">'
        f'<button type="button" class="vt-button is-record" data-record aria-pressed="false">{icon("mic")}'
        f'<span>{escape(say("ui.intake.record"))}</span></button><div class="vt-meter" aria-hidden="true"><i></i></div>'
        f'<span class="vt-time">0:00</span></div><div class="vt-intake-status" role="status"></div>'
        f'<div class="vt-script"><div class="vt-script-head"><strong>{escape(say("ui.intake.script"))}</strong>'
        f'<div class="vt-segments" role="tablist">{"".join(tabs)}</div></div>{"".join(pages)}</div></div>'
    )
