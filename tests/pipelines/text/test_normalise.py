import random
import re
from pathlib import Path

import pytest

from pipelines.text.normalise import clean, normalise_english, read_pieces
from tests.effort import takes_under

CASES = [
    line.split("\t")
    for line in Path(__file__).with_name("normalise_english.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("# ")
]
AWKWARD = "aB 3.,:;-–/$£%°#@&+='\"()½²№Ⅷ😀👍🏽\u200b\n\t\u202e中éßμ01:2x5kM.é½٣€¥~^"


def test_the_table_is_large():
    assert len(CASES) >= 120


@pytest.mark.parametrize(("written", "spoken"), CASES, ids=[written for written, _ in CASES])
def test_written_forms(written, spoken):
    assert normalise_english(written) == spoken


@pytest.mark.parametrize("seed", range(300))
def test_any_text_becomes_words_and_punctuation(seed):
    dice = random.Random(seed)
    text = "".join(dice.choice(AWKWARD) for _ in range(dice.randint(0, 40)))
    spoken = normalise_english(text)
    assert not re.search(r"[\d$£€¥%°#@&+=<>~^|*_\n\t\u200b\u202e😀]", spoken), (text, spoken)
    assert "  " not in spoken and spoken == spoken.strip()
    assert "".join(piece.written for piece in read_pieces(text)) == clean(text)


def test_plain_prose_is_left_alone():
    prose = 'She didn\'t know; he (her brother) said: "Go on!" Why, then - and how?'
    assert normalise_english(prose) == prose


def test_long_text_is_read_in_reasonable_time():
    prose = "In 1999 Dr. Smith paid $4.50 for 3 km of rope at 3:45 pm. " * 100
    assert takes_under(5, lambda: normalise_english(prose))
