"""Words with one spelling and two sounds, told apart by their neighbours.

Only rules that are cheap and nearly always right; where they see nothing, the commoner reading is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_VERB_FOLLOWS = frozenset(
    "to will would can could should must may might shall do does did don't doesn't didn't won't can't cannot couldn't "
    "wouldn't shouldn't i you we they who let's let please never always i'll you'll we'll they'll he'll she'll it'll "
    "i'd you'd we'd they'd he'd she'd not".split()
)
_SINGULAR_SUBJECTS = frozenset("he she it who which nobody somebody everyone".split())
_NOUN_FOLLOWS = frozenset(
    "a an the this that these those my your his her its our their no any some each every of in for with by from "
    "another much more make makes made".split()
)
_BE = frozenset("is are was were be been being am i'm you're we're they're he's she's it's".split())
_HAVE = frozenset(
    "have has had having i've you've we've they've he'd she'd haven't hasn't hadn't already just".split()
)
_PAST = frozenset("yesterday ago last earlier was were had".split())
_DID = _PAST | frozenset("said went came sat took got stood lay found saw made gave put".split())
_OBJECTS = frozenset(
    "a an the this that these those my your his her its our their it him them us me all each every".split()
)
_HELPERS = frozenset(
    "do does did don't doesn't didn't can could can't couldn't will would won't wouldn't shall should may might must let "
    "lets let's make made help helped hear heard see saw watch watched".split()
)
_BETWEEN = frozenset("who never always often ever also only once first".split())
"""What stands between a subject and its verb."""

_NOUN_AND_VERB = {
    "abuse": ("AH0 B Y UW1 S", "AH0 B Y UW1 Z"),
    "advocate": ("AE1 D V AH0 K AH0 T", "AE1 D V AH0 K EY2 T"),
    "alternate": ("AO1 L T ER0 N AH0 T", "AO1 L T ER0 N EY2 T"),
    "appropriate": ("AH0 P R OW1 P R IY0 AH0 T", "AH0 P R OW1 P R IY0 EY2 T"),
    "associate": ("AH0 S OW1 SH IY0 AH0 T", "AH0 S OW1 SH IY0 EY2 T"),
    "attribute": ("AE1 T R AH0 B Y UW2 T", "AH0 T R IH1 B Y UW2 T"),
    "combine": ("K AA1 M B AY0 N", "K AH0 M B AY1 N"),
    "conduct": ("K AA1 N D AH0 K T", "K AH0 N D AH1 K T"),
    "conflict": ("K AA1 N F L IH0 K T", "K AH0 N F L IH1 K T"),
    "console": ("K AA1 N S OW0 L", "K AH0 N S OW1 L"),
    "contest": ("K AA1 N T EH0 S T", "K AH0 N T EH1 S T"),
    "contract": ("K AA1 N T R AE2 K T", "K AH0 N T R AE1 K T"),
    "contrast": ("K AA1 N T R AE0 S T", "K AH0 N T R AE1 S T"),
    "convert": ("K AA1 N V ER0 T", "K AH0 N V ER1 T"),
    "convict": ("K AA1 N V IH0 K T", "K AH0 N V IH1 K T"),
    "decrease": ("D IY1 K R IY2 S", "D IH0 K R IY1 S"),
    "delegate": ("D EH1 L AH0 G AH0 T", "D EH1 L AH0 G EY2 T"),
    "deliberate": ("D IH0 L IH1 B ER0 AH0 T", "D IH0 L IH1 B ER0 EY2 T"),
    "desert": ("D EH1 Z ER0 T", "D IH0 Z ER1 T"),
    "duplicate": ("D UW1 P L AH0 K AH0 T", "D UW1 P L AH0 K EY2 T"),
    "estimate": ("EH1 S T AH0 M AH0 T", "EH1 S T AH0 M EY2 T"),
    "export": ("EH1 K S P AO0 R T", "IH0 K S P AO1 R T"),
    "extract": ("EH1 K S T R AE2 K T", "IH0 K S T R AE1 K T"),
    "graduate": ("G R AE1 JH AH0 W AH0 T", "G R AE1 JH AH0 W EY2 T"),
    "house": ("HH AW1 S", "HH AW1 Z"),
    "import": ("IH1 M P AO2 R T", "IH2 M P AO1 R T"),
    "increase": ("IH1 N K R IY2 S", "IH2 N K R IY1 S"),
    "insult": ("IH1 N S AH2 L T", "IH2 N S AH1 L T"),
    "moderate": ("M AA1 D ER0 AH0 T", "M AA1 D ER0 EY2 T"),
    "object": ("AA1 B JH EH0 K T", "AH0 B JH EH1 K T"),
    "perfect": ("P ER1 F IH2 K T", "P ER0 F EH1 K T"),
    "permit": ("P ER1 M IH2 T", "P ER0 M IH1 T"),
    "present": ("P R EH1 Z AH0 N T", "P R IY0 Z EH1 N T"),
    "progress": ("P R AA1 G R EH2 S", "P R AH0 G R EH1 S"),
    "project": ("P R AA1 JH EH0 K T", "P R AH0 JH EH1 K T"),
    "protest": ("P R OW1 T EH2 S T", "P R AH0 T EH1 S T"),
    "rebel": ("R EH1 B AH0 L", "R IH0 B EH1 L"),
    "record": ("R EH1 K ER0 D", "R IH0 K AO1 R D"),
    "separate": ("S EH1 P ER0 IH0 T", "S EH1 P ER0 EY2 T"),
    "subject": ("S AH1 B JH IH0 K T", "S AH0 B JH EH1 K T"),
    "suspect": ("S AH1 S P EH2 K T", "S AH0 S P EH1 K T"),
    "transfer": ("T R AE1 N S F ER0", "T R AE0 N S F ER1"),
    "transport": ("T R AE1 N S P AO0 R T", "T R AE0 N S P AO1 R T"),
}
"""Noun or adjective, verb; the first unless the word before calls for a verb."""

_VERB_AND_NOUN = {
    "excuse": ("IH0 K S K Y UW1 Z", "IH0 K S K Y UW1 S"),
    "produce": ("P R AH0 D UW1 S", "P R OW1 D UW0 S"),
    "refuse": ("R IH0 F Y UW1 Z", "R EH1 F Y UW2 Z"),
    "reject": ("R IH0 JH EH1 K T", "R IY1 JH EH0 K T"),
    "resume": ("R IH0 Z UW1 M", "R EH1 Z AH0 M EY2"),
    "use": ("Y UW1 Z", "Y UW1 S"),
}
"""Verb, noun; the verb unless the word before calls for a noun."""


def homograph(words: Sequence[str], index: int) -> str | None:
    """The sound that fits the place of ``words[index]`` (folded words of one sentence); None for other words."""
    word = words[index]
    before = words[index - 1] if index else ""
    after = words[index + 1] if index + 1 < len(words) else ""
    if word == "read":
        return "R EH1 D" if _was_read(words[:index], after, words) else "R IY1 D"
    if word in _SPECIAL:
        return _SPECIAL[word](before, after, words)
    if word in _VERB_AND_NOUN:
        verb, noun = _VERB_AND_NOUN[word]
        return noun if before in _NOUN_FOLLOWS else verb
    if word in _NOUN_AND_VERB:
        noun, verb = _NOUN_AND_VERB[word]
        told = not before and after in _OBJECTS
        return verb if before in _VERB_FOLLOWS or told else noun
    if word.endswith("s") and word[:-1] in _INFLECTED_NOUNS:
        noun, verb = _NOUN_AND_VERB[word[:-1]]
        sound = verb if before in _SINGULAR_SUBJECTS else noun
        return f"{sound} {'S' if sound.endswith((' T', ' K')) else 'Z'}"
    return None


_INFLECTED_NOUNS = frozenset(
    word for word, (noun, _) in _NOUN_AND_VERB.items() if not noun.endswith((" S", " Z"))
)


_PERSONS = frozenset("i we they you he she who anyone everyone somebody anybody".split())
_JOINS = frozenset("and or but then".split())
_MANY = frozenset("people children men women kids".split())
_NO_SUBJECT = (
    _NOUN_FOLLOWS | _VERB_FOLLOWS | _OBJECTS | _JOINS | _MANY | {"if", "when", "while", "to", "so", "now"}
)


def _was_read(earlier: Sequence[str], after: str, words: Sequence[str]) -> bool:
    """Whether ``read`` is the past: by a helping verb, by a subject that would have an s in the present, or by what else
    happened."""
    while earlier and (earlier[-1] in _BETWEEN or earlier[-1].endswith("ly")) and len(earlier) > 1:
        earlier = earlier[:-1]
    before, helpers = earlier[-1] if earlier else "", earlier[-3:-1]
    if before in _HAVE | _BE or before in _PERSONS and helpers[-1:] and helpers[-1] in _HAVE:
        return True
    if not _HELPERS.isdisjoint(helpers):
        return False
    if before in _JOINS:
        return any(word in _DID or word.endswith("ed") for word in earlier)
    if before in ("he", "she"):
        return True
    if before in _PERSONS:
        return not _PAST.isdisjoint(words)
    told = after in _OBJECTS | {"to", "aloud", "from", "about", "out"} or list(earlier[:-1]) == ["the"]
    return bool(before) and told and before not in _NO_SUBJECT and not before.endswith("s")


def _lead(before: str, after: str, words: Sequence[str]) -> str:
    metal = after in (
        "pipe",
        "pipes",
        "paint",
        "pencil",
        "pencils",
        "poisoning",
        "acid",
        "bullet",
        "bullets",
        "weight",
    ) or before in ("of", "as", "like", "from")
    return "L EH1 D" if metal else "L IY1 D"


_STAGED = frozenset(
    "music show shows concert concerts band performance stream streaming broadcast audience event events video tv "
    "television wire wires coverage action update updates chat demo recording album radio ammunition".split()
)


def _live(before: str, after: str, words: Sequence[str]) -> str:
    now = after in _STAGED or before in _BE | {
        "a",
        "go",
        "goes",
        "going",
        "went",
        "broadcast",
        "streamed",
        "play",
    }
    return "L AY1 V" if now else "L IH1 V"


_LIVED = frozenset("many long short happy past whole private daily young human new own quiet busy".split())


def _lives(before: str, after: str, words: Sequence[str]) -> str:
    plural = (
        before in _NOUN_FOLLOWS | _LIVED | {"two", "nine", "save", "saved", "people's"} and before != "that"
    )
    return "L AY1 V Z" if plural else "L IH1 V Z"


def _wind(before: str, after: str, words: Sequence[str]) -> str:
    turning = (
        before in _VERB_FOLLOWS
        and before != "not"
        or after in ("up", "down")
        or (
            before.endswith("s")
            and after in ("through", "along", "around", "round", "across", "past", "between")
        )
        or (not before and after in _OBJECTS)
    )
    return "W AY1 N D" if turning else "W IH1 N D"


def _wound(before: str, after: str, words: Sequence[str]) -> str:
    turned = after in ("up", "down", "around", "through", "its")
    return "W AW1 N D" if turned else "W UW1 N D"


_TORN = frozenset("up down apart off open out it them this that the through along".split())


def _tear(before: str, after: str, words: Sequence[str]) -> str:
    torn = after == "in" and {"eye", "eyes"}.isdisjoint(words)
    ripped = before in _VERB_FOLLOWS or torn or (after in _TORN and before not in _NOUN_FOLLOWS)
    return "T EH1 R" if ripped else "T IH1 R"


def _tears(before: str, after: str, words: Sequence[str]) -> str:
    return (
        "T EH1 R Z"
        if before in _SINGULAR_SUBJECTS or (after in _TORN and before not in _NOUN_FOLLOWS)
        else "T IH1 R Z"
    )


_NEAR = frozenset(
    "so very too get gets got come comes came stay stayed a as how that pretty quite really drew".split()
)
_SHUTTING = frozenset("eyes doors shops stores schools gates curtains".split())
_SHUT = frozenset("the your it this my his her their that all its our them".split())


def _close(before: str, after: str, words: Sequence[str]) -> str:
    shut = (
        before in _VERB_FOLLOWS | _SHUTTING
        or (before, after) == ("the", "of")
        or (after in _SHUT and before not in _NEAR | _BE)
        or (not before and after != "to")
    )
    return "K L OW1 Z" if shut else "K L OW1 S"


def _used(before: str, after: str, words: Sequence[str]) -> str:
    return "Y UW1 S T" if after == "to" and before not in _BE and before else "Y UW1 Z D"


def _uses(before: str, after: str, words: Sequence[str]) -> str:
    return "Y UW1 S IH0 Z" if before in _NOUN_FOLLOWS | {"many", "other", "several"} else "Y UW1 Z IH0 Z"


def _content(before: str, after: str, words: Sequence[str]) -> str:
    happy = (
        before in _BE | {"feel", "felt", "quite", "very", "perfectly", "seemed", "seems", "not"}
        or after == "with"
    )
    return "K AH0 N T EH1 N T" if happy else "K AA1 N T EH0 N T"


_TINY = frozenset(
    "detail details amount amounts particle particles trace traces quantity quantities speck specks fraction fractions "
    "fragment fragments difference differences crack cracks".split()
)


def _minute(before: str, after: str, words: Sequence[str]) -> str:
    tiny = after in _TINY or (before in _BE and not after)
    return "M AY0 N UW1 T" if tiny else "M IH1 N AH0 T"


def _bass(before: str, after: str, words: Sequence[str]) -> str:
    fish = {"fish", "fishing", "sea", "striped", "caught", "lake", "trout"}.intersection(words)
    return "B AE1 S" if fish else "B EY1 S"


def _bow(before: str, after: str, words: Sequence[str]) -> str:
    bent = (
        before in _VERB_FOLLOWS
        or after in ("down", "before", "out")
        or (after in ("to", "at") and before not in _NOUN_FOLLOWS)
        or {"take", "took", "ship"}.intersection(words)
    )
    return "B AW1" if bent else "B OW1"


def _dove(before: str, after: str, words: Sequence[str]) -> str:
    return "D OW1 V" if after in ("into", "in", "down", "under", "off", "deep") else "D AH1 V"


_SOWN = frozenset(
    "a an the some it them his her my our your their its seed seeds corn wheat grain barley oats beans peas grass flowers "
    "crops discord doubt".split()
)


def _sow(before: str, after: str, words: Sequence[str]) -> str:
    planting = before in _VERB_FOLLOWS or (after in _SOWN and before not in _NOUN_FOLLOWS) or "reap" in words
    return "S OW1" if planting else "S AW1"


_SPECIAL: dict[str, Callable[[str, str, Sequence[str]], str]] = {
    "bass": _bass,
    "bow": _bow,
    "close": _close,
    "content": _content,
    "dove": _dove,
    "lead": _lead,
    "live": _live,
    "lives": _lives,
    "minute": _minute,
    "sow": _sow,
    "tear": _tear,
    "tears": _tears,
    "used": _used,
    "uses": _uses,
    "wind": _wind,
    "wound": _wound,
}
