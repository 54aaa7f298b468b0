"""Two small books, drawn and hummed here."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from pipelines.book.book import Book, Picture, narrated_page
from pipelines.speech.engine import SpokenWord, Take
from pipelines.text.segment import split

RATE = 22050
STORIES = {
    "en": (
        "The Fox and the Moon",
        "Ann Lee",
        (
            "Once upon a time a small red fox lived at the edge of the forest. “I want to touch the moon!” he said.",
            "He climbed the highest hill. The moon was still far away.\n\nAn owl asked him, “Who are you looking for?”",
            "“The moon,” said the fox. “It is too high.” The owl laughed and showed him the pond.",
            "There it lay, round and bright. The fox put out one paw, and the moon smiled at him.",
        ),
    ),
    "zh": (
        "狐狸与月亮",
        "李安",
        (
            "从前，森林边住着一只红色的小狐狸。“我想摸一摸月亮！”他说。",
            "他爬上最高的山坡。月亮还是那么远。\n\n猫头鹰问他：“你在找谁呀？”",
            "“我在找月亮。”小狐狸说，“可是它太高了。”猫头鹰笑了，带他来到池塘边。",
            "月亮就躺在水里，又圆又亮。小狐狸伸出爪子，月亮对他笑了。",
        ),
    ),
}
LABELS = {
    "en": "The pictures and the voice of this book were made by artificial intelligence (VoxTale).",
    "zh": "本书的图片与声音由人工智能生成合成（VoxTale 声绘）。",
}
SKIES = (
    ((255, 196, 140), (255, 236, 200)),
    ((120, 150, 220), (230, 220, 240)),
    ((40, 50, 100), (120, 110, 170)),
    ((20, 30, 70), (70, 90, 150)),
)


def picture(
    number: int, size: tuple[int, int] = (512, 512), alt_text: str = "A fox under the moon"
) -> Picture:
    """Hills, a moon and a fox; every number looks different."""
    width, height = size
    (r0, g0, b0), (r1, g1, b1) = SKIES[number % len(SKIES)]
    ramp = np.linspace(0, 1, height)[:, None]
    sky = np.stack([a + (b - a) * ramp for a, b in ((r0, r1), (g0, g1), (b0, b1))], axis=-1)
    image = Image.fromarray(np.broadcast_to(sky, (height, width, 3)).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    u = height / 100
    moon = (width * (0.2 + 0.18 * number), 22 * u)
    pen.ellipse((moon[0] - 9 * u, moon[1] - 9 * u, moon[0] + 9 * u, moon[1] + 9 * u), fill=(255, 244, 200))
    for hill, colour in enumerate(((96, 140, 110), (70, 116, 90), (48, 90, 74))):
        x = np.arange(0, width + 8, 8)
        y = height * (0.62 + 0.11 * hill) - np.sin(x / width * 5 + number * 2 + hill * 1.7) * 7 * u
        pen.polygon([(0, height), *zip(x.tolist(), y.tolist(), strict=True), (width, height)], fill=colour)
    x, y = width * (0.35 + 0.09 * number), 78 * u
    pen.ellipse((x - 12 * u, y - 6 * u, x + 10 * u, y + 9 * u), fill=(214, 96, 44))
    pen.polygon(
        [(x + 5 * u, y - 14 * u), (x + 22 * u, y - 4 * u), (x + 5 * u, y + 3 * u)], fill=(230, 110, 52)
    )
    pen.polygon(
        [(x + 5 * u, y - 13 * u), (x + 7 * u, y - 20 * u), (x + 11 * u, y - 11 * u)], fill=(180, 74, 34)
    )
    pen.ellipse((x + 10 * u, y - 8 * u, x + 12 * u, y - 6 * u), fill=(30, 24, 24))
    pen.polygon(
        [(x - 9 * u, y + 2 * u), (x - 28 * u, y - 9 * u), (x - 22 * u, y + 8 * u)], fill=(230, 110, 52)
    )
    out = io.BytesIO()
    image.save(out, "PNG")
    return Picture(out.getvalue(), alt_text)


def take(text: str, seconds: float | None = None) -> Take:
    """A hum with one bump a word."""
    units = text.split() if " " in text else list(text)
    seconds = seconds or 0.12 * len(units)
    time = np.arange(round(seconds * RATE)) / RATE
    beat = seconds / len(units)
    wave = 0.3 * np.sin(2 * np.pi * 220 * time) * np.abs(np.sin(np.pi * time / beat))
    words = tuple(
        SpokenWord(unit.strip(".,!?“”。，！？："), i * beat, (i + 1) * beat) for i, unit in enumerate(units)
    )
    return Take(wave.astype(np.float32), RATE, words, 1.0)


def sample_book(language: str = "en", *, narrated: bool = True, pages: int = 4) -> Book:
    title, author, texts = STORIES[language]
    made = []
    for number, text in enumerate(texts[:pages]):
        seen = picture(number, alt_text="狐狸和月亮" if language == "zh" else "A fox & the moon")
        spoken = [(s.text, take(s.text), s.pause_seconds) for s in split(text)]
        page = narrated_page(text, spoken, seen)
        made.append(page if narrated else replace(page, narration=None, sentences=()))
    return Book(
        title,
        author,
        language,
        tuple(made),
        LABELS[language],
        tags={"AIGC": '{"Label":"1","ContentProducer":"VoxTale"}'},
        voice="Ann" if narrated else None,
        silence=""
        if narrated
        else ("没有声音会说这种语言。" if language == "zh" else "No voice speaks it yet."),
        plan={"scenes": [1, 2, 3, 4], "seed": 7},
    )
