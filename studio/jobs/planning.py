"""From what somebody told to the words and the plan of a story."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.audio.recording import Recording
from studio.store.artifacts import Artifacts
from studio.store.stories import StoryStore
from studio.trust.quota import DemoQuota

if TYPE_CHECKING:
    from pipelines.story.prosody import Telling


class Planning:
    """
    Args:
        max_seconds: how long a recording may be.
    """

    def __init__(
        self, stories: StoryStore, artifacts: Artifacts, quota: DemoQuota, max_seconds: float
    ) -> None:
        self._stories = stories
        self._artifacts = artifacts
        self._quota = quota
        self._max_seconds = max_seconds

    def recording(self, story_id: str) -> Recording:
        """What was told, decoded.

        Raises:
            CraftError: as ``decode_audio``.
        """
        from pipelines.audio import decode

        limits = decode.AudioLimits(max_seconds=self._max_seconds)
        return decode.decode_audio(self._artifacts.told(story_id), limits)

    def telling(self, story_id: str) -> Telling | None:
        """The recording with its transcript; None for a typed story.

        Raises:
            CraftError: as ``decode_audio``.
        """
        from pipelines.story.prosody import Telling

        transcript = self._stories.get(story_id).transcript
        return Telling(self.recording(story_id), transcript) if transcript else None

    def plan_as_heard(self, story_id: str) -> None:
        """Plan the transcript as it stands, and save it whole; it is paid for now that its length is known. A plan that
        somebody made meanwhile stays.

        Raises:
            CraftError: as ``plan_story``; nothing is saved.
            StudioError: as ``DemoQuota.spend`` and ``spend_pages``; nothing is saved.
        """
        from pipelines.story.plan import plan_story

        row = self._stories.row(story_id)
        if row["plan"] is not None:
            return
        story = plan_story(
            row["text"], None, row["wished_pages"], row["style"], row["seed"], self.telling(story_id)
        )
        with self._stories.database.transaction():
            if self._stories.row(story_id)["plan"] is None:
                self._stories.save_plan(story_id, story)
                self._quota.spend(row["visitor"], len(row["text"]))
                self._quota.spend_pages(row["visitor"], len(story.pages))
