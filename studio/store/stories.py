"""Rows of stories, their pictures and what is kept of their narration."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from studio.errors import Fault
from studio.narration import Line, Narrator, lines
from studio.store.database import Database, now, now_text, parse_time
from studio.store.ids import check_id, unknown
from studio.store.records import StoryPage, StoryRecord
from studio.store.speeches import Sentence

if TYPE_CHECKING:
    from pipelines.book.book import Sentence as BookSentence
    from pipelines.illustration.settings import PaintingSettings
    from pipelines.story.story import PagePlan, ScenePlan, Story
    from pipelines.story.transcribe import Transcript

WORKING = ("queued", "running")


@dataclass(frozen=True)
class KeptSound:
    """A page's narration as it came with a book; ``sentences`` are timed, ``voice_hash`` is empty where unknown."""

    scene_id: str
    text: str
    sentences: tuple[BookSentence, ...]
    voice_hash: str

    def is_of(self, text: str) -> bool:
        """Whether it still says what the page says."""
        return self.text == text.strip()


@dataclass(frozen=True)
class StoryRemains:
    """What a deleted story leaves outside the database; ``exports`` are (key, format)."""

    job_ids: tuple[str, ...]
    take_keys: tuple[str, ...]
    exports: tuple[tuple[str, str], ...]


def painting_key(page: PagePlan, painting: PaintingSettings) -> str:
    """Equal for two pages if and only if they get the same picture by the same means."""
    return hashlib.sha256(json.dumps([page.picture_key, painting.to_json()]).encode()).hexdigest()


class StoryStore:
    def __init__(self, database: Database) -> None:
        self.database = database

    # Stories

    def insert(
        self,
        story_id: str,
        *,
        style: str,
        seed: int,
        painting: PaintingSettings,
        recording: str | None = None,
        wished_pages: int | None = None,
        narrator: Narrator | None = None,
        reader: str | None = None,
        visitor: str | None = None,
        sample: bool = False,
        made_on: str | None = None,
        withdrawn: bool = False,
    ) -> None:
        """A story without words yet; ``recording`` is what the file that tells it was called."""
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO stories (id, title, text, language, style, seed, painting, recording, wished_pages, "
                "voice_id, narrator, reader, visitor, sample, made_on, withdrawn, created_at) "
                "VALUES (?, '', '', '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    story_id,
                    style,
                    seed,
                    json.dumps(painting.to_json()),
                    recording,
                    wished_pages,
                    narrator and narrator.voice_id,
                    narrator and json.dumps(narrator.to_json()),
                    reader,
                    visitor,
                    int(sample),
                    made_on or now().date().isoformat(),
                    int(withdrawn),
                    now_text(),
                ),
            )

    def save_plan(self, story_id: str, story: Story, text: str | None = None) -> None:
        """The whole plan at once; ``text`` as it was typed, None leaves it."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE stories SET title = ?, text = coalesce(?, text), plan = ?, language = ?, style = ?, "
                "planned_at = ? WHERE id = ?",
                (
                    story.title,
                    text,
                    json.dumps(story.to_json()),
                    story.language,
                    story.style,
                    now_text(),
                    story_id,
                ),
            )

    def save_transcript(self, story_id: str, transcript: Transcript) -> None:
        """The words of a story that was planned meanwhile stay as they were typed."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE stories SET transcript = ? WHERE id = ?", (json.dumps(transcript.to_json()), story_id)
            )
            connection.execute(
                "UPDATE stories SET text = ?, language = ? WHERE id = ? AND plan IS NULL",
                (transcript.text, transcript.language, story_id),
            )

    def set_narrator(self, story_id: str, narrator: Narrator | None) -> None:
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE stories SET voice_id = ?, narrator = ?, withdrawn = 0 WHERE id = ?",
                (
                    narrator and narrator.voice_id,
                    narrator and json.dumps(narrator.to_json()),
                    story_id,
                ),
            )

    def set_painting(self, story_id: str, painting: PaintingSettings) -> None:
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE stories SET painting = ? WHERE id = ?", (json.dumps(painting.to_json()), story_id)
            )

    def row(self, story_id: str) -> sqlite3.Row:
        """
        Raises:
            StudioError: ``story_unknown``.
        """
        row = self.database.row("SELECT * FROM stories WHERE id = ?", check_id("story", story_id))
        if row is None:
            raise unknown("story")
        return row

    def exists(self, story_id: str) -> bool:
        return self.database.row("SELECT 1 FROM stories WHERE id = ?", story_id) is not None

    def samples(self) -> list[str]:
        return [row["id"] for row in self.database.rows("SELECT id FROM stories WHERE sample = 1")]

    def get(self, story_id: str) -> StoryRecord:
        """
        Raises:
            StudioError: ``story_unknown``.
        """
        return self._record(self.row(story_id))

    def list(self, visitor: str | None) -> list[StoryRecord]:
        """The samples first, then the newest; a ``visitor`` sees the own ones alone."""
        rows = self.database.rows(
            "SELECT * FROM stories WHERE sample = 1 OR ? IS NULL OR visitor = ? "
            "ORDER BY sample DESC, created_at DESC, id",
            visitor,
            visitor,
        )
        return [self._record(row) for row in rows]

    def count(self) -> int:
        return int(self.database.value("SELECT count(*) FROM stories WHERE sample = 0"))

    def oldest_idle(self) -> str | None:
        """The oldest story on which no job works."""
        return self.database.value(
            "SELECT id FROM stories WHERE sample = 0 AND NOT EXISTS (SELECT 1 FROM jobs "
            "WHERE subject_id = stories.id AND state IN ('queued', 'running')) ORDER BY created_at, id LIMIT 1"
        )

    def bury(self, story_id: str) -> StoryRemains:
        """Remove every row of the story, and the takes that nobody else says."""
        with self.database.transaction() as connection:

            def column(sql: str) -> tuple[str, ...]:
                return tuple(row[0] for row in connection.execute(sql, (story_id,)))

            own = (
                "SELECT take_key FROM story_takes AS own WHERE story_id = ? "
                "AND NOT EXISTS (SELECT 1 FROM sentences WHERE sentences.take_key = own.take_key) "
                "AND NOT EXISTS (SELECT 1 FROM story_takes AS other WHERE other.take_key = own.take_key "
                "AND other.story_id <> own.story_id)"
            )
            remains = StoryRemains(
                column("SELECT id FROM jobs WHERE subject_id = ?"),
                column(own),
                tuple(
                    (row["key"], row["format"])
                    for row in connection.execute(
                        "SELECT key, format FROM exports WHERE story_id = ?", (story_id,)
                    )
                ),
            )
            connection.execute("DELETE FROM jobs WHERE subject_id = ?", (story_id,))
            connection.executemany("DELETE FROM takes WHERE key = ?", [(key,) for key in remains.take_keys])
            connection.execute("DELETE FROM stories WHERE id = ?", (story_id,))
        return remains

    def outdate_exports(self, story_id: str, format: str, key: str) -> list[str]:
        """Keys of the story's files in this format other than ``key``: the ledger keeps them, the files may go."""
        with self.database.transaction() as connection:
            rows = connection.execute(
                "UPDATE exports SET story_id = NULL WHERE story_id = ? AND format = ? AND key <> ? RETURNING key",
                (story_id, format, key),
            ).fetchall()
        return [row["key"] for row in rows]

    # Pictures

    def pictures(self, story_id: str) -> set[str]:
        """The keys of those that are painted."""
        rows = self.database.rows("SELECT key FROM illustrations WHERE story_id = ?", story_id)
        return {row["key"] for row in rows}

    def unpainted(self, story_id: str) -> list[tuple[PagePlan, PaintingSettings]]:
        """The pages without a picture that were not found to fail, in their order, and how to paint them."""
        row = self.row(story_id)
        story, painting = _plan(row), _painting(row)
        settled = self.pictures(story_id) | self.faults(story_id).keys()
        pages = story.pages if story else ()
        return [(page, painting) for page in pages if painting_key(page, painting) not in settled]

    def insert_picture(self, story_id: str, key: str) -> None:
        """
        Raises:
            sqlite3.IntegrityError: the story was deleted meanwhile.
        """
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO illustrations VALUES (?, ?, ?)", (story_id, key, now_text())
            )

    def remove_pictures(self, story_id: str, keys: Iterable[str]) -> None:
        with self.database.transaction() as connection:
            connection.executemany(
                "DELETE FROM illustrations WHERE story_id = ? AND key = ?", [(story_id, key) for key in keys]
            )

    # Narration

    def narrator(self, story_id: str) -> Narrator | None:
        return _narrator(self.row(story_id))

    def lines(self, story_id: str) -> dict[str, tuple[Line, ...]]:
        """Scene id -> what is to be spoken of it; nothing where a narration was kept."""
        row = self.row(story_id)
        story, kept = _plan(row), self.kept_sounds(story_id)
        if story is None:
            return {}
        return {
            scene.id: () if _is_kept(scene, kept) else lines(scene, _narrator(row), story.seed)
            for scene in story.scenes
        }

    def unspoken(self, story_id: str) -> list[Sentence]:
        """The sentences without a take that the voice can speak and was not found to fail at, in their order."""
        wanted = [line for page in self.lines(story_id).values() for line in page if line.take_key]
        settled = self.spoken(line.take_key for line in wanted) | self.faults(story_id).keys()
        return [
            line.sentence(position) for position, line in enumerate(wanted) if line.take_key not in settled
        ]

    def is_unfinished(self, story_id: str) -> bool:
        """Whether there is a picture to paint or a sentence to speak."""
        return self.exists(story_id) and bool(self.unpainted(story_id) or self.unspoken(story_id))

    def spoken(self, keys: Iterable[str | None]) -> set[str]:
        """Those of the take keys that are in the take store."""
        rows = self.database.rows(
            "SELECT key FROM takes WHERE key IN (SELECT value FROM json_each(?))", json.dumps(list(keys))
        )
        return {row["key"] for row in rows}

    def claim_takes(self, story_id: str, keys: Iterable[str]) -> None:
        """Say that the story needs these takes.

        Raises:
            sqlite3.IntegrityError: the story was deleted meanwhile.
        """
        with self.database.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO story_takes VALUES (?, ?)", [(story_id, key) for key in keys]
            )

    def kept_sounds(self, story_id: str) -> dict[str, KeptSound]:
        rows = self.database.rows("SELECT * FROM kept_sounds WHERE story_id = ?", story_id)
        return {row["scene_id"]: _kept(row) for row in rows}

    def insert_kept_sound(self, story_id: str, sound: KeptSound) -> None:
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO kept_sounds VALUES (?, ?, ?, ?, ?)",
                (
                    story_id,
                    sound.scene_id,
                    sound.text,
                    json.dumps([asdict(sentence) for sentence in sound.sentences]),
                    sound.voice_hash,
                ),
            )

    def drop_kept_sounds(self, story_id: str) -> list[str]:
        """Returns the scenes whose files may go."""
        with self.database.transaction() as connection:
            rows = connection.execute(
                "DELETE FROM kept_sounds WHERE story_id = ? RETURNING scene_id", (story_id,)
            ).fetchall()
            connection.execute("UPDATE stories SET reader = NULL WHERE id = ?", (story_id,))
        return [row["scene_id"] for row in rows]

    # What could not be made

    def faults(self, story_id: str) -> dict[str, Fault]:
        """Key of a picture or a take -> why it could not be made the last time."""
        rows = self.database.rows("SELECT * FROM story_faults WHERE story_id = ?", story_id)
        return {row["key"]: Fault(row["code"], json.loads(row["facts"])) for row in rows}

    def set_fault(self, story_id: str, key: str, fault: Fault) -> None:
        """
        Raises:
            sqlite3.IntegrityError: the story was deleted meanwhile.
        """
        with self.database.transaction() as connection:
            facts = json.dumps(dict(fault.facts), default=str)
            connection.execute(
                "INSERT OR REPLACE INTO story_faults VALUES (?, ?, ?, ?)", (story_id, key, fault.code, facts)
            )

    def clear_faults(self, story_id: str) -> None:
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM story_faults WHERE story_id = ?", (story_id,))

    # Records

    def _record(self, row: sqlite3.Row) -> StoryRecord:
        from pipelines.story.transcribe import Transcript

        story, narrator, painting = _plan(row), _narrator(row), _painting(row)
        kept = self.kept_sounds(row["id"])
        pages = self._pages(row["id"], story, painting, narrator, kept) if story else ()
        state, job_id, error = self._state(row, story, pages)
        return StoryRecord(
            id=row["id"],
            title=row["title"],
            state=state,
            text=row["text"],
            plan=story,
            transcript=Transcript.from_json(json.loads(row["transcript"])) if row["transcript"] else None,
            language=row["language"],
            style=row["style"],
            voice_id=row["voice_id"],
            voice_name=self._reader_name(row),
            painting=painting,
            pages=pages,
            silence=_silence(row, story, narrator, kept),
            job_id=job_id,
            error=error,
            sample=bool(row["sample"]),
            created_at=parse_time(row["created_at"]),
        )

    def _pages(
        self,
        story_id: str,
        story: Story,
        painting: PaintingSettings,
        narrator: Narrator | None,
        kept: Mapping[str, KeptSound],
    ) -> tuple[StoryPage, ...]:
        pictures, faults = self.pictures(story_id), self.faults(story_id)
        said = {scene.id: lines(scene, narrator, story.seed) for scene in story.scenes}
        spoken = self.spoken(line.take_key for page in said.values() for line in page if line.take_key)
        made = []
        for scene, page in zip(story.scenes, story.pages, strict=True):
            key = painting_key(page, painting)
            if _is_kept(scene, kept):
                sentences = done = len(kept[scene.id].sentences)
            else:
                sentences = len(said[scene.id])
                done = sum(line.take_key in spoken for line in said[scene.id])
            made.append(StoryPage(scene.id, key in pictures, key, faults.get(key), sentences, done))
        return tuple(made)

    def _state(
        self, row: sqlite3.Row, story: Story | None, pages: Sequence[StoryPage]
    ) -> tuple[str, str | None, Fault | None]:
        """State, latest job, why it failed. What went wrong before the plan was last changed is forgotten."""
        jobs = self.database.rows(
            "SELECT id, kind, state, error_code, error_facts, finished_at FROM jobs WHERE subject_id = ? "
            "AND kind IN ('hear', 'draw') ORDER BY created_at DESC, id",
            row["id"],
        )
        working = next((job for job in jobs if job["state"] in WORKING), None)
        if working is not None:
            hearing = working["kind"] == "hear" or row["text"] == ""
            return ("hearing" if hearing else "drawing"), working["id"], None
        latest = jobs[0] if jobs else None
        job_id = latest["id"] if latest else None
        missing = any(not page.painted and page.fault is None for page in pages)
        if story is not None and not missing and not self.unspoken(row["id"]):
            return "done", job_id, None
        needed = latest is not None and not (story and latest["kind"] == "hear")
        if needed and latest["finished_at"] > (row["planned_at"] or ""):
            if latest["state"] == "failed":
                return "failed", job_id, Fault(latest["error_code"], json.loads(latest["error_facts"]))
            if latest["state"] == "cancelled":
                return "cancelled", job_id, None
        return ("planned" if story else "heard"), job_id, None

    def _reader_name(self, row: sqlite3.Row) -> str | None:
        if row["voice_id"] is None:
            return row["reader"]
        return self.database.value("SELECT name FROM voices WHERE id = ?", row["voice_id"])


def _plan(row: sqlite3.Row) -> Story | None:
    from pipelines.story.story import Story

    return Story.from_json(json.loads(row["plan"])) if row["plan"] else None


def _painting(row: sqlite3.Row) -> PaintingSettings:
    from pipelines.illustration.settings import PaintingSettings

    saved, known = json.loads(row["painting"]), {field.name for field in fields(PaintingSettings)}
    return PaintingSettings(**{name: value for name, value in saved.items() if name in known})


def _narrator(row: sqlite3.Row) -> Narrator | None:
    return Narrator.from_json(json.loads(row["narrator"])) if row["narrator"] else None


def _kept(row: sqlite3.Row) -> KeptSound:
    from pipelines.book.book import Sentence as BookSentence
    from pipelines.speech.engine import SpokenWord

    sentences = tuple(
        BookSentence(**{**one, "words": tuple(SpokenWord(**word) for word in one["words"])})
        for one in json.loads(row["sentences"])
    )
    return KeptSound(row["scene_id"], row["text"], sentences, row["voice_hash"])


def _is_kept(scene: ScenePlan, kept: Mapping[str, KeptSound]) -> bool:
    return scene.id in kept and kept[scene.id].is_of(scene.text)


def _silence(
    row: sqlite3.Row, story: Story | None, narrator: Narrator | None, kept: Mapping[str, KeptSound]
) -> str | None:
    if row["withdrawn"]:
        return "silent_withdrawn"
    if story is None or any(_is_kept(scene, kept) for scene in story.scenes):
        return None
    if narrator is None:
        return "silent_voice"
    speakable = any(line.take_key for scene in story.scenes for line in lines(scene, narrator, story.seed))
    return None if speakable else "silent_language"
