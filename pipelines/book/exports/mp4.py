"""MP4: the book read aloud as a film. The picture drifts gently, the sentence being read lies on a glow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.book.book import Book, Page
from pipelines.book.exports import Progress
from pipelines.book.fonts import Faces
from pipelines.book.pages import SHAPES, Leaf, lay_out, painted
from pipelines.book.pictures import opened

if TYPE_CHECKING:
    import av
    from PIL.Image import Image

ENCODERS = ("libopenh264", "libx264", "libvpx-vp9")
"""H.264 plays everywhere; the first of these that the installed PyAV carries is used."""
FRAMES_PER_SECOND = 12
SAMPLE_RATE = 44100
COVER_SECONDS, END_SECONDS = 3.0, 4.0
BEFORE_SECONDS, AFTER_SECONDS = 0.75, 0.75
"""The pauses before and after the narration of a page."""
TURN_SECONDS = 0.5
"""The old page fades into the new one."""
_ZOOM = 0.07
_WORDS_A_SECOND, _HAN_A_SECOND = 2.6, 4.5
_SHORTEST_READING, _LONGEST_READING = 4.0, 60.0
_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "20", "tune": "animation"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "7", "crf": "32", "row-mt": "1"},
}


@dataclass(frozen=True)
class Scene:
    """One page's time in the film.

    Attributes:
        leaves: what is seen; the next one from where its first sentence is read.
        page: None for cover and end.
        seconds: a whole number of frames.
        speech_seconds: where the narration begins, from the beginning of the scene.
    """

    leaves: tuple[Leaf, ...]
    page: Page | None
    seconds: float
    speech_seconds: float = 0.0


def scenes(book: Book, leaves: tuple[Leaf, ...]) -> list[Scene]:
    """Cover, pages, end. A page lasts as long as its narration and two pauses, a silent one as long as reading it."""
    made = [Scene(leaves[:1], None, COVER_SECONDS)]
    for index, page in enumerate(book.pages):
        seen = tuple(leaf for leaf in leaves if leaf.page == index)
        length = page.narration.seconds if page.narration else reading_seconds(page.text)
        frames = math.ceil((BEFORE_SECONDS + length + AFTER_SECONDS) * FRAMES_PER_SECOND)
        made.append(Scene(seen, page, frames / FRAMES_PER_SECOND, BEFORE_SECONDS))
    return [*made, Scene(leaves[-1:], None, END_SECONDS)]


def reading_seconds(text: str) -> float:
    """How long somebody looks at a page of this text."""
    han = sum("\u3400" <= char <= "\u9fff" for char in text)
    seconds = 2.0 + han / _HAN_A_SECOND + len(text.split()) / _WORDS_A_SECOND
    return min(max(seconds, _SHORTEST_READING), _LONGEST_READING)


def write(book: Book, path: Path, faces: Faces, progress: Progress) -> None:
    import av

    leaves = lay_out(book, SHAPES["wide"], faces, picture_on_every_leaf=True)
    film = scenes(book, leaves)
    total = sum(scene.seconds for scene in film)
    options = {"movflags": "faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        container.metadata.update(_metadata(book))
        video = _video_stream(container)
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if book.is_narrated else None
        if sound:
            sound.bit_rate = 96_000
            sound.metadata["language"] = "zho" if book.is_chinese else "eng"
        frame_number, sample_number, turning = 0, 0, None
        for order, scene in enumerate(film):
            for image in _frames(scene, turning, order):
                frame = _picture_frame(image, frame_number)
                container.mux(video.encode(frame))
                frame_number += 1
                if frame_number % FRAMES_PER_SECOND == 0:
                    progress(0.98 * frame_number / FRAMES_PER_SECOND / total)
            turning = image
            if sound:
                wave = _sound(scene, round(frame_number * SAMPLE_RATE / FRAMES_PER_SECOND) - sample_number)
                for frame in _sound_frames(wave, sample_number):
                    container.mux(sound.encode(frame))
                sample_number += len(wave)
        container.mux(video.encode(None))
        if sound:
            container.mux(sound.encode(None))


def _metadata(book: Book) -> dict[str, str]:
    """The names that MP4 players know; the label for machines goes where they look last."""
    tags = "; ".join(f"{name}={text}" for name, text in book.tags.items())
    named = {"title": book.title, "artist": book.author, "comment": book.label, "description": tags}
    if book.made_on:
        named["date"] = book.made_on.isoformat()
    return {name: text for name, text in named.items() if text}


def _video_stream(container: av.container.OutputContainer) -> av.video.stream.VideoStream:
    import av

    name = next(name for name in ENCODERS if name in av.codecs_available)
    stream = container.add_stream(name, rate=FRAMES_PER_SECOND, options=_OPTIONS.get(name, {}))
    shape = SHAPES["wide"]
    stream.width, stream.height, stream.pix_fmt = shape.width, shape.height, "yuv420p"
    if name == "libopenh264":
        stream.bit_rate = 1_500_000
    context = stream.codec_context
    context.thread_count = 2
    context.gop_size = FRAMES_PER_SECOND * 4
    context.time_base = Fraction(1, FRAMES_PER_SECOND)
    context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1
    return stream


def _picture_frame(image: Image, number: int) -> av.VideoFrame:
    from av import VideoFrame
    from av.video.reformatter import ColorRange, Colorspace

    frame = VideoFrame.from_image(image).reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
    )
    frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
    return frame


def _sound(scene: Scene, samples: int) -> np.ndarray:
    """``[samples]`` float32: silence with the narration in it."""
    wave = np.zeros(samples, np.float32)
    if scene.page is not None and scene.page.narration is not None:
        spoken = scene.page.narration
        voice = np.asarray(spoken.wave, np.float32)
        if spoken.sample_rate != SAMPLE_RATE:
            import soxr

            voice = soxr.resample(voice, spoken.sample_rate, SAMPLE_RATE)
        start = round(scene.speech_seconds * SAMPLE_RATE)
        voice = voice[: samples - start]
        wave[start : start + len(voice)] = np.clip(voice, -1, 1)
    return wave


def _sound_frames(wave: np.ndarray, first: int, longest: int = SAMPLE_RATE) -> Iterator[av.AudioFrame]:
    from av import AudioFrame

    for start in range(0, len(wave), longest):
        part = np.ascontiguousarray(wave[None, start : start + longest])
        frame = AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, first + start, Fraction(1, SAMPLE_RATE)
        yield frame


def _frames(scene: Scene, before: Image | None, order: int) -> Iterator[Image]:
    """Every frame of a scene, the first ones faded from the last frame of the scene before."""
    from PIL import Image

    count = round(scene.seconds * FRAMES_PER_SECOND)
    turn = round(TURN_SECONDS * FRAMES_PER_SECOND)
    still: dict[tuple[int, int | None], Image] = {}
    for number in range(count):
        seconds = number / FRAMES_PER_SECOND - scene.speech_seconds
        sentence = _sentence(scene.page, seconds)
        leaf_number = _leaf(scene, seconds, number / count)
        leaf = scene.leaves[leaf_number]
        if (leaf_number, sentence) not in still:
            span = scene.page.spans[sentence] if scene.page and sentence is not None else None
            is_still = leaf.picture is None or leaf.picture.is_round
            still[leaf_number, sentence] = painted(leaf, glowing=span, picture=is_still)
        image = still[leaf_number, sentence]
        if leaf.picture and not leaf.picture.is_round:
            image = image.copy()
            _drift(image, leaf, number / max(1, count - 1), order)
        if before is not None and number < turn:
            image = Image.blend(before, image, (number + 1) / (turn + 1))
        yield image


def _sentence(page: Page | None, seconds: float) -> int | None:
    """Which sentence is being read."""
    if page is None or page.narration is None:
        return None
    for index, sentence in enumerate(page.sentences):
        if sentence.start_seconds <= seconds < sentence.end_seconds:
            return index
    return None


def _leaf(scene: Scene, seconds: float, share: float) -> int:
    """Which leaf is seen: the one that carries the last sentence that began; on a silent page all in turn."""
    if len(scene.leaves) == 1 or scene.page is None:
        return 0
    if scene.page.narration is None:
        return min(int(share * len(scene.leaves)), len(scene.leaves) - 1)
    begun = [
        span[0]
        for sentence, span in zip(scene.page.sentences, scene.page.spans, strict=True)
        if sentence.start_seconds <= max(seconds, 0)
    ]
    place = begun[-1] if begun else 0
    return max(i for i, leaf in enumerate(scene.leaves) if i == 0 or leaf.span[0] <= place)


def _drift(image: Image, leaf: Leaf, share: float, order: int) -> None:
    """Paint the picture, moved a little: nearer on even pages, away on odd ones, along a slow diagonal."""
    from PIL import Image as Pillow

    eased = share * share * (3 - 2 * share)
    near = eased if order % 2 == 0 else 1 - eased
    left, top, right, bottom = leaf.picture.part
    width, height = right - left, bottom - top
    cut = _ZOOM * near + 0.01
    sideways = 0.5 + 0.35 * (1 if order % 4 < 2 else -1) * (eased - 0.5)
    x, y = left + width * cut * sideways, top + height * cut * 0.45
    part = (x, y, x + width * (1 - cut), y + height * (1 - cut))
    box = tuple(round(edge) for edge in leaf.picture.box)
    size = (box[2] - box[0], box[3] - box[1])
    image.paste(opened(leaf.picture.picture).resize(size, Pillow.Resampling.BILINEAR, box=part), box[:2])
