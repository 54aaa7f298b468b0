"""The player: a button, the wave and the time. ``assets/ui/page.js`` plays it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.markup import icon

BARS = 72


@lru_cache(maxsize=512)
def _wave(path: Path, modified: int) -> tuple[str, float]:
    """Bars of the loudest sample in each slice as one SVG path, and the seconds."""
    import numpy as np
    import soundfile

    with soundfile.SoundFile(path) as file:
        frames, rate = len(file), file.samplerate
        slice_frames = max(1, -(-frames // BARS))
        peaks = [
            float(np.abs(block).max(initial=0.0)) for block in file.blocks(slice_frames, dtype="float32")
        ]
    loudest = max([*peaks, 1e-4])
    bars = []
    for index, peak in enumerate(peaks[:BARS]):
        half = max(0.9, 15 * peak / loudest)
        bars.append(f"M{index * 4 + 2} {16 - half:.1f}v{2 * half:.1f}")
    return "".join(bars), frames / rate


def clock(seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes}:{rest:02d}"


def player(
    reader: Reader, handoff: Handoff, path: Path, name: str, label: str, *, small: bool = False
) -> str:
    """
    Args:
        path: a WAV file of the library.
        name: what the file is called when someone saves it.
        label: what is heard, for those who cannot see the wave.
    """
    bars, seconds = _wave(path, path.stat().st_mtime_ns)
    wave = f'<svg viewBox="0 0 {BARS * 4} 32" preserveAspectRatio="none" aria-hidden="true"><path d="{bars}"/></svg>'
    return (
        f'<div class="vt-player{" is-small" if small else ""}" data-src="{escape(handoff.address(path, name))}" '
        f'data-seconds="{seconds:.3f}" role="group" aria-label="{escape(label)}">'
        f'<button type="button" class="vt-play" aria-label="{escape(reader.say("ui.play", what=label))}">'
        f"{icon('play')}{icon('pause')}</button>"
        f'<div class="vt-wave"><div class="vt-wave-rest">{wave}</div><div class="vt-wave-heard">{wave}</div>'
        f'<input type="range" class="vt-seek" min="0" max="1000" step="1" value="0" '
        f'aria-label="{escape(reader.say("ui.position", what=label))}"></div>'
        f'<span class="vt-time">{clock(seconds)}</span></div>'
    )


def karaoke(words: Sequence, text: str) -> str:
    """The sentence with each spoken word wrapped, so that it can light up while it is heard."""
    pieces, at = [], 0
    for word in words:
        found = text.lower().find(word.text.lower(), at)
        if found < 0:
            continue
        pieces.append(escape(text[at:found]))
        at = found + len(word.text)
        pieces.append(
            f'<span class="vt-word" data-from="{word.start_seconds:.3f}" data-to="{word.end_seconds:.3f}">'
            f"{escape(text[found:at])}</span>"
        )
    return "".join(pieces) + escape(text[at:])
