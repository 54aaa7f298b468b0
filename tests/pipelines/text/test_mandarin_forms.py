import random
import re
from pathlib import Path

import pytest

from pipelines.text.mandarin_forms import write_out
from tests.effort import takes_under

CASES = [
    line.split("\t")
    for line in Path(__file__).with_name("normalise_mandarin.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("# ")
]
AWKWARD = "23.,:-–—/$￥€%‰°℃#@+='\"()½²№Ⅷ😀\u200b\n年月日点个第比kmgsh零十x×~^A一"


def test_the_table_is_large():
    assert len(CASES) >= 140
    assert len({written for written, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("written", "spoken"), CASES, ids=[written for written, _ in CASES])
def test_written_forms(written, spoken):
    assert write_out(written) == spoken


@pytest.mark.parametrize("seed", range(200))
def test_no_digit_is_left(seed):
    dice = random.Random(seed)
    text = "".join(dice.choice(AWKWARD) for _ in range(dice.randint(0, 40)))
    assert not re.search(r"\d", write_out(text)), text


def test_long_text_is_read_in_reasonable_time():
    prose = "2024年3月5日8:30，气温-5~3℃，￥1,234.56，跑了10km，占12.5%。" * 200
    assert takes_under(5, lambda: write_out(prose))
    assert takes_under(5, lambda: write_out("1,2-3:4/" * 2000))
