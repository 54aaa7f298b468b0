from __future__ import annotations

import pytest

from pipelines.text.pasted import plain


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("The experi-\nment was con-\n  ducted here.", "The experiment was conducted here."),
        ("a well-\nknown labora\u00ad\ntory", "a well-known laboratory"),
        ("suc-\r\ncess for every-\none", "success for everyone"),
        ("He said -\nand left", "He said -\nand left"),
        ("- Hello-\n- Go away", "- Hello-\n- Go away"),
        ("pages 12-\n14", "pages 12-\n14"),
        ("first page\x0cnext page\x0bnext line\u2028another", "first page\nnext page\nnext line\nanother"),
        ("one paragraph\u2029the next", "one paragraph\n\nthe next"),
        ("# The Title\n\n## 第一章\n### Learning C#\nText", "The Title\n\n第一章\nLearning C#\nText"),
        ("#1 pick, C# and #hashtag", "#1 pick, C# and #hashtag"),
        ("> A quote\n> that goes on\n>\n>> and on", "A quote\nthat goes on\n\nand on"),
        ("> 5 kg and 7 > 3", "> 5 kg and 7 > 3"),
        ("See [the page](https://example.com/a_(b)?c=1) now", "See the page now"),
        ("看[这里](https://example.com)，![图](a.png)", "看这里，图"),
        ("[0.5s](not here) f[i](x) [sic]", "[0.5s](not here) f[i](x) [sic]"),
        ("Before\n```python\nprint\n```\nAfter", "Before\nprint\nAfter"),
    ],
)
def test_the_words_of_what_was_pasted(pasted: str, words: str) -> None:
    assert plain(pasted) == words
    assert plain(words) == words
