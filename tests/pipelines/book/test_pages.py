from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.book import fonts, pages
from pipelines.book.book import Page
from pipelines.book.fonts import SHIPPED, Face, Faces
from pipelines.book.lines import break_lines
from pipelines.book.pages import ACCENT, GLOW, SHAPES, Leaf, lay_out, painted
from pipelines.failure import CraftError
from tests.pipelines.book.samples import picture, sample_book

LONG = {
    "en": "The little fox walked on and on, and the moon walked with him over hill and pond. " * 60,
    "zh": "小狐狸走啊走，月亮跟着他走过山坡，走过池塘。" * 90,
}


def words_of(leaf: Leaf) -> str:
    return "".join(p.text for p in leaf.pieces if p.start is not None)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_word_stands_once_inside_the_paper(language: str, shape: str) -> None:
    book = sample_book(language)
    leaves = lay_out(book, SHAPES[shape], Faces(language))
    assert [leaf.kind for leaf in leaves] == ["cover", *["page"] * 4, "end"]
    for leaf in leaves:
        for piece in leaf.pieces:
            assert 0 <= piece.x and piece.x + piece.width <= leaf.shape.width
            assert piece.size * 0.7 <= piece.baseline <= leaf.shape.height - 0.2 * piece.size
            if leaf.picture and leaf.kind == "page":
                left, top, right, bottom = leaf.picture.box
                assert piece.x >= right or piece.baseline - piece.size * 0.7 >= bottom
    for leaf, page in zip(leaves[1:-1], book.pages, strict=True):
        assert words_of(leaf) == "".join(page.text.split())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("everywhere", [False, True])
def test_a_long_page_continues_and_loses_nothing(language: str, everywhere: bool) -> None:
    book = sample_book(language)
    book = replace(book, pages=(Page(LONG[language], picture=picture(0)),))
    leaves = lay_out(book, SHAPES["album"], Faces(language), picture_on_every_leaf=everywhere)[1:-1]
    assert len(leaves) > 2
    assert "".join(words_of(leaf) for leaf in leaves) == "".join(LONG[language].split())
    assert [leaf.picture is not None for leaf in leaves[1:]] == [everywhere] * (len(leaves) - 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_long_title_keeps_its_end(shape: str) -> None:
    title = "The tale of the little red fox who wanted to touch the moon " * 6 + "and at last did so"
    cover, *_, end = lay_out(replace(sample_book(), title=title), SHAPES[shape], Faces("en"))
    shown = [piece for piece in cover.pieces if piece.colour == ACCENT]
    assert "".join(piece.text for piece in shown) == "".join(title.split())
    assert all(piece.baseline < cover.rule[1] for piece in shown)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_title_is_long_enough_to_hide_the_label(shape: str) -> None:
    book = replace(sample_book("zh"), title="狐狸与月亮" * 400, voice="安" * 60)
    cover, *_, end = lay_out(book, SHAPES[shape], Faces("zh"))
    assert [piece.text for piece in cover.pieces if piece.colour == ACCENT][-1] == "…"
    assert all(piece.baseline <= cover.shape.height for piece in cover.pieces)
    label_begins = len(end.pieces) - sum(not char.isspace() for char in book.label if ord(char) > 0x2E7F) - 1
    above = max(piece.baseline for piece in end.pieces[:label_begins])
    assert above < min(piece.baseline - piece.size for piece in end.pieces[label_begins:])


def test_a_very_long_page_is_broken_into_lines_only_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    text, read = LONG["zh"] * 3, []

    def counted(paragraph: str, width: float, measure: object) -> list[tuple[int, int]]:
        read.append(len(paragraph))
        return break_lines(paragraph, width, measure)

    monkeypatch.setattr(pages, "break_lines", counted)
    book = replace(sample_book("zh"), pages=(Page(text, picture=picture(0)),))
    assert len(lay_out(book, SHAPES["album"], Faces("zh"))) > 15
    assert sum(read) < 4 * len(text)


def test_words_from_right_to_left_are_set_so() -> None:
    text = "Noa said שלום עולם to him."
    book = replace(sample_book(), pages=(Page(text),))
    faces = Faces("en")
    if faces.face("ש") is None:
        pytest.skip("no font of this machine has Hebrew")
    leaf = lay_out(book, SHAPES["wide"], faces)[1]
    words = [(piece.text, piece.start) for piece in leaf.pieces if piece.start is not None]
    hebrew = [("םלוע", text.index("עולם")), ("םולש", text.index("שלום"))]
    assert words == [("Noa", 0), ("said", 4), *hebrew, ("to", 19), ("him.", 22)]
    assert [piece.x for piece in leaf.pieces[:6]] == sorted(piece.x for piece in leaf.pieces[:6])


def test_the_picture_and_the_glow_are_seen() -> None:
    book = sample_book()
    leaf = lay_out(book, SHAPES["album"], Faces("en"))[1]
    plain = np.asarray(painted(leaf)).astype(int)
    left, top, right, bottom = (round(edge) for edge in leaf.picture.box)
    assert plain[top:bottom, left:right].std() > 30
    lit = np.asarray(painted(leaf, glowing=book.pages[0].spans[0])).astype(int)
    changed = np.abs(lit - plain).sum(axis=2) > 0
    assert changed.any() and not changed[top:bottom, left:right].any()
    assert (lit == np.array(GLOW)).all(axis=2).sum() > 5000


def test_a_panorama_is_shown_whole() -> None:
    book = replace(sample_book(), pages=(Page("Wide.", picture=picture(1, (1200, 200))),))
    placed = lay_out(book, SHAPES["portrait"], Faces("en"))[1].picture
    assert placed.part == (0, 0, 1200, 200)
    assert (placed.box[2] - placed.box[0]) / (placed.box[3] - placed.box[1]) == pytest.approx(6, rel=0.01)


def test_a_page_of_words_alone() -> None:
    book = replace(sample_book(), pages=(Page("No picture here."),), cover=None)
    leaves = lay_out(book, SHAPES["square"], Faces("en"))
    assert all(leaf.picture is None for leaf in leaves)
    assert np.asarray(painted(leaves[1])).std() > 0


def test_the_last_page_says_how_the_book_was_made_and_why_it_is_silent() -> None:
    book = sample_book("zh", narrated=False)
    end = lay_out(book, SHAPES["album"], Faces("zh"))[-1]
    said = "".join(piece.text for piece in end.pieces)
    assert "".join(book.label.split()) in said and book.silence in said


def test_a_font_without_chinese_is_helped_out() -> None:
    faces = Faces("en", SHIPPED / "serif.ttf")
    assert faces.face("a").path == SHIPPED / "serif.ttf"
    assert faces.face("狐").path != SHIPPED / "serif.ttf"


def test_letters_that_no_font_has_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    serif_alone = Faces("zh")
    serif_alone._own = [Face(SHIPPED / "serif.ttf")]
    monkeypatch.setattr(fonts, "_system_faces", lambda: ())
    with pytest.raises(CraftError) as caught:
        lay_out(sample_book("zh"), SHAPES["album"], serif_alone)
    assert caught.value.code == "book_font_missing"
    assert "月" in caught.value.facts["characters"] and caught.value.facts["count"] >= 5


def test_figures_are_as_tall_as_capitals() -> None:
    """Old-style ones read as letters: Ioo."""
    font = Face(SHIPPED / "serif.ttf").at(1000)
    capital = font.getbbox("H", anchor="ls")
    for figure in "0123456789":
        _, top, _, bottom = font.getbbox(figure, anchor="ls")
        assert bottom < 25 and abs(top - capital[1]) < 100


def test_emoji_are_left_out_instead_of_boxes() -> None:
    faces = Faces("en")
    assert faces.face("🦊") is None and faces.width("🦊") == 0
    faces.require("A fox 🦊!")


def test_a_file_that_is_no_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fake.ttf").write_bytes(b"not a font at all" * 50)
    with pytest.raises(CraftError) as caught:
        Faces("en", tmp_path / "fake.ttf")
    assert caught.value.code == "book_font_unreadable" and caught.value.facts == {"font": "fake.ttf"}


@pytest.mark.parametrize("kept", [0, 500, 20_000])
def test_a_broken_font_of_the_machine_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    (tmp_path / "Broken-Regular.ttf").write_bytes((SHIPPED / "serif.ttf").read_bytes()[:kept])
    monkeypatch.setattr(fonts, "_folders", lambda: [tmp_path])
    monkeypatch.setattr(fonts, "_system_faces", fonts._system_faces.__wrapped__)
    assert Faces("en").face("龘") is None


def test_postscript_fonts_can_be_embedded_too() -> None:
    """A rare character comes from the system's font; its outlines become TrueType."""
    from io import BytesIO

    from fontTools.ttLib import TTFont

    face = Faces("zh").face("龘")
    if face is None:
        pytest.skip("no font of this machine has rare characters")
    font = TTFont(BytesIO(face.subset("龘a")))
    assert "glyf" in font and ord("龘") in font.getBestCmap()
    glyph = font["glyf"][font.getBestCmap()[ord("龘")]]
    assert glyph.numberOfContours > 5
