"""Mandarin sentences to read out: common words in simple frames, with their pinyin after tone sandhi.

    python -m pipelines.training.mandarin_sentences OUT.tsv --count 8000

They mean little, but every word is one and every syllable of the language comes up in all its tones.
"""

from __future__ import annotations

import argparse
import itertools
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.text.mandarin import spoken_syllables
from pipelines.text.pinyin import parse_syllable

FRAMES = """
r v n 。|r d v n 。|n 很 a 。|n 不 a 。|t r d v n 。|r 在 ns v n 。|r v 了 m q n 。|n 的 n d v n 。|r 把 n v 了 。
t ， n v n ， n d v n 。|虽然 n 很 a ， 但是 r d v n 。|因为 n d v ， 所以 r v n 。|如果 r v n ， n 就 v 。|r 和 n v n 。
a 的 n v 了 a 的 n 。|r 为什么 v n ？|你 v n 吗 ？|n 是 什么 ？|谁 v 了 n ？|r 什么 时候 v ns ？|请 v n ！|n 真 a ！|别 v n ！
r 从 ns 到 ns v n 。|m q n 、 m q n 和 m q n 。|n 被 n v 了 。|r 一边 v ， 一边 v n 。|r 说 ： n 比 n a 。|r 想 v a 的 n 吧 。
""".replace("\n", "|")
CLASSES = ("n", "v", "a", "d", "r", "t", "ns", "m", "q")
LEAST_COUNT = 40
FLATNESS = 0.4
"""Power of a word's count in the corpus: 1 would say the commonest words all the time, 0 all words alike."""
MARKS = {"。": ".", "？": "?", "！": "!", "，": ",", "、": ",", "：": ","}


def words_by_class() -> dict[str, tuple[list[str], list[float]]]:
    """Words of one to three characters and their weights, by jieba's part of speech."""
    import jieba

    found: dict[str, tuple[list[str], list[float]]] = {name: ([], []) for name in CLASSES}
    lines = Path(jieba.__file__).with_name("dict.txt").read_text(encoding="utf-8").splitlines()
    for word, count, part_of_speech in (line.split() for line in lines):
        if part_of_speech in found and int(count) >= LEAST_COUNT and len(word) <= 3:
            found[part_of_speech][0].append(word)
            found[part_of_speech][1].append(int(count) ** FLATNESS)
    return found


def reading_of(words: Sequence[str]) -> list[str]:
    """Syllables and marks as the front end hands them to a voice, sandhi done: ``["很", "好", "！"]`` -> ``["hen2", "hao3", "!"]``."""
    reading: list[str] = []
    for is_mark, group in itertools.groupby(words, MARKS.__contains__):
        if is_mark:
            reading += [MARKS[mark] for mark in group]
        else:
            spoken = itertools.chain.from_iterable(spoken_syllables(list(group)))
            reading += [f"{syllable}{tone}" for syllable, tone in spoken]
    return reading


def sentences(seed: int) -> Iterator[tuple[str, str]]:
    """Without end: a sentence and its reading, syllables and marks apart (``ni3 hao3 , wo3 men5 .``)."""
    chance = random.Random(seed)
    words = words_by_class()
    frames = [frame.split() for frame in FRAMES.split("|") if frame]
    while True:
        spoken = [
            chance.choices(*words[slot])[0] if slot in words else slot for slot in chance.choice(frames)
        ]
        tokens = reading_of(spoken)
        if all(token in MARKS.values() or parse_syllable(token) for token in tokens):
            yield "".join(spoken), " ".join(tokens)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="lines of id<TAB>sentence<TAB>pinyin")
    parser.add_argument("--count", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    made = sentences(options.seed)
    with options.out.open("w", encoding="utf-8") as file:
        for number in range(options.count):
            file.write(f"zh{number:05d}\t" + "\t".join(next(made)) + "\n")


if __name__ == "__main__":
    main()
