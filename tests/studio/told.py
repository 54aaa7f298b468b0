"""What the tests of stories share: two stories, and short words for what is done to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.container import Container
from studio.errors import StudioError
from studio.jobs.job import Job
from studio.store.records import StoryRecord

TEXT = (
    "A little fox named Pip lived in the forest. Pip found a golden key. He was very happy!\n\n"
    "The next morning it rained. An owl came to the village. Pip was afraid of the owl.\n\n"
    "At night they sailed on the sea in a red boat. The moon was bright. Pip laughed."
)
CHINESE = "小狐狸在森林里捡到一把钥匙。他很高兴！\n\n第二天下雨了，猫头鹰来到村子里。小狐狸很害怕。"


def refused(code: str, call: Callable[..., object], *arguments: object, **named: object) -> StudioError:
    with pytest.raises(StudioError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code
    for language in ("en", "zh"):
        sentence = caught.value.sentence(language)
        assert sentence.title and sentence.what and sentence.next
    return caught.value


def done(container: Container, job: Job, state: str = "done") -> Job:
    job = container.jobs.wait(job.id, 100)
    assert job.state == state, job.error
    return job


def drawn(container: Container, story: StoryRecord) -> StoryRecord:
    done(container, container.stories.draw(story.id))
    return container.stories.get(story.id)


def exported(container: Container, story_id: str, format: str) -> Path:
    done(container, container.stories.export(story_id, format))
    path = container.stories.exported(story_id, format)
    assert path is not None
    return path


def ids(story: StoryRecord) -> list[str]:
    return [scene.id for scene in story.plan.scenes]
