"""One HTML file that opens anywhere: pages that turn, sound, the sentence being read lit up. It loads nothing."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

from pipelines.audio.formats import encode
from pipelines.book.book import Book, Page, Picture
from pipelines.book.exports import Progress
from pipelines.book.exports.spoken_text import paragraphs_html
from pipelines.book.fonts import SHIPPED, Face, Faces
from pipelines.book.pages import about
from pipelines.book.pictures import for_web
from pipelines.book.wording import wording
from pipelines.book.writing import legible

READER = Path(__file__).parents[3] / "assets" / "book" / "reader"
AI_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""What IPTC calls a work made by a trained model."""


def write(book: Book, path: Path, faces: Faces, progress: Progress) -> None:
    words = wording(book.language)
    leaves, sounds = [_cover(book, words)], []
    for index, page in enumerate(book.pages):
        leaves.append(_page(page, index, words, book))
        sounds.append(_sound(page, index, book))
        progress((index + 1) / (len(book.pages) + 1))
    leaves.append(_end(book, words))
    document = Template((READER / "book.html").read_text(encoding="utf-8")).substitute(
        language=escape(book.language),
        title=escape(book.title),
        author=escape(book.author),
        label=escape(book.label),
        source=AI_SOURCE,
        tags="".join(
            f'<meta name="{escape(name)}" content="{escape(text)}">\n' for name, text in book.tags.items()
        ),
        style=_fonts(book, faces) + (READER / "book.css").read_text(encoding="utf-8"),
        leaves="\n".join(leaves),
        sounds="\n".join(sounds),
        script=(READER / "book.js").read_text(encoding="utf-8"),
        narrated="true" if book.is_narrated else "false",
        words=_json({name: words[name] for name in ("listen", "pause", "cover", "the_end", "page")}),
        **{f"say_{name}": escape(text) for name, text in words.items()},
    )
    path.write_text(legible(document), encoding="utf-8", newline="\n")


def _json(value: object) -> str:
    """Safe inside ``<script>``."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode()}"


def _figure(picture: Picture | None, label: str) -> str:
    if picture is None:
        return ""
    seen = for_web(picture, label)
    return (
        f'<figure><img src="{_uri(seen.data, seen.media_type)}" alt="{escape(picture.alt_text)}" '
        f'width="{seen.width}" height="{seen.height}"></figure>'
    )


def _cover(book: Book, words: Mapping[str, str]) -> str:
    by = f'<p class="by">{escape(words["by"].format(author=book.author))}</p>' if book.author.strip() else ""
    if book.is_narrated and book.voice:
        by += f'<p class="by">{escape(words["read_by"].format(voice=book.voice))}</p>'
    return (
        f'<section class="leaf cover {_length(book.title)}" aria-label="{escape(words["cover"])}">{_figure(book.front, book.label)}'
        f'<div class="words"><h1>{escape(book.title)}</h1><hr>{by}</div></section>'
    )


def _page(page: Page, index: int, words: Mapping[str, str], book: Book) -> str:
    def sentence(number: int, part: int) -> str:
        timed = page.sentences[number]
        if page.narration is None:
            return "<span>"
        return f'<span class="s" data-n="{number}" data-a="{timed.start_seconds:.3f}" data-b="{timed.end_seconds:.3f}">'

    def word(begin: float, end: float) -> str:
        return f'<span class="w" data-a="{begin:.3f}" data-b="{end:.3f}">'

    text = paragraphs_html(page, sentence, word if page.narration is not None else None)
    kind = f"leaf page {_length(page.text)}" + ("" if page.picture else " bare")
    name = words["page"].format(page=index + 1)
    return (
        f'<section class="{kind}" data-page="{index}" aria-label="{escape(name)}">'
        f"{_figure(page.picture, book.label)}"
        f'<div class="words"><div class="text">{text}</div><p class="folio" aria-hidden="true">{index + 1}</p></div></section>'
    )


def _length(text: str) -> str:
    """Short pages and titles are set large. A Chinese character takes the room of two letters."""
    columns = sum(2 if ord(char) > 0x2E7F else 1 for char in text)
    return "short" if columns <= 130 else "long" if columns > 330 else "middling"


def _sound(page: Page, index: int, book: Book) -> str:
    if page.narration is None:
        return ""
    tags = {"title": f"{book.title} {index + 1}", "comment": book.label, **book.tags}
    sound = encode(page.narration.wave, page.narration.sample_rate, "mp3", tags)
    return f'<audio data-page="{index}" preload="metadata" src="{_uri(sound, "audio/mpeg")}"></audio>'


def _end(book: Book, words: Mapping[str, str]) -> str:
    lines = "".join(f"<p>{escape(line)}</p>" for line in about(book))
    front = _figure(book.front, book.label).replace('alt="', 'data-alt="').replace("<img", '<img alt=""')
    return (
        f'<section class="leaf end" aria-label="{escape(words["the_end"])}"><div class="words">{front}'
        f'<h2>{escape(words["the_end"])}</h2><hr><div class="about">{lines}</div>'
        f'<button type="button" class="again">{escape(words["again"])}</button>'
        f'<p class="label">{escape(book.label)}</p></div></section>'
    )


def _fonts(book: Book, faces: Faces) -> str:
    """The letters of the book out of the fonts that ship. What they lack the reader's own fonts draw."""
    own = "".join([book.title, book.author, book.label, book.voice or "", book.silence, *about(book)])
    used: dict[Face, set[str]] = {}
    texts = [own, *(page.text for page in book.pages), *wording(book.language).values(), "0123456789"]
    for face, run, _ in faces.runs("".join(texts)):
        used.setdefault(face, set()).update(run)
    css = ""
    for face, characters in used.items():
        if face.path.parent == SHIPPED:
            data = _uri(face.subset(characters | {" "}, "woff"), "font/woff")
            css += (
                f"@font-face{{font-family:{face.name};src:url({data}) format('woff');font-display:block}}\n"
            )
    families = ",".join(face.name for face in used if face.path.parent == SHIPPED)
    return f"{css}:root{{--type:{families},serif}}\n" if families else ""
