"""Texts read aloud, sentence by sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from studio.store.records import Speech


class Speaking:
    """Every method raises ``StudioError``; unknown ids are 404."""

    def submit(
        self,
        voice_id: str,
        text: str,
        controls: Mapping[str, float] | None = None,
        seed: int | None = None,
        revision: int | None = None,
        client: str | None = None,
    ) -> Speech:
        """Validate at once, queue what the take store does not have. ``client`` counts only in a public demo."""
        raise NotImplementedError

    def sample(self, voice_id: str, revision: int | None = None) -> Speech:
        """A few fixed sentences, e.g. to hear a fresh revision; the same call costs nothing twice."""
        raise NotImplementedError

    def get(self, speech_id: str) -> Speech:
        raise NotImplementedError

    def wait(self, speech_id: str, timeout_seconds: float) -> Speech:
        """As ``get``, once it is finished or the time is up."""
        raise NotImplementedError

    def reroll(self, speech_id: str, index: int) -> Speech:
        """One sentence with a new seed; the old take stays in the store."""
        raise NotImplementedError

    def edit(self, speech_id: str, text: str) -> Speech:
        """A new speech of the same voice, controls and seeds; sentences that did not change are not spoken anew."""
        raise NotImplementedError

    def cancel(self, speech_id: str) -> Speech:
        """Stop reading; the takes that are finished stay."""
        raise NotImplementedError

    def take_audio(self, take_key: str) -> Path:
        """A labelled WAV file."""
        raise NotImplementedError

    def export(self, speech_id: str, format: str) -> Path:
        """The whole speech joined and labelled; ``format`` is wav, mp3, flac, ogg or opus."""
        raise NotImplementedError

    def captions(self, speech_id: str, format: str) -> str:
        """``format`` is srt or vtt."""
        raise NotImplementedError

    def history(self, voice_id: str, limit: int = 50, client: str | None = None) -> list[Speech]:
        """Newest first. A public demo shows a ``client`` its own alone."""
        raise NotImplementedError
