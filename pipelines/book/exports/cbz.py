"""CBZ: numbered pages and ComicInfo.xml, for comic readers."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree

from pipelines.book.book import Book
from pipelines.book.exports import Progress
from pipelines.book.fonts import Faces
from pipelines.book.pages import SHAPES, Leaf, about, lay_out, painted
from pipelines.book.pictures import as_jpeg
from pipelines.book.writing import add


def write(book: Book, path: Path, faces: Faces, progress: Progress) -> None:
    leaves = lay_out(book, SHAPES["portrait"], faces)
    with zipfile.ZipFile(path, "w") as archive:
        add(archive, "ComicInfo.xml", _information(book, leaves))
        for number, leaf in enumerate(leaves, start=1):
            add(archive, f"page-{number:03d}.jpg", as_jpeg(painted(leaf), book.label), packed=False)
            progress(number / len(leaves))


def _information(book: Book, leaves: tuple[Leaf, ...]) -> str:
    """Elements in the order of the schema, ComicInfo 2.0."""
    root = ElementTree.Element("ComicInfo")
    notes = [book.label, *(f"{name}: {text}" for name, text in book.tags.items())]
    for name, text in (
        ("Title", book.title),
        ("Summary", "\n".join(about(book))),
        ("Notes", "\n".join(notes)),
        ("Year", str(book.made_on.year) if book.made_on else ""),
        ("Month", str(book.made_on.month) if book.made_on else ""),
        ("Day", str(book.made_on.day) if book.made_on else ""),
        ("Writer", book.author),
        ("PageCount", str(len(leaves))),
        ("LanguageISO", book.language),
    ):
        if text:
            ElementTree.SubElement(root, name).text = text
    pages = ElementTree.SubElement(root, "Pages")
    kinds = {"cover": "FrontCover", "page": "Story", "end": "BackCover"}
    for number, leaf in enumerate(leaves):
        ElementTree.SubElement(pages, "Page", Image=str(number), Type=kinds[leaf.kind])
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")
