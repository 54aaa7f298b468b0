"""Pictures with captions for the storybook painter: random scenes, rendered by worker processes."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np

from pipelines.illustration.captions import PEOPLE, caption
from pipelines.illustration.drawing import subjects
from pipelines.illustration.layout import COLOURS, Look, Scene, arrange, boxes, compose
from pipelines.illustration.palette import PALETTES
from pipelines.illustration.places import PLACES

SIZE = 256
CHUNK = 256
CELL = 8
"""Pixels of a picture, in each direction, that one latent stands for."""
VARIANTS = 4
BACKGROUND_SEEDS = 24
SUBJECTS, PLACE_NAMES, PALETTE_NAMES = tuple(subjects()), tuple(PLACES), tuple(PALETTES)
MIRRORED = {"left": "right", "right": "left"}


def held_out(subject: str, place: str) -> bool:
    """One subject x place pair in ten is never trained on, and asked for in every measurement."""
    return zlib.crc32(f"{subject}/{place}".encode()) % 10 == 0


def random_look(name: str, rng: Random) -> Look:
    drawing = subjects()[name]
    share = 0.3 if name in PEOPLE else 0.35 if drawing.neck is None else 0.15
    colours = ((drawing.main_slot, rng.choice(list(COLOURS))),) if rng.random() < share else ()
    wearing = []
    if drawing.neck and rng.random() < 0.16:
        wearing.append((rng.choice(("scarf", "scarf", "bow")), rng.choice(list(COLOURS))))
    if drawing.head and rng.random() < 0.07:
        wearing.append((rng.choice(("hat", "crown")), rng.choice(list(COLOURS))))
    return Look(name, colours, tuple(wearing))


def random_scene(place: str, rng: Random) -> Scene:
    """A training scene at a place: mostly one subject, often close up, never a held-out pair."""
    known = [name for name in SUBJECTS if not held_out(name, place)]
    count = rng.choices((1, 2, 3), (0.68, 0.25, 0.07))[0]
    looks = [random_look(name, rng) for name in rng.sample(known, count)]
    scene = arrange(place, rng.choice(PALETTE_NAMES), looks, rng.randrange(1 << 30))
    return replace(scene, seed=rng.randrange(BACKGROUND_SEEDS))


def held_out_scenes(count: int, seed: int) -> list[Scene]:
    """Scenes of one subject each, all of them held-out pairs."""
    rng = Random(seed)
    pairs = [(name, place) for name in SUBJECTS for place in PLACE_NAMES if held_out(name, place)]
    rng.shuffle(pairs)
    scenes = []
    for index in range(count):
        name, place = pairs[index % len(pairs)]
        scene = arrange(place, rng.choice(PALETTE_NAMES), [Look(name)], rng.randrange(1 << 30))
        scenes.append(replace(scene, seed=rng.randrange(BACKGROUND_SEEDS)))
    return scenes


def mirrored(scene: Scene) -> Scene:
    """The scene as the mirror shows it; only its wording differs."""
    return replace(scene, shot=MIRRORED.get(scene.shot, scene.shot))


def captions(count: int, seed: int) -> Iterator[str]:
    """Captions alone, to train a tokenizer on."""
    rng = Random(seed)
    for _ in range(count):
        yield caption(random_scene(rng.choice(PLACE_NAMES), rng), rng)


@dataclass(frozen=True)
class Chunk:
    """Rendered scenes of one place: one subject or more, close-up or not, the latents [scene, 32, 32] that actors
    cover, captions [scene][mirror][variant]."""

    index: int
    single: np.ndarray
    near: np.ndarray
    covered: np.ndarray
    captions: list


def _picture(scene: Scene) -> np.ndarray:
    return np.asarray(compose(scene, SIZE))


def covered(scene: Scene) -> np.ndarray:
    """Which latents [32, 32] of a picture the boxes of the scene's actors touch."""
    found = np.zeros((SIZE // CELL, SIZE // CELL), bool)
    for box in boxes(scene, SIZE):
        found[box.top // CELL : -(-box.bottom // CELL), box.left // CELL : -(-box.right // CELL)] = True
    return found


def _render(job: tuple[str, int, int, int]) -> Chunk:
    path, total, index, seed = job
    pixels = np.memmap(path, np.uint8, "r+", shape=(total, SIZE, SIZE, 3))
    place, rng = index % len(PLACE_NAMES), Random(f"{seed}/{index}")
    single, near, actors, words = np.zeros(CHUNK, bool), np.zeros(CHUNK, bool), [], []
    for row in range(CHUNK):
        scene = random_scene(PLACE_NAMES[place], rng)
        pixels[index * CHUNK + row] = np.asarray(compose(scene, SIZE))
        single[row] = len(scene.actors) == 1
        near[row] = scene.shot == "close-up"
        actors.append(covered(scene))
        views = (scene, mirrored(scene))
        words.append([[caption(view, rng) for _ in range(VARIANTS)] for view in views])
    return Chunk(index, single, near, np.stack(actors), words)


class SceneFactory:
    """Renders `count` scenes (a multiple of CHUNK) into `pixels` [scene, 256, 256, 3] in the background."""

    def __init__(self, count: int, workers: int, seed: int, tests: list[Scene]) -> None:
        self.chunks, self.test_scenes = count // CHUNK, tests
        shape = (count, SIZE, SIZE, 3)
        memory = Path("/dev/shm")
        roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1.2 * np.prod(shape)
        self._folder = tempfile.TemporaryDirectory(prefix="storybook-", dir=memory if roomy else None)
        path = str(Path(self._folder.name) / "pixels.bin")
        self.pixels = np.memmap(path, np.uint8, "w+", shape=shape)
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
        self._pool = context.Pool(workers)
        self._tests = self._pool.map_async(_picture, tests, chunksize=8)
        jobs = ((path, count, index, seed) for index in range(self.chunks))
        self._results = self._pool.imap_unordered(_render, jobs)
        self.finished = 0

    def tests(self) -> np.ndarray:
        """The test scenes' pictures [count, 256, 256, 3]; waits for them."""
        return np.stack(self._tests.get())

    def ready(self, timeout_seconds: float) -> Chunk | None:
        """The next finished chunk; None when none is ready in time."""
        if self.finished == self.chunks:
            return None
        try:
            chunk = self._results.next(timeout_seconds)
        except multiprocessing.TimeoutError:
            return None
        self.finished += 1
        return chunk

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()
        self._folder.cleanup()
