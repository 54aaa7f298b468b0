from __future__ import annotations

import errno
import io
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from PIL import Image

from pipelines.book.book import Book, Page, Picture
from pipelines.book.exports import FORMATS, export
from pipelines.book.exports.mp4 import AFTER_SECONDS, BEFORE_SECONDS, COVER_SECONDS, END_SECONDS
from pipelines.book.exports.project import open_project
from pipelines.failure import Cancelled, CraftError
from tests.pipelines.book.samples import LABELS, picture, sample_book

EPUBCHECK = Path("/usr/bin/epubcheck")
LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Each export of each sample book, made once."""
    folder = tmp_path_factory.mktemp("books")

    @cache
    def make(format: str, language: str, narrated: bool = True) -> Path:
        path = folder / f"{language}{'' if narrated else '-silent'}{FORMATS[format].extension}"
        book = sample_book(language, narrated=narrated, pages=4 if narrated else 2)
        export(replace(book, made_on=date(2026, 5, 4)), format, path)
        return path

    return make


def epubcheck(path: Path) -> None:
    """Debian's package is a jar that only some kernels start by themselves."""
    if not EPUBCHECK.exists() or not shutil.which("java"):
        pytest.skip("epubcheck is not installed")
    result = subprocess.run(
        ["java", "-jar", str(EPUBCHECK), "--failonwarnings", str(path)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr


class Elements(HTMLParser):
    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.found if t == tag and wanted.items() <= a.items()]


def test_every_pdf_of_a_process_has_its_own_letters() -> None:
    from reportlab.pdfbase.pdfmetrics import getFont

    from pipelines.book.exports.pdf import _embedded
    from pipelines.book.fonts import Faces
    from pipelines.book.pages import SHAPES, lay_out

    for text in ("小熊坐在河边吃浆果。", "春天来了，丑小鸭变成了美丽的白天鹅！", "Zebra & Quokka"):
        book = replace(sample_book("zh", narrated=False), title=text, pages=(Page(text),))
        leaves = lay_out(book, SHAPES["album"], Faces("zh"))
        with _embedded(leaves) as names:
            for piece in (piece for leaf in leaves for piece in leaf.pieces):
                assert all(ord(char) in getFont(names[piece.face]).face.charToGlyph for char in piece.text)


def test_a_cover_without_a_word_is_no_reason_to_fail(tmp_path: Path) -> None:
    book = replace(sample_book(narrated=False), title="🦊🌙", author="")
    export(book, "pdf", tmp_path / "quiet.pdf")
    assert (tmp_path / "quiet.pdf").read_bytes().startswith(b"%PDF-1.")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("narrated", [True, False])
def test_html_holds_everything(made: Callable[..., Path], language: str, narrated: bool) -> None:
    book = sample_book(language, narrated=narrated, pages=4 if narrated else 2)
    document = made("html", language, narrated).read_text(encoding="utf-8")
    page = Elements(document)
    assert page.all("html", lang=language)
    assert len(page.all("section")) == len(book.pages) + 2
    assert len(page.all("audio")) == (len(book.pages) if narrated else 0)
    assert len(page.all("span", **{"class": "s"})) == (
        sum(len(p.sentences) for p in book.pages) if narrated else 0
    )
    for each in book.pages:
        assert "".join(each.text.split()) in "".join(page.text.split())
    assert book.label in page.text and page.all("meta", name="AIGC") and page.all("meta", name="description")
    assert narrated or book.silence in page.text
    outside = [
        a for _, a in page.found for k in ("src", "href") if (a.get(k) or "data:").split(":")[0] != "data"
    ]
    assert outside == [] and "url(http" not in document
    assert all(image["alt"] or "data-alt" in image for image in page.all("img"))


def test_text_cannot_break_out_of_the_html(tmp_path: Path) -> None:
    evil = '</script><script>alert(1)</script> & "quotes" <img src=x onerror=alert(2)> $title'
    book = replace(
        sample_book(narrated=False),
        title=evil,
        author=evil,
        silence=evil,
        pages=(Page(evil, picture=picture(0, alt_text=evil)),),
    )
    export(book, "html", tmp_path / "evil.html")
    page = Elements((tmp_path / "evil.html").read_text(encoding="utf-8"))
    assert len(page.all("script")) == 2 and not page.all("img", src="x")
    assert evil in page.text
    export(book, "epub", tmp_path / "evil.epub")
    epubcheck(tmp_path / "evil.epub")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pdf_renders_and_its_text_can_be_copied(
    made: Callable[..., Path], language: str, tmp_path: Path
) -> None:
    if not shutil.which("pdftoppm"):
        pytest.skip("poppler is not installed")
    path, book = made("pdf", language), sample_book(language)
    assert path.stat().st_size < 2**20
    subprocess.run(["pdftoppm", "-r", "40", "-png", path, tmp_path / "page"], check=True, timeout=60)
    pages = sorted(tmp_path.glob("page*.png"))
    assert len(pages) == 6
    for number, page in enumerate(pages):
        pixels = np.asarray(Image.open(page).convert("RGB")).astype(int)
        assert pixels.std() > (8 if number == 5 else 25)
    text = subprocess.run(
        ["pdftotext", path, "-"], capture_output=True, check=True, timeout=60
    ).stdout.decode()
    for page in book.pages:
        assert re.sub(r"\s", "", page.text) in re.sub(r"\s", "", text)
    assert language == "zh" or "a small red fox lived at the edge" in re.sub(r"\s+", " ", text)
    assert re.sub(r"\s", "", book.label) in re.sub(r"\s", "", text)
    fonts = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True, timeout=60).stdout
    rows = [row.split() for row in fonts.splitlines()[2:]]
    assert rows and all(row[3:6] == ["yes", "yes", "yes"] for row in rows), "embedded, a subset, with Unicode"
    about = subprocess.run(["pdfinfo", path], capture_output=True, check=True, timeout=60).stdout.decode()
    assert book.title in about and book.label in about and "AIGC" in about


def test_pdf_draws_no_boxes_for_missing_letters(made: Callable[..., Path]) -> None:
    """No leaf asks a face for a letter it lacks, the space included."""
    content = made("pdf", "zh").read_bytes()
    assert content.startswith(b"%PDF-1.") and content.rstrip().endswith(b"%%EOF")
    from pipelines.book.exports.pdf import _is_spaced
    from pipelines.book.fonts import Faces
    from pipelines.book.pages import SHAPES, lay_out

    for leaf in lay_out(sample_book("zh"), SHAPES["album"], Faces("zh")):
        for piece, following in zip(leaf.pieces, (*leaf.pieces[1:], None), strict=True):
            shown = piece.text + (" " if _is_spaced(piece, following) else "")
            assert all(piece.face.covers(char) for char in shown)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("narrated", [True, False])
def test_epub_passes_epubcheck(made: Callable[..., Path], language: str, narrated: bool) -> None:
    epubcheck(made("epub", language, narrated))


@pytest.mark.parametrize("language", LANGUAGES)
def test_epub_reads_aloud(made: Callable[..., Path], language: str) -> None:
    book = sample_book(language)
    space = {"s": "http://www.w3.org/ns/SMIL", "o": "http://www.idpf.org/2007/opf"}
    with zipfile.ZipFile(made("epub", language)) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        package = ElementTree.fromstring(archive.read("book/book.opf"))
        hrefs = {f"book/{item.get('href')}" for item in package.findall(".//o:item", space)}
        assert hrefs | {"mimetype", "META-INF/container.xml", "book/book.opf"} == set(archive.namelist())
        assert book.label in archive.read("book/book.opf").decode()
        assert book.label in archive.read("book/end.xhtml").decode()
        total = 0.0
        for number, page in enumerate(book.pages, start=1):
            smil = ElementTree.fromstring(archive.read(f"book/page-{number:03d}.smil"))
            document = archive.read(f"book/page-{number:03d}.xhtml").decode()
            clips = smil.findall(".//s:audio", space)
            assert len(clips) == len(page.sentences)
            ends = [float(clip.get("clipEnd")[:-1]) for clip in clips]
            begins = [float(clip.get("clipBegin")[:-1]) for clip in clips]
            assert begins[1:] == ends[:-1] and ends[-1] == pytest.approx(page.narration.seconds, abs=0.002)
            for text in smil.findall(".//s:text", space):
                assert f'id="{text.get("src").split("#")[1]}"' in document
            with av.open(io.BytesIO(archive.read(f"book/voice/page-{number:03d}.mp3"))) as sound:
                assert sound.duration / 1e6 >= page.narration.seconds - 0.01
            total += ends[-1]
        stated = package.find("o:metadata/o:meta[@property='media:duration']", space).text
        hours, minutes, seconds = stated.split(":")
        assert int(hours) * 3600 + int(minutes) * 60 + float(seconds) == pytest.approx(total, abs=0.01)


def test_the_day_a_book_was_made_is_in_its_files(made: Callable[..., Path]) -> None:
    assert b"/CreationDate (D:20260504)" in made("pdf", "en").read_bytes()
    with zipfile.ZipFile(made("epub", "en")) as archive:
        assert "<dc:date>2026-05-04</dc:date>" in archive.read("book/book.opf").decode()
    with zipfile.ZipFile(made("cbz", "en")) as archive:
        assert "<Year>2026</Year>" in archive.read("ComicInfo.xml").decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_cbz_opens(made: Callable[..., Path], language: str) -> None:
    book = sample_book(language)
    with zipfile.ZipFile(made("cbz", language)) as archive:
        assert archive.testzip() is None
        about = ElementTree.fromstring(archive.read("ComicInfo.xml"))
        pages = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        assert len(pages) == 6 == int(about.findtext("PageCount")) == len(about.findall("Pages/Page"))
        assert about.findtext("Title") == book.title and about.findtext("LanguageISO") == language
        assert book.label in about.findtext("Notes")
        for name in pages:
            image = Image.open(io.BytesIO(archive.read(name)))
            image.load()
            assert image.size == (1200, 1600) and np.asarray(image).std() > 5
            assert image.info["comment"].decode() == book.label


@pytest.mark.parametrize("language", LANGUAGES)
def test_mp4_lasts_as_long_as_narration_and_pauses(made: Callable[..., Path], language: str) -> None:
    book, path = sample_book(language), made("mp4", language)
    pauses = COVER_SECONDS + END_SECONDS + len(book.pages) * (BEFORE_SECONDS + AFTER_SECONDS)
    with av.open(str(path)) as film:
        video, sound = film.streams.video[0], film.streams.audio[0]
        assert film.duration / 1e6 == pytest.approx(book.seconds + pauses, abs=len(book.pages) / 12 + 0.1)
        assert (video.codec_context.width, video.codec_context.height, video.codec_context.pix_fmt) == (
            1280,
            720,
            "yuv420p",
        )
        assert video.codec_context.name in ("h264", "vp9", "libdav1d", "libvpx-vp9")
        assert sound.codec_context.name == "aac"
        assert sound.metadata["language"] == {"en": "eng", "zh": "zho"}[language]
        assert float(sound.duration * sound.time_base) == pytest.approx(film.duration / 1e6, abs=0.2)
        assert film.metadata["title"] == book.title and film.metadata["comment"] == book.label
        assert "AIGC" in film.metadata["description"]
        seen = [frame.to_ndarray(format="rgb24") for i, frame in enumerate(film.decode(video)) if i % 24 == 0]
    assert all(frame.mean() > 40 and frame.std() > 10 for frame in seen)
    drift = [np.abs(a.astype(int) - b).mean() for a, b in zip(seen, seen[1:], strict=False)]
    assert max(drift) > 5 and np.median(drift) > 0.1
    head = path.read_bytes()[:200_000]
    assert 0 < head.find(b"moov") < (head.find(b"mdat") if b"mdat" in head else len(head))


def test_the_film_speaks_where_the_page_does(made: Callable[..., Path]) -> None:
    book = sample_book("en")
    with av.open(str(made("mp4", "en"))) as film:
        rate = film.streams.audio[0].rate
        wave = np.concatenate([frame.to_ndarray()[0] for frame in film.decode(audio=0)])
    loud = np.abs(wave)
    assert loud[: round((COVER_SECONDS + BEFORE_SECONDS - 0.1) * rate)].max() < 0.02
    start = round((COVER_SECONDS + BEFORE_SECONDS) * rate)
    assert loud[start : start + round(book.pages[0].sentences[0].end_seconds * rate)].max() > 0.2


@pytest.fixture
def few_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """A film drawn more coarsely in time, where that is not what is tested."""
    monkeypatch.setattr("pipelines.book.exports.mp4.FRAMES_PER_SECOND", 2)


def test_a_silent_film_shows_each_page_long_enough_to_read(
    made: Callable[..., Path], few_frames: None
) -> None:
    with av.open(str(made("mp4", "zh", False))) as film:
        assert not film.streams.audio
        assert film.duration / 1e6 >= COVER_SECONDS + END_SECONDS + 2 * 5.5


@pytest.mark.parametrize("format", ["pdf", "cbz", "project"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_silent_book_is_a_book(made: Callable[..., Path], format: str, language: str) -> None:
    assert made(format, language, False).stat().st_size > 10_000


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_book_gives_the_same_bytes(format: str, tmp_path: Path, few_frames: None) -> None:
    book = sample_book("zh", pages=1)
    export(book, format, tmp_path / "one")
    export(sample_book("zh", pages=1), format, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    format: str, tmp_path: Path, few_frames: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "book"
    path.write_bytes(b"the old one")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CraftError) as caught:
        export(sample_book(pages=1, narrated=False), format, path)
    assert caught.value.code == "disk_full"
    assert [p.name for p in tmp_path.iterdir()] == ["book"] and path.read_bytes() == b"the old one"


@pytest.mark.parametrize("format", FORMATS)
def test_a_really_full_disk(format: str, tmp_path: Path) -> None:
    """A limit on file size stands in for the end of the disk: the writes themselves fail."""
    program = f"""
import resource, signal, sys
from pathlib import Path
from pipelines.book.exports import export, mp4
from pipelines.failure import CraftError
from tests.pipelines.book.samples import sample_book
mp4.FRAMES_PER_SECOND = 2
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    export(sample_book(pages=1), {format!r}, Path(sys.argv[1]))
except CraftError as error:
    print(error.code)
"""
    result = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "book"], capture_output=True, text=True, timeout=120
    )
    assert result.stdout.strip().endswith("disk_full"), result.stderr[-2000:]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_broken_picture_is_named_and_nothing_is_written(format: str, tmp_path: Path) -> None:
    book = sample_book(pages=2)
    broken = replace(book.pages[1], picture=Picture(picture(1).png[:900], "cut off"))
    with pytest.raises(CraftError) as caught:
        export(replace(book, pages=(book.pages[0], broken)), format, tmp_path / "book")
    assert (caught.value.code, caught.value.facts) == ("book_picture_broken", {"page": 2})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_stopping_leaves_nothing(format: str, tmp_path: Path) -> None:
    def stop(share: float) -> None:
        assert 0 <= share <= 1
        if share > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        export(sample_book(pages=2, narrated=False), format, tmp_path / "book", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CraftError) as caught:
        export(sample_book(), "docx", tmp_path / "book")
    assert caught.value.code == "book_format_unknown"


def test_control_characters_and_emoji_do_no_harm(tmp_path: Path) -> None:
    text = "A fox\x0b\x00 \U0001f98a ran.\n\n\x07It won."
    book = replace(sample_book(narrated=False), title="Fox\x0b", pages=(Page(text, picture=picture(0)),))
    for format in ("html", "pdf", "epub", "cbz", "project"):
        export(book, format, tmp_path / f"book{FORMATS[format].extension}")
    epubcheck(tmp_path / "book.epub")
    with zipfile.ZipFile(tmp_path / "book.cbz") as archive:
        assert ElementTree.fromstring(archive.read("ComicInfo.xml")).findtext("Title") == "Fox"
    assert open_project(tmp_path / "book.voxtale.zip") == book
    assert "\U0001f98a" in (tmp_path / "book.html").read_text(encoding="utf-8")


def test_a_book_of_one_word(tmp_path: Path) -> None:
    book = Book("?", "", "en", (Page("Hush."),), LABELS["en"])
    for format in FORMATS:
        export(book, format, tmp_path / f"book{FORMATS[format].extension}")
    epubcheck(tmp_path / "book.epub")
