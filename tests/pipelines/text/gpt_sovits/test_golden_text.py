"""The rows of ``tests/golden/text.jsonl``: what the public front end answers to 61 texts.

The rows were recorded with pypinyin's dictionary and without the two networks that weigh context (g2pW, a tagger), so
like is compared with like: our front end with ``context=False``. What context changes is pinned below.
"""

import gzip
import json
from pathlib import Path

import pytest

from pipelines.failure import CraftError
from pipelines.text.gpt_sovits import mandarin
from pipelines.text.gpt_sovits.front_end import FrontEnd
from pipelines.text.gpt_sovits.splitting import Piece, split
from pipelines.text.gpt_sovits.symbols import SYMBOL_COUNT, V1_SYMBOL_COUNT, ids_of, symbol_ids
from pipelines.text.lexicon import LEXICON_FOLDER

GOLDEN = Path(__file__).parents[3] / "golden"
ROWS = [json.loads(line) for line in (GOLDEN / "text.jsonl").read_text(encoding="utf-8").splitlines()]
SPOKEN = [row for row in ROWS if row.get("kind") != "split"]
SET_ASIDE = {
    text: (reason, said)
    for text, reason, said in (
        line.split("\t")
        for line in (GOLDEN / "text_set_aside.tsv").read_text(encoding="utf-8").splitlines()
        if not line.startswith("# ")
    )
}
COMPARED = [row for row in SPOKEN if row["text"] not in SET_ASIDE]
KNOWN_DIFFERENCES = {"服务热线：400-820-8820，工号A0123。"}
"""The reference reads the hyphens of a telephone number as 减, minus."""
CONTEXT_CHANGES = {
    "银行行长说，这一行很难行得通。": "zh e4 y i4 h ang2",
    "我还要还他一百块钱。": "y ao4 h uan2 t a1",
    "这种种子种在地里三天就会发芽。": "z i05 zh ong4 z ai4",
    "The wind was strong enough to wind the sails.": "DH AH0 W IH1 N D W AA1 Z",
    "A dog ate a bone.": "AH0 D AO1 G EY1 T AH0 B OW1 N",
}
"""What the neighbours of a word decide, and the dictionary alone has wrong."""


def answer(row: dict, context: bool = False):
    """The spans of a row, made the way the row was made: Mandarin rows pass by the language finder."""
    front_end = FrontEnd(context=context)
    if row["lang"] == "zh" and "kind" not in row:
        return (mandarin.span_of(row["text"], context=context),)
    return front_end.utterance(Piece(row["text"]), row["lang"]).spans


def ids(spans) -> list[int]:
    return [i for span in spans for i in ids_of(span.phonemes)]


def test_the_table_is_the_official_one():
    table = symbol_ids()
    assert len(table) == SYMBOL_COUNT and len(set(table.values())) == SYMBOL_COUNT
    assert (table["!"], table["UNK"], table["SP"], table["_"]) == (0, 86, 77, 95)
    assert list(table)[:V1_SYMBOL_COUNT] == sorted(list(table)[:V1_SYMBOL_COUNT])
    for row in SPOKEN:
        assert list(ids_of(row["phones"])) == row["ids"]


def test_only_listed_faults_and_unknown_words_are_set_aside():
    texts = {row["text"] for row in SPOKEN}
    assert texts >= SET_ASIDE.keys()
    for text, (reason, _) in SET_ASIDE.items():
        assert reason.startswith(("listed", "outside CMUdict")), text
    assert len(SET_ASIDE) == 16 and len(COMPARED) == 37


def test_words_said_to_be_outside_the_dictionary_are():
    with gzip.open(LEXICON_FOLDER / "cmudict.txt.gz", "rt", encoding="utf-8") as file:
        known = {line.split(" ", 1)[0] for line in file}
    for reason, _ in SET_ASIDE.values():
        if reason.startswith("outside CMUdict: "):
            words = reason.removeprefix("outside CMUdict: ").split(" (")[0].split(", ")
            assert not known.intersection(word.lower() for word in words), reason


def test_ids_agree_with_the_reference():
    wrong = {row["text"] for row in COMPARED if ids(answer(row)) != row["ids"]}
    assert wrong <= KNOWN_DIFFERENCES
    assert 1 - len(wrong) / len(COMPARED) >= 0.95


def test_word2ph_agrees_with_the_reference():
    rows = [row for row in COMPARED if row.get("word2ph") and row["text"] not in KNOWN_DIFFERENCES]
    assert len(rows) >= 18
    for row in rows:
        (span,) = answer(row)
        assert list(span.word2ph) == row["word2ph"]
        assert span.text == row["norm_text"]


@pytest.mark.parametrize("text", SET_ASIDE)
def test_rows_set_aside_are_read_rightly(text):
    row = next(row for row in SPOKEN if row["text"] == text)
    assert ids(answer(row)) != row["ids"]
    assert SET_ASIDE[text][1] in "".join(span.text for span in answer(row))


def test_context_changes_what_it_should_and_no_more():
    changed = {row["text"] for row in COMPARED if ids(answer(row, context=True)) != ids(answer(row))}
    assert changed == CONTEXT_CHANGES.keys()
    for row in COMPARED:
        if row["text"] in CONTEXT_CHANGES:
            said = " ".join(phoneme for span in answer(row, context=True) for phoneme in span.phonemes)
            assert CONTEXT_CHANGES[row["text"]] in said


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.get("kind") == "split"], ids=lambda row: row["method"]
)
def test_splits_agree_with_the_reference(row):
    if "error" in row:
        with pytest.raises(CraftError, match="text_unspeakable"):
            split(row["text"], row["method"], row["lang"])
    else:
        assert [piece.text for piece in split(row["text"], row["method"], row["lang"])] == row["texts"]
