"""The written forms that an English reader turns into words, as ordered rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.text import conventions as known
from pipelines.text import numbers
from pipelines.text.lexicon import lexicon


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], str | None]
    """The words for a match; None leaves it to later rules."""


RULES: list[Rule] = []


def _rule(pattern: str, flags: int = 0) -> Callable[[Callable[[re.Match[str]], str | None]], Callable]:
    def register(read: Callable[[re.Match[str]], str | None]) -> Callable:
        RULES.append(Rule(re.compile(pattern, flags), read))
        return read

    return register


def _any(words: object) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
SIGNED = rf"(?:(?<![\w.)\]%])[-\u2212+])?(?<![\w.]){NUMBER}"
MONTH = rf"(?P<month>{_any({*known.MONTHS, *(m.title() for m in known.MONTH_OF)})})\b\.?"
NTH = r"(?:st|nd|rd|th)?"
DASH = r"\s?[-\u2010-\u2015\u2212]\s?"
_LETTERS_AND_DIGITS = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|[^\w\s]|_")


def _before(match: re.Match[str]) -> str:
    """The word before the match."""
    words = re.findall(r"[\w'.]+", match.string[: match.start()][-40:])
    return words[-1] if words else ""


def _after(match: re.Match[str]) -> str:
    """The word right after the match, empty when punctuation or nothing follows."""
    word = re.match(r"\s+([\w']+)", match.string[match.end() :][:40])
    return word.group(1) if word else ""


def _stop(match: re.Match[str]) -> str:
    """The period that both shortens a word and ends its sentence."""
    rest = match.string[match.end() :]
    return "." if match.group().endswith(".") and re.match(r"[\s\"')\]]*($|\s[\s\"'(]*[A-Z])", rest) else ""


def _letters(word: str) -> str:
    return " ".join(word.upper())


# --- addresses -------------------------------------------------------------------------------------------------------

_ADDRESS_MARKS = {
    ".": "dot",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    ":": "colon",
    "@": "at",
    "=": "equals",
    "&": "and",
    "+": "plus",
    "~": "tilde",
    "%": "percent",
}
_DOMAIN_WORDS = frozenset("com org net gov info biz dev app blog shop site online cloud".split())
_TOP_DOMAINS = "com|org|net|edu|gov|io|ai|co|uk|us|de|fr|cn|jp|eu|info|dev|app|me|tv|ca|au|ch|nl"


def _address(written: str) -> str:
    words = []
    for part in _LETTERS_AND_DIGITS.findall(written):
        if part[0].isdigit():
            words.append(numbers.cardinal(part) if len(part) < 3 else numbers.spell_digits(part))
        elif part in _ADDRESS_MARKS:
            words.append(_ADDRESS_MARKS[part])
        elif part.isalpha():
            word = (
                part.lower() in _DOMAIN_WORDS
                or len(part) > 4
                or (len(part) > 2 and part.lower() in lexicon())
            )
            words.append(part if word else _letters(part))
    return " ".join(words)


@_rule(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
def _email(match: re.Match[str]) -> str:
    return _address(match.group())


@_rule(
    rf"\b(?:https?://|www\.)[^\s<>\"]+|(?<![\w@.])(?:[a-z0-9-]+\.)+(?:{_TOP_DOMAINS})\b(?:/[^\s<>\"]*)?", re.I
)
def _url(match: re.Match[str]) -> str | None:
    written = match.group()
    if written[0].isdigit() and not re.search("[a-z]", written, re.I):
        return None
    tail = re.search(r"[.,;:!?)'\]]*$", written).group()
    address = re.split(r"[?#]", re.sub(r"^https?://", "", written[: len(written) - len(tail)], flags=re.I))[0]
    return _address(address.rstrip("/")) + tail


@_rule(r"(?<!\w)([#@])(\w*[^\W\d_]\w*)")
def _tag(match: re.Match[str]) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_|(?<=\D)(?=\d)|(?<=\d)(?=\D)", " ", match[2]).split()
    spoken = " ".join(numbers.cardinal(word) if word.isdigit() else word for word in words)
    return f"{'hashtag' if match[1] == '#' else 'at'} {spoken}"


@_rule(r"(?<!\w)#(\d+)\b")
def _number_sign(match: re.Match[str]) -> str:
    return f"number {numbers.cardinal(match[1])}"


@_rule(r"(?<=\b[A-G])#(?!\w)")
def _sharp(match: re.Match[str]) -> str:
    return " sharp"


@_rule(r"[~\u2248]\s?(?=[$\u00a3\u20ac]?\d)")
def _about(match: re.Match[str]) -> str:
    return "about "


# --- dates and times -------------------------------------------------------------------------------------------------


def _date(day: str, month: str, year: str | None) -> str | None:
    if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
        return None
    return f"{known.MONTHS[int(month) - 1]} {numbers.ordinal(str(int(day)))}" + (
        f", {_year(year)}" if year else ""
    )


def _year(digits: str) -> str:
    if len(digits) == 2:
        digits = ("20" if int(digits) < 50 else "19") + digits
    return numbers.year(digits)


@_rule(r"(?<![\d-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d-])")
def _iso_date(match: re.Match[str]) -> str | None:
    return _date(match[4], match[3], match[1])


@_rule(r"(?<![\d/.])(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d{2})(?![\d/]|\.\d)")
def _numeric_date(match: re.Match[str]) -> str | None:
    first, mark, second, year = match.groups()
    if mark == "." and len(year) == 2:
        return None
    day_first = mark == "." or int(first) > 12
    return _date(first, second, year) if day_first else _date(second, first, year)


@_rule(rf"\b{MONTH}\s+(?P<day>\d{{1,2}}){NTH}(?![\d:%]|\.\d|\s?[ap]m)(?:\s*,?\s+(?P<year>\d{{4}})\b)?")
def _month_day(match: re.Match[str]) -> str | None:
    month = known.MONTHS.index(known.MONTH_OF[match["month"].lower()]) + 1
    return _date(match["day"], str(month), match["year"])


@_rule(rf"\b(?P<day>\d{{1,2}}){NTH}(?P<of>\s+of)?\s+{MONTH}(?:,?\s+(?P<year>\d{{4}})\b)?")
def _day_month(match: re.Match[str]) -> str | None:
    if not 1 <= int(match["day"]) <= 31:
        return None
    article = "" if _before(match).lower() == "the" else "the "
    year = f", {_year(match['year'])}" if match["year"] else _stop(match)
    return f"{article}{numbers.ordinal(match['day'])} of {known.MONTH_OF[match['month'].lower()]}{year}"


@_rule(rf"\b{MONTH},?\s+(?P<year>[12]\d{{3}})\b(?!,?\d)")
def _month_year(match: re.Match[str]) -> str:
    return f"{known.MONTH_OF[match['month'].lower()]} {numbers.year(match['year'])}"


@_rule(rf"\b({_any(m.title() for m in known.MONTH_OF if len(m) < 5 and m != 'may')})\.(?=\s|,|$)")
def _short_month(match: re.Match[str]) -> str:
    return known.MONTH_OF[match[1].lower()] + _stop(match)


@_rule(
    rf"\b({_any(d.title() for d in known.WEEKDAY_OF)})(?:\.(?=[\s,]|$)|(?=,?\s(?:\d|{MONTH}))|(?=[-\u2013][A-Z][a-z]{{2}}\b)|(?<=[a-z][-\u2013](?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)))"
)
def _weekday(match: re.Match[str]) -> str:
    return known.WEEKDAY_OF[match[1].lower()] + _stop(match)


@_rule(r"(?<=[a-z])[-\u2013](?=(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b)")
def _weekday_range(match: re.Match[str]) -> str:
    return " to "


_HALF_DAY = r"(?P<half>[ap])(?:\.\s?m\.|\.?m\b)"


@_rule(
    rf"(?<![\d:.,])(?P<hour>\d{{1,2}}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])(?:\s?{_HALF_DAY})?",
    re.I,
)
def _clock(match: re.Match[str]) -> str | None:
    hour, minute = int(match["hour"]), int(match["minute"])
    if match["second"]:
        parts = ((hour, "hour"), (minute, "minute"), (int(match["second"]), "second"))
        return ", ".join(
            f"{numbers.cardinal(str(n))} {unit if n == 1 else unit + 's'}" for n, unit in parts if n
        )
    if hour > 24:
        return None
    words = numbers.cardinal(str(hour))
    if minute:
        words += f" {'oh ' if minute < 10 else ''}{numbers.cardinal(str(minute))}"
    elif not match["half"]:
        words += " o'clock" if 0 < hour <= 12 else " hundred"
    return words + _half(match)


@_rule(rf"(?<![\w.,:])(?P<hour>1[0-2]|[1-9])\s?{_HALF_DAY}", re.I)
def _hour(match: re.Match[str]) -> str:
    return numbers.cardinal(match["hour"]) + _half(match)


def _half(match: re.Match[str]) -> str:
    return f" {match['half'].upper()} M{_stop(match)}" if match["half"] else ""


# --- digits that are names -------------------------------------------------------------------------------------------


@_rule(r"\b(?:24/7|9/11|50/50)\b")
def _set_phrase(match: re.Match[str]) -> str:
    return {"24/7": "twenty-four seven", "9/11": "nine eleven", "50/50": "fifty-fifty"}[match.group()]


@_rule(
    r"(?<![\w.])(?:\+?1[-. ]?)?(?:\(\d{3}\)\s?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\d-])"
    r"|(?<![\w.-])\d{3}-\d{4}(?![\d-])|(?<!\w)\+\d{1,3}(?:[ -]?\(?\d{2,4}\)?){2,5}(?!\d)|(?<![\w.])0\d{2,4} \d{3,4} \d{3,4}(?!\d)"
)
def _phone(match: re.Match[str]) -> str:
    groups = [numbers.spell_digits(group) for group in re.findall(r"\d+", match.group())]
    return ("plus " if match.group()[0] == "+" else "") + ", ".join(groups)


@_rule(r"(?<=\b(?:call|dial) )(?:911|999|112|411)\b", re.I)
def _emergency(match: re.Match[str]) -> str:
    return numbers.spell_digits(match.group())


@_rule(r"\b(?:[vV](?=\d))?(\d+(?:\.\d+){2,}|(?<=[vV])\d+(?:\.\d+)?)(?!\w)")
def _version(match: re.Match[str]) -> str:
    parts = match[1].split(".")
    if len(parts) == 4:
        return " dot ".join(numbers.spell_digits(part) for part in parts)
    words = " point ".join(numbers.cardinal(part) for part in parts)
    return f"version {words}" if match.group()[0] in "vV" else words


# --- sums and measures -----------------------------------------------------------------------------------------------

_SCALE = (
    rf"(?:\s?(?P<scale>{_any(m for m in known.MAGNITUDES if len(m) > 2)})"
    rf"|(?P<short>{_any(m for m in known.MAGNITUDES if len(m) < 3)}))?"
)
_SIGNS = _any(c for c in known.CURRENCIES if not c.isalpha())
_CODES = _any(known.CURRENCIES)
_NO_NOUNS = frozenset(
    "and or in for to of on a at is was per each from the than more but by as if with".split()
)


@_rule(
    rf"(?P<sign>(?<!\w)[-\u2212])?(?<![A-Za-z])(?P<currency>{_SIGNS}|USD|GBP|EUR|RMB)\s?(?P<amount>{NUMBER})"
    rf"(?:{DASH}(?:{_SIGNS})?(?P<upto>{NUMBER}))?{_SCALE}(?!\w)"
)
def _money(match: re.Match[str]) -> str:
    return ("minus " if match["sign"] else "") + _sum(match)


@_rule(rf"(?<![\w.])(?P<amount>{NUMBER})(?:{DASH}(?P<upto>{NUMBER}))?{_SCALE}\s?(?P<currency>{_CODES})(?!\w)")
def _money_behind(match: re.Match[str]) -> str:
    return _sum(match)


@_rule(rf"(?<![\w.])(?P<amount>{NUMBER})\s?\u00a2")
def _cents(match: re.Match[str]) -> str:
    return f"{numbers.decimal(match['amount'])} {'cent' if match['amount'] == '1' else 'cents'}"


def _sum(match: re.Match[str]) -> str:
    unit, sub_unit = known.CURRENCIES[match["currency"]]
    amount, upto, scale = (
        match["amount"],
        match["upto"],
        known.MAGNITUDES.get(match["scale"] or match["short"] or "", ""),
    )
    adjective = _counts_as_adjective(match)
    whole, _, part = amount.partition(".")
    if len(part) == 2 and not scale and not upto:
        said = []
        if int(whole.replace(",", "") or 0):
            said.append(_counted(whole, unit, adjective))
        if int(part):
            said.append(_counted(str(int(part)), sub_unit, adjective))
        return " and ".join(said) or f"zero {numbers.plural(unit)}"
    words = (
        numbers.decimal(amount)
        + (f" to {numbers.decimal(upto)}" if upto else "")
        + (f" {scale}" if scale else "")
    )
    return f"{words} {unit if adjective or words == 'one' else _plural_currency(unit)}"


def _counts_as_adjective(match: re.Match[str]) -> bool:
    """``a $5 bill``, ``a 3 km walk``: the unit stays singular."""
    noun = _after(match)
    return _before(match).lower() in ("a", "an") and noun.islower() and noun not in _NO_NOUNS


def _counted(digits: str, unit: str, singular: bool) -> str:
    return f"{numbers.cardinal(digits)} {unit if singular or digits == '1' else _plural_currency(unit)}"


def _plural_currency(unit: str) -> str:
    *modifiers, noun = unit.split(" ")
    return " ".join([*modifiers, numbers.plural(noun)])


@_rule(r"(?<![\w.])(\d{1,2})'\s?(?:(\d{1,2})(?:\"|''))?(?![\w])")
def _height(match: re.Match[str]) -> str | None:
    if not match[2]:
        return None
    return f"{numbers.cardinal(match[1])} foot {numbers.cardinal(match[2])}"


@_rule(r"(?:(?<!\w)')?(?<![\d,.$\u00a3\u20ac])(1[1-9]\d0|20\d0|[2-9]0)'?s\b")
def _decade(match: re.Match[str]) -> str:
    return numbers.decade(match[1])


@_rule(
    rf"(?P<amount>{SIGNED})(?:\s?(?:-|\u2013|\u2212|to)\s?(?P<upto>{NUMBER}))?(?P<scale>\s(?:thousand|million|billion))?"
    rf"(?P<gap>\s?|-)(?P<unit>{_any(known.UNITS)})(?P<period>\.(?=\s+[a-z,]))?(?![\w/])"
)
def _measure(match: re.Match[str]) -> str | None:
    written, amount, upto = match["unit"], match["amount"], match["upto"]
    if written in known.GLUED_UNITS and match["gap"] and (_after(match) or match["gap"] == "-"):
        return None
    unit = known.UNITS[written]
    if written == "m" and re.search(r"\dh\s?$", match.string[: match.start()]):
        unit = "minute"
    one = not upto and amount.lstrip("+-\u2212") == "1"
    single = one or match["gap"] == "-" or _counts_as_adjective(match)
    words = (
        numbers.decimal(amount) + (f" to {numbers.decimal(upto)}" if upto else "") + (match["scale"] or "")
    )
    return f"{words} {unit if single or unit == 'P S I' else numbers.plural(unit)}"


@_rule(r"(?<![\w.])(\d[\d,]*)(?:st|nd|rd|th)\b", re.I)
def _ordinal(match: re.Match[str]) -> str:
    return numbers.ordinal(match[1])


@_rule(r"(?<![\w/.])(?:(\d+)[\s-]+)?(\d+)/(\d+)(?![\w/]|\.\d)")
def _fraction(match: re.Match[str]) -> str:
    whole, top, bottom = match.groups()
    return numbers.mixed_fraction(whole, top, bottom) if whole else numbers.fraction(top, bottom)


@_rule(rf"(?<![\w.])({NUMBER})\s?\^\s?([-\u2212]?\d+)")
def _power(match: re.Match[str]) -> str:
    power = {"2": "squared", "3": "cubed"}.get(match[2]) or f"to the power of {numbers.decimal(match[2])}"
    return f"{numbers.decimal(match[1])} {power}"


@_rule(rf"(?<![\w.])({NUMBER})[eE]([+-]?\d+)(?!\w)")
def _scientific(match: re.Match[str]) -> str:
    return f"{numbers.decimal(match[1])} times ten to the {numbers.decimal(match[2].lstrip('+'))}"


@_rule(rf"\b({_any(known.NUMBERED)})\.\s?(?=\d|[IVXLC]+\b)", re.I)
def _numbered(match: re.Match[str]) -> str:
    word = known.NUMBERED[match[1].lower()]
    return f"{word.title() if match[1][0].isupper() else word} "


# --- numerals, codes and plain numbers -------------------------------------------------------------------------------


@_rule(r"(?<=\b)([A-Za-z]+)(\s+)([IVXLCDM]+)\b(?!['.]\w)")
def _roman(match: re.Match[str]) -> str | None:
    noun, numeral = match[1], match[3]
    value = numbers.roman(numeral)
    if value is None or not noun[0].isalpha():
        return None
    if noun in known.MONARCHS and (
        len(numeral) > 1 or re.match(r"[.,;:!?)]|$| of\b| was\b", match.string[match.end() :])
    ):
        return f"{noun} the {numbers.ordinal(str(value))}"
    follows = match.string[match.end() :]
    clear = (
        len(numeral) > 1
        or noun == "War"
        or (numeral in "IVX" and re.match(r"[.,;:!?)]|$| (?:of|and|to|is)\b", follows))
    )
    if noun.title() in known.NUMERAL_NOUNS and clear:
        return f"{noun} {numbers.cardinal(str(value))}"
    if noun[0].isupper() and not noun.isupper() and len(numeral) > 1 and value < 40 and _before(match):
        return f"{noun} {numbers.cardinal(str(value))}"
    return None


@_rule(r"(?<![\w.])(\d+)\s?[xX\u00d7](?=\s?\d)\s?")
def _dimension(match: re.Match[str]) -> str:
    times = "\u00d7" in match.group() and " " in match.group()
    return f"{numbers.cardinal(match[1])} {'times' if times else 'by'} "


@_rule(r"(?<![\w.])(\d+(?:\.\d+)?)[xX](?!\w)")
def _fold(match: re.Match[str]) -> str:
    return f"{numbers.decimal(match[1])} times"


@_rule(r"(?<![\w.])(\d+(?:\.\d+)?)k\b")
def _thousands(match: re.Match[str]) -> str:
    return f"{numbers.decimal(match[1])} thousand"


@_rule(
    r"\b(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9]+(?:[-.][A-Za-z0-9]*\d[A-Za-z0-9]*)*\b|\b[A-Za-z]+-\d+(?:\.\d+)?\b(?!-\w)"
)
def _code(match: re.Match[str]) -> str:
    words = []
    for part in _LETTERS_AND_DIGITS.findall(match.group()):
        if part[0].isdigit():
            words.append(numbers.year(part) if len(part) == 4 and part[0] in "12" else numbers.decimal(part))
        elif part.isalpha():
            words.append(
                _capitals(part)
                if part.isupper()
                else part
                if part.lower() in lexicon() and len(part) > 1
                else _word_or_letters(part)
            )
        elif part == ".":
            words.append("point")
    return " ".join(words)


@_rule(r"(?<![\d:])(\d+):(\d+)(?![\d:])")
def _ratio(match: re.Match[str]) -> str:
    return f"{numbers.cardinal(match[1])} to {numbers.cardinal(match[2])}"


@_rule(rf"(?<=[\dmM.]){DASH}(?=[$\u00a3\u20ac]?\d)")
def _range(match: re.Match[str]) -> str | None:
    if match.start() < 1 or not re.search(r"(?:\d|\d\s?[ap]\.?m\.?)$", match.string[: match.start()], re.I):
        return None
    sum_ahead = " " in match.group() and re.match(r"\d+(?:\.\d+)?\s*=", match.string[match.end() :])
    return " minus " if sum_ahead else " to "


_YEAR_BEFORE = frozenset(
    "in since by until till from during before after circa year of around late early mid".split()
)


@_rule(rf"{SIGNED}(?!\w)")
def _number(match: re.Match[str]) -> str:
    written = match.group()
    since = "1000" if _before(match).lower() in _YEAR_BEFORE else "1100"
    if len(written) == 4 and written.isdigit() and since <= written <= "2099":
        noun = _after(match)
        counted = noun.islower() and (
            noun.endswith("s") and noun not in ("was", "is", "has") or noun in ("people", "more")
        )
        if not counted or _before(match).lower() in _YEAR_BEFORE and noun != "people":
            return numbers.year(written)
    return numbers.decimal(written)


@_rule(r"\d+")
def _digits(match: re.Match[str]) -> str:
    return numbers.cardinal(match.group())


# --- short forms of words --------------------------------------------------------------------------------------------


@_rule(rf"(?<=\w)(,?\s)({_any(a.title() for a in known.AFTER_NAMES)})\b(\.?)(?!\w)")
def _after_name(match: re.Match[str]) -> str | None:
    short = match[2].lower()
    bare = short in ("jr", "sr", "inc", "ltd", "ave", "blvd", "rd")
    numbered_street = re.search(r"\d+\S*(?:\s[A-Z]\w+)+$", match.string[: match.start()])
    if not (match[3] or bare) or not re.match(r"[A-Z\d]", _before(match)):
        return None
    if short in known.TITLES and _after(match)[:1].isupper() and not numbered_street:
        return None
    return f"{match[1]}{known.AFTER_NAMES[short]}{_stop(match)}"


@_rule(
    rf"\b({_any({*(t.title() for t in known.TITLES), *(t.upper() for t in known.BARE_TITLES)})})\b(\.?)(?=\s+[A-Z])"
)
def _title(match: re.Match[str]) -> str | None:
    short = match[1].lower()
    return known.TITLES[short] if match[2] or short in known.BARE_TITLES or short == "st" else None


@_rule(rf"(?<![\w.])({_any(known.ABBREVIATIONS)})(\.?)(?!\w)", re.I)
def _abbreviation(match: re.Match[str]) -> str | None:
    short = match[1].lower()
    if not (match[2] or short in known.BARE_ABBREVIATIONS or "." in short):
        return None
    if match[1] != short and len(short) < 4 and "." not in short and short != "etc":
        return None
    return known.ABBREVIATIONS[short] + _stop(match)


@_rule(r"(?<![\w.])((?:[A-Za-z]\.){2,})([A-Za-z]\b)?")
def _dotted(match: re.Match[str]) -> str:
    letters = match.group().replace(".", "").upper()
    return _letters(letters) + (_stop(match) if letters in known.SPELLED_ACRONYMS else "")


@_rule(r"\b([A-Z])\.(?=\s?[A-Z]\.|\s[A-Z][a-z])")
def _initial(match: re.Match[str]) -> str | None:
    before = _before(match)
    return (
        f"{match[1]} "
        if not before or before[0].isupper() or match.string[match.end() :][1:3].endswith(".")
        else None
    )


@_rule(r"\b([A-Z]{2,})((?:'?s)?)\b(?!\.[A-Z])")
def _acronym(match: re.Match[str]) -> str | None:
    word = match[1]
    if _shouting(match.string) and word not in known.SPELLED_ACRONYMS and any(c in "AEIOUY" for c in word):
        return None
    if word in known.AMBIGUOUS_ACRONYMS:
        spelled = _before(match).lower() in (
            "the",
            "an",
            "our",
            "in",
            "of",
            "for",
            "with",
            "by",
            "your",
            "their",
        )
    else:
        spelled = _capitals(word) != word
    if not spelled:
        return f"{word}'s" if match[2] == "s" else None
    return _letters(word) + ("'s" if match[2] else "")


def _capitals(word: str) -> str:
    """A word in capitals: itself when it is read as a word, else its letters."""
    lower = word.lower()
    if word in known.SPOKEN_ACRONYMS:
        return word
    if word in known.SPELLED_ACRONYMS:
        return _letters(word)
    if lower in lexicon():
        return word
    pronounceable = len(word) > 4 and re.search("[aeiouy]", lower) and not re.search("[^aeiouy]{4}", lower)
    return word if pronounceable else _letters(word)


def _word_or_letters(part: str) -> str:
    return _letters(part) if len(part) < 3 else part


def _shouting(text: str) -> bool:
    """Most words of the text are in capitals, so capitals mean nothing."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    return len(words) > 2 and sum(word.isupper() for word in words) > 0.6 * len(words)


@_rule(r"\b[A-Za-z]*[a-z][A-Z][A-Za-z]*\b")
def _camel(match: re.Match[str]) -> str | None:
    word = match.group()
    if word.lower() in lexicon():
        return None
    if word.endswith("s") and word[:-1].lower() in lexicon():
        return f"{word[:-1]}'s"
    return " ".join(
        _capitals(part) if part.isupper() and len(part) > 1 else part
        for part in re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", word)
    )


@_rule(r"(?<=\w)/(?=(?:second|sec|minute|min|hour|hr|day|night|week|month|mo|year|yr|person|kg|lb)\b)")
def _per(match: re.Match[str]) -> str:
    return " per "


@_rule(r"(?<=\w)\s?/\s?(?=\w)")
def _slash(match: re.Match[str]) -> str:
    return " "


@_rule(r"(?<=\w)&(?=\w)|.", re.S)
def _symbol(match: re.Match[str]) -> str | None:
    mark = match.group()
    if mark.lower() in known.GREEK:
        return f" {known.GREEK[mark.lower()]} "
    if mark.isalnum() or mark in " .,;:!?'\"()[]{}-\u2010\u2011\u2012\u2013\u2014\u2015":
        return None
    said = known.SYMBOLS.get(mark)
    return " " if said is None else said if said == "," else f" {said} "
