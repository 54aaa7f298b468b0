"""EPUB 3 that reads aloud: media overlays light up each sentence while its sound plays.

The pages flow with the reader's own type size instead of being fixed, so that they fit a phone and weak eyes. Written
by hand after EPUB 3.3 and its Media Overlays; ``epubcheck`` finds nothing to say.
"""

from __future__ import annotations

import uuid
import zipfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pipelines.audio.formats import encode
from pipelines.book.book import Book, Page, Picture
from pipelines.book.exports import Progress
from pipelines.book.exports.html import AI_SOURCE
from pipelines.book.exports.spoken_text import paragraphs_html
from pipelines.book.fonts import SHIPPED, Face, Faces
from pipelines.book.pages import about
from pipelines.book.pictures import Encoded, for_web
from pipelines.book.wording import wording
from pipelines.book.writing import add

STYLE = Path(__file__).parents[3] / "assets" / "book" / "epub.css"
_CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""


@dataclass(frozen=True)
class _Item:
    id: str
    href: str
    media_type: str
    attributes: str = ""


class _Package:
    """The archive and, as it grows, its manifest and spine."""

    def __init__(self, archive: zipfile.ZipFile, book: Book) -> None:
        self.archive, self.book = archive, book
        self.items: list[_Item] = []
        self.spine: list[str] = []
        self.contents: list[tuple[str, str]] = []
        self.seconds: dict[str, float] = {}
        self._pictures: dict[Picture, str] = {}

    def put(self, item: _Item, data: bytes | str, *, packed: bool = True) -> None:
        add(self.archive, f"book/{item.href}", data, packed=packed)
        self.items.append(item)

    def picture(self, picture: Picture, name: str, attributes: str = "") -> str:
        """The path of the picture; the same picture is kept once."""
        if picture not in self._pictures:
            seen: Encoded = for_web(picture, self.book.label)
            item = _Item(name, f"pictures/{name}.{seen.extension}", seen.media_type, attributes)
            self.put(item, seen.data, packed=False)
            self._pictures[picture] = item.href
        return self._pictures[picture]

    def page(self, name: str, title: str, body: str, *, overlay: str = "") -> None:
        language = escape(self.book.language)
        document = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
            '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
            f'lang="{language}" xml:lang="{language}">\n<head><meta charset="UTF-8"/><title>{escape(title)}</title>'
            '<link rel="stylesheet" type="text/css" href="book.css"/></head>\n'
            f"<body>\n{body}\n</body>\n</html>\n"
        )
        attributes = f' media-overlay="{overlay}"' if overlay else ""
        self.put(_Item(name, f"{name}.xhtml", "application/xhtml+xml", attributes), document)
        self.spine.append(name)
        self.contents.append((f"{name}.xhtml", title))


def write(book: Book, path: Path, faces: Faces, progress: Progress) -> None:
    words = wording(book.language)
    with zipfile.ZipFile(path, "w") as archive:
        add(archive, "mimetype", "application/epub+zip", packed=False)
        add(archive, "META-INF/container.xml", _CONTAINER)
        package = _Package(archive, book)
        families = _fonts(package, faces)
        package.put(_Item("style", "book.css", "text/css"), families + STYLE.read_text(encoding="utf-8"))
        _cover(package, words)
        for number, page in enumerate(book.pages, start=1):
            _page(package, page, number, words["page"].format(page=number))
            progress(number / (len(book.pages) + 1))
        _end(package, words)
        _navigation(package, words["pages"])
        add(archive, "book/book.opf", _opf(package))


def _cover(package: _Package, words) -> None:
    book = package.book
    by = f'<p class="by">{escape(words["by"].format(author=book.author))}</p>' if book.author.strip() else ""
    figure = ""
    if book.front:
        href = package.picture(book.front, "cover-picture", ' properties="cover-image"')
        figure = f'<figure><img src="{href}" alt="{escape(book.front.alt_text)}"/></figure>'
    title = f"<h1>{escape(book.title)}</h1>"
    package.page(
        "cover", words["cover"], f'<section class="cover" epub:type="cover">{figure}{title}{by}</section>'
    )


def _page(package: _Package, page: Page, number: int, title: str) -> None:
    name, book, figure = f"page-{number:03d}", package.book, ""
    if page.picture:
        href = package.picture(page.picture, f"picture-{number:03d}")
        figure = f'<figure><img src="{href}" alt="{escape(page.picture.alt_text)}"/></figure>\n'
    parts: list[tuple[int, int]] = []

    def sentence(index: int, part: int) -> str:
        parts.append((index, part))
        return f'<span id="s{index}-{part}">'

    text = paragraphs_html(page, sentence)
    overlay = ""
    if page.narration is not None and parts:
        overlay = f"sound-{number:03d}"
        tags = {"title": f"{book.title} {number}", "comment": book.label, **book.tags}
        sound = encode(page.narration.wave, page.narration.sample_rate, "mp3", tags)
        item = _Item(f"voice-{number:03d}", f"voice/{name}.mp3", "audio/mpeg")
        package.put(item, sound, packed=False)
        smil, seconds = _smil(page, name, item.href, parts)
        package.put(_Item(overlay, f"{name}.smil", "application/smil+xml"), smil)
        package.seconds[overlay] = seconds
    package.page(
        name, title, f'<section id="page" epub:type="bodymatter">{figure}{text}</section>', overlay=overlay
    )


def _smil(page: Page, name: str, sound: str, parts: list[tuple[int, int]]) -> tuple[str, float]:
    """One ``par`` a sentence, up to where the next one begins, so that the pauses are heard as well."""
    pars, total = [], 0.0
    first_parts = [index for index, part in parts if part == 0]
    assert page.narration is not None
    for order, index in enumerate(first_parts):
        begin = page.sentences[index].start_seconds or 0.0
        following = first_parts[order + 1] if order + 1 < len(first_parts) else None
        end = page.narration.seconds if following is None else page.sentences[following].start_seconds or 0.0
        if end - begin < 0.001:
            continue
        total += round(end, 3) - round(begin, 3)
        pars.append(
            f'<par id="p{index}"><text src="{name}.xhtml#s{index}-0"/>'
            f'<audio src="{sound}" clipBegin="{begin:.3f}s" clipEnd="{end:.3f}s"/></par>'
        )
    body = "\n".join(pars)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<smil xmlns="http://www.w3.org/ns/SMIL" '
        'xmlns:epub="http://www.idpf.org/2007/ops" version="3.0">\n<body>\n'
        f'<seq id="page" epub:textref="{name}.xhtml#page" epub:type="bodymatter">\n{body}\n</seq>\n</body>\n</smil>\n'
    ), total


def _end(package: _Package, words) -> None:
    lines = "".join(f"<p>{escape(line)}</p>" for line in about(package.book))
    label = f'<p class="label">{escape(package.book.label)}</p>'
    body = f'<section class="end" epub:type="colophon"><h2>{escape(words["the_end"])}</h2>{lines}{label}</section>'
    package.page("end", words["the_end"], body)


def _navigation(package: _Package, title: str) -> None:
    rows = "\n".join(f'<li><a href="{href}">{escape(name)}</a></li>' for href, name in package.contents)
    language = escape(package.book.language)
    package.put(
        _Item("navigation", "navigation.xhtml", "application/xhtml+xml", ' properties="nav"'),
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
        f'lang="{language}" xml:lang="{language}">\n<head><meta charset="UTF-8"/><title>{escape(title)}</title></head>\n'
        f'<body><nav epub:type="toc" id="toc"><h1>{escape(title)}</h1><ol>\n{rows}\n</ol></nav></body>\n</html>\n',
    )


def _fonts(package: _Package, faces: Faces) -> str:
    """Shipped fonts go along as subsets; others may not be passed on, so the reader's own stand in."""
    used: dict[Face, set[str]] = {}
    book = package.book
    texts = [book.title, book.author, book.label, *about(book), *(page.text for page in book.pages)]
    for face, run, _ in faces.runs("".join([*texts, *wording(book.language).values()])):
        used.setdefault(face, set()).update(run)
    css, families = "", []
    for face, characters in used.items():
        if face.path.parent == SHIPPED:
            item = _Item(f"font-{face.name}", f"fonts/{face.name}.ttf", "font/ttf")
            package.put(item, face.subset(characters | {" "}))
            css += f'@font-face {{ font-family: "{face.name}"; src: url("{item.href}"); }}\n'
            families.append(f'"{face.name}"')
    return f"{css}body {{ font-family: {', '.join([*families, 'serif'])}; }}\n"


def _clock(seconds: float) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{int(hours)}:{int(rest // 60):02d}:{rest % 60:06.3f}"


def _opf(package: _Package) -> str:
    book = package.book
    identifier = uuid.uuid5(uuid.NAMESPACE_URL, f"voxtale:{book.fingerprint}")
    day = book.made_on.isoformat() if book.made_on else "2000-01-01"
    metadata = [
        f'<dc:identifier id="book-id">urn:uuid:{identifier}</dc:identifier>',
        f"<dc:title>{escape(book.title.strip()) or '-'}</dc:title>",
        f"<dc:language>{escape(book.language)}</dc:language>",
        f"<dc:description>{escape(book.label)}</dc:description>",
        f"<dc:source>{AI_SOURCE}</dc:source>",
        f'<meta property="dcterms:modified">{day}T00:00:00Z</meta>',
        *(
            f'<meta property="voxtale:{escape(name)}">{escape(text)}</meta>'
            for name, text in book.tags.items()
        ),
        '<meta property="schema:accessMode">textual</meta>',
        '<meta property="schema:accessModeSufficient">textual</meta>',
        '<meta property="schema:accessibilityFeature">alternativeText</meta>',
        '<meta property="schema:accessibilityFeature">tableOfContents</meta>',
        '<meta property="schema:accessibilityHazard">none</meta>',
    ]
    if book.made_on:
        metadata.append(f"<dc:date>{day}</dc:date>")
    if book.front:
        metadata.append('<meta property="schema:accessMode">visual</meta>')
    if book.author.strip():
        metadata.append(f'<dc:creator id="author">{escape(book.author.strip())}</dc:creator>')
    if package.seconds:
        metadata += [
            '<meta property="schema:accessMode">auditory</meta>',
            '<meta property="schema:accessibilityFeature">synchronizedAudioText</meta>',
            f'<meta property="media:duration">{_clock(sum(package.seconds.values()))}</meta>',
            '<meta property="media:active-class">reading</meta>',
        ]
        if book.voice:
            metadata.append(f'<meta property="media:narrator">{escape(book.voice)}</meta>')
        for overlay, seconds in package.seconds.items():
            metadata.append(f'<meta property="media:duration" refines="#{overlay}">{_clock(seconds)}</meta>')
    items = [
        f'<item id="{item.id}" href="{item.href}" media-type="{item.media_type}"{item.attributes}/>'
        for item in package.items
    ]
    spine = [f'<itemref idref="{name}"/>' for name in package.spine]
    lines = "\n".join
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="book-id" '
        f'xml:lang="{escape(book.language)}" prefix="voxtale: https://voxtale.invalid/terms#">\n'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n{lines(metadata)}\n</metadata>\n'
        f"<manifest>\n{lines(items)}\n</manifest>\n<spine>\n{lines(spine)}\n</spine>\n</package>\n"
    )
