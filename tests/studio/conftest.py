from __future__ import annotations

import pytest

from studio.container import Container
from studio.store.records import StoryRecord, VoiceRecord
from tests.studio.told import TEXT, ids


@pytest.fixture
def story(container: Container, voice: VoiceRecord) -> StoryRecord:
    """Three scenes, planned and read by Ann."""
    story = container.stories.write(TEXT, voice_id=voice.id, seed=7)
    assert ids(story) == ["s1", "s2", "s3"]
    return story
