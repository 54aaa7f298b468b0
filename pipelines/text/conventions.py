"""What short English forms stand for: abbreviations, units, currencies, acronyms, names that carry numerals."""

from __future__ import annotations

import re

MONTHS = ("January February March April May June July August September October November December").split()
MONTH_OF = (
    {name.lower(): name for name in MONTHS}
    | {name[:3].lower(): name for name in MONTHS}
    | {"sept": "September"}
)
WEEKDAY_OF = {
    short: day
    for day, shorts in {
        "Monday": "mon",
        "Tuesday": "tue tues",
        "Wednesday": "wed",
        "Thursday": "thu thur thurs",
        "Friday": "fri",
        "Saturday": "sat",
        "Sunday": "sun",
    }.items()
    for short in shorts.split()
}

TITLES = {
    "mr": "Mister",
    "mrs": "Missus",
    "ms": "Miz",
    "messrs": "Messieurs",
    "dr": "Doctor",
    "prof": "Professor",
    "st": "Saint",
    "rev": "Reverend",
    "hon": "Honorable",
    "gen": "General",
    "col": "Colonel",
    "maj": "Major",
    "capt": "Captain",
    "cpt": "Captain",
    "lt": "Lieutenant",
    "sgt": "Sergeant",
    "cpl": "Corporal",
    "pvt": "Private",
    "adm": "Admiral",
    "gov": "Governor",
    "sen": "Senator",
    "rep": "Representative",
    "pres": "President",
    "fr": "Father",
    "mt": "Mount",
    "ft": "Fort",
}
"""Before a name, with or without their period (those of ``BARE_TITLES``)."""
BARE_TITLES = frozenset("mr mrs ms messrs dr prof".split())

AFTER_NAMES = {
    "st": "Street",
    "dr": "Drive",
    "ave": "Avenue",
    "av": "Avenue",
    "blvd": "Boulevard",
    "rd": "Road",
    "ln": "Lane",
    "sq": "Square",
    "hwy": "Highway",
    "pkwy": "Parkway",
    "jr": "Junior",
    "sr": "Senior",
    "inc": "Incorporated",
    "co": "Company",
    "corp": "Corporation",
    "ltd": "Limited",
    "bros": "Brothers",
    "univ": "University",
    "dept": "Department",
    "assn": "Association",
}
"""After a capitalised word."""

ABBREVIATIONS = {
    "e.g": "for example",
    "eg": "for example",
    "i.e": "that is",
    "ie": "that is",
    "etc": "et cetera",
    "vs": "versus",
    "cf": "compare",
    "approx": "approximately",
    "appt": "appointment",
    "apt": "apartment",
    "dept": "department",
    "ext": "extension",
    "govt": "government",
    "incl": "including",
    "misc": "miscellaneous",
    "tel": "telephone",
    "viz": "namely",
    "w/o": "without",
    "c/o": "care of",
    "w/": "with",
    "b/c": "because",
    "a.k.a": "also known as",
    "aka": "also known as",
    "p.s": "P S",
    "n.b": "N B",
    "ph.d": "P H D",
    "vol": "volume",
    "max": "maximum",
    "min": "minimum",
    "avg": "average",
}
BARE_ABBREVIATIONS = frozenset("vs etc eg ie aka approx govt misc w/o c/o w/ b/c incl".split())
"""Read out without a period too; the others are words of their own or too short to be sure."""

STATES = {
    "AL": "Alabama",
    "AK": "Alaska",
    "AZ": "Arizona",
    "AR": "Arkansas",
    "CA": "California",
    "CO": "Colorado",
    "CT": "Connecticut",
    "DE": "Delaware",
    "FL": "Florida",
    "GA": "Georgia",
    "HI": "Hawaii",
    "ID": "Idaho",
    "IL": "Illinois",
    "IN": "Indiana",
    "IA": "Iowa",
    "KS": "Kansas",
    "KY": "Kentucky",
    "LA": "Louisiana",
    "ME": "Maine",
    "MD": "Maryland",
    "MA": "Massachusetts",
    "MI": "Michigan",
    "MN": "Minnesota",
    "MS": "Mississippi",
    "MO": "Missouri",
    "MT": "Montana",
    "NE": "Nebraska",
    "NV": "Nevada",
    "NH": "New Hampshire",
    "NJ": "New Jersey",
    "NM": "New Mexico",
    "NY": "New York",
    "NC": "North Carolina",
    "ND": "North Dakota",
    "OH": "Ohio",
    "OK": "Oklahoma",
    "OR": "Oregon",
    "PA": "Pennsylvania",
    "RI": "Rhode Island",
    "SC": "South Carolina",
    "SD": "South Dakota",
    "TN": "Tennessee",
    "TX": "Texas",
    "UT": "Utah",
    "VT": "Vermont",
    "VA": "Virginia",
    "WA": "Washington",
    "WV": "West Virginia",
    "WI": "Wisconsin",
    "WY": "Wyoming",
}
"""After the comma behind a town."""

NUMBERED = {
    "no": "number",
    "nos": "numbers",
    "vol": "volume",
    "vols": "volumes",
    "p": "page",
    "pp": "pages",
    "pg": "page",
    "ch": "chapter",
    "chap": "chapter",
    "fig": "figure",
    "figs": "figures",
    "eq": "equation",
    "sec": "section",
    "art": "article",
    "ver": "version",
    "v": "version",
    "apt": "apartment",
    "ext": "extension",
    "rm": "room",
    "op": "opus",
    "ca": "circa",
    "c": "circa",
}
"""Before a number, with their period."""
_BEFORE_I = frozenset("vol vols ch chap fig figs op".split())
"""Before the numeral I as well; behind the others it is who speaks: no. I will not."""
_SMALL_LETTERS = frozenset("c ca".split())
"""Capitals are a letter's name or a state: vitamin C. 3 a day."""


def takes_number(short: str, follower: str) -> bool:
    """Whether ``short``, one of ``NUMBERED`` with its period behind it, is said together with ``follower``."""
    lower = short.lower()
    if lower in _SMALL_LETTERS and short != lower:
        return False
    if follower == "I":
        return lower in _BEFORE_I
    return re.match(r"\d|[IVXLC]+\Z", follower) is not None


UNITS = {
    "km": "kilometer",
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "\u03bcm": "micrometer",
    "nm": "nanometer",
    "mi": "mile",
    "ft": "foot",
    "yd": "yard",
    "in": "inch",
    "km/h": "kilometer per hour",
    "kmh": "kilometer per hour",
    "kph": "kilometer per hour",
    "mph": "mile per hour",
    "m/s": "meter per second",
    "km/s": "kilometer per second",
    "km squared": "square kilometer",
    "m squared": "square meter",
    "cm squared": "square centimeter",
    "ft squared": "square foot",
    "sq ft": "square foot",
    "sq km": "square kilometer",
    "sq mi": "square mile",
    "m cubed": "cubic meter",
    "cm cubed": "cubic centimeter",
    "ha": "hectare",
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "\u03bcg": "microgram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "l": "liter",
    "L": "liter",
    "ml": "milliliter",
    "mL": "milliliter",
    "cl": "centiliter",
    "gal": "gallon",
    "tsp": "teaspoon",
    "tbsp": "tablespoon",
    "\u00b0C": "degree Celsius",
    "\u00b0F": "degree Fahrenheit",
    "\u00b0": "degree",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "kB": "kilobyte",
    "KB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "KiB": "kibibyte",
    "MiB": "mebibyte",
    "GiB": "gibibyte",
    "kbps": "kilobit per second",
    "Mbps": "megabit per second",
    "Gbps": "gigabit per second",
    "MB/s": "megabyte per second",
    "GB/s": "gigabyte per second",
    "W": "watt",
    "kW": "kilowatt",
    "MW": "megawatt",
    "GW": "gigawatt",
    "kWh": "kilowatt hour",
    "V": "volt",
    "mV": "millivolt",
    "kV": "kilovolt",
    "A": "amp",
    "mA": "milliamp",
    "mAh": "milliamp hour",
    "\u03a9": "ohm",
    "J": "joule",
    "kJ": "kilojoule",
    "cal": "calorie",
    "kcal": "kilocalorie",
    "Pa": "pascal",
    "hPa": "hectopascal",
    "psi": "P S I",
    "dB": "decibel",
    "ms": "millisecond",
    "\u03bcs": "microsecond",
    "ns": "nanosecond",
    "s": "second",
    "sec": "second",
    "secs": "second",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "yr": "year",
    "yrs": "year",
    "px": "pixel",
    "MP": "megapixel",
    "fps": "frame per second",
    "rpm": "revolution per minute",
    "bpm": "beat per minute",
    "mpg": "mile per gallon",
    "%": "percent",
}
GLUED_UNITS = frozenset("in A V J W MP cal".split())
"""Words or names of their own: units only when glued to the number or when no word follows."""
LETTERED_PLACES = frozenset(
    "seat seats row room gate flat apartment apt platform unit block hall stand section page figure fig exit bus route line "
    "class grade level size type model iphone".split()
)
"""Before a number and a letter that are a name: seat 14C."""

CURRENCIES = {
    "$": ("dollar", "cent"),
    "US$": ("U S dollar", "cent"),
    "C$": ("Canadian dollar", "cent"),
    "A$": ("Australian dollar", "cent"),
    "HK$": ("Hong Kong dollar", "cent"),
    "\u00a3": ("pound", "penny"),
    "\u20ac": ("euro", "cent"),
    "\u00a5": ("yen", "sen"),
    "\u20b9": ("rupee", "paisa"),
    "\u20a9": ("won", "jeon"),
    "\u20bd": ("ruble", "kopek"),
    "\u20bf": ("bitcoin", "satoshi"),
    "USD": ("U S dollar", "cent"),
    "EUR": ("euro", "cent"),
    "GBP": ("British pound", "penny"),
    "JPY": ("yen", "sen"),
    "CNY": ("yuan", "fen"),
    "RMB": ("yuan", "fen"),
    "CHF": ("Swiss franc", "centime"),
}
MAGNITUDES = {
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "M": "million",
    "mn": "million",
    "b": "billion",
    "B": "billion",
    "bn": "billion",
    "t": "trillion",
    "tn": "trillion",
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
    "hundred": "hundred",
}

SPOKEN_ACRONYMS = frozenset(
    "NASA NATO UNESCO UNICEF OPEC FIFA UEFA AIDS LASER RADAR SONAR SCUBA NAFTA OSHA SWAT ASCII RAM ROM PIN SIM GIF "
    "JPEG MPEG COVID NAND CAD RAID SOHO NIMBY YOLO LOL POTUS SCOTUS FOMO FEMA NASDAQ ASEAN BRICS CERN LAN WAN WIFI "
    "BASIC BIOS CAPTCHA JSON YAML DOS OK AWOL SARS MERS GAAP SALT START ZIP".split()
)
SPELLED_ACRONYMS = frozenset(
    "US USA UK EU UN ID PR HR IQ ET ER OS AC DC AM PM FM LA MA PA AI VR AR XR ML MIT LED VAT FAQ DIY ETA ROI IPO NGO USSR PM DC "
    "SQL URL ASAP UI UX IP TA PS RV AD BC CE BCE NHS TTS ASR GPU CPU API SDK".split()
)
"""Would otherwise be read as a word of the dictionary."""
AMBIGUOUS_ACRONYMS = frozenset("IT WHO".split())
"""Spelled only after an article or a preposition; elsewhere they are words in capitals."""
MONARCHS = frozenset(
    "Henry Louis Elizabeth George Charles Edward James William Richard Paul Pius Benedict Philip Napoleon Catherine "
    "Peter Nicholas Alexander Ivan Frederick Leo Gregory Innocent Ramesses Ramses Ptolemy Mary Robert Alfonso "
    "Ferdinand Francis Wilhelm Clement Urban Boniface Rama Xerxes Darius Cyrus Mehmed Selim Murad Otto Haakon Harald "
    "Olaf Gustav Carl Christian Albert Victor Umberto Pedro Manuel Baldwin Julius Margaret Felipe Leopold Stephen "
    "Constantine Theodosius Justinian Sixtus Celestine Eugene Adrian Callixtus Amenhotep Thutmose Cleopatra".split()
)
NUMERAL_NOUNS = frozenset(
    "Chapter Part Act Scene Book Volume War Section Phase Type Class Article Appendix Episode Level Stage Bowl Title "
    "Figure Table Season Lesson Unit Psalm Canto Grade Round Division Tier Category Mark Rocky Fantasy".split()
)

GREEK = dict(
    zip(
        "\u03b1\u03b2\u03b3\u03b4\u03b5\u03b6\u03b7\u03b8\u03b9\u03ba\u03bb\u03bc\u03bd\u03be\u03bf\u03c0\u03c1\u03c3\u03c4\u03c5\u03c6\u03c7\u03c8\u03c9",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi "
        "chi psi omega".split(),
        strict=True,
    )
)

SYMBOLS = {
    "&": "and",
    "@": "at",
    "+": "plus",
    "=": "equals",
    "\u00d7": "times",
    "\u00f7": "divided by",
    "<": "less than",
    ">": "greater than",
    "\u2264": "less than or equal to",
    "\u2265": "greater than or equal to",
    "\u2260": "does not equal",
    "\u2248": "is about",
    "\u00b1": "plus or minus",
    "\u221e": "infinity",
    "\u221a": "the square root of",
    "\u00a7": "section",
    "\u00b6": "paragraph",
    "%": "percent",
    "\u2030": "per mille",
    "\u00b0": "degrees",
    "#": "number",
    "$": "dollars",
    "\u00a3": "pounds",
    "\u20ac": "euros",
    "\u00a5": "yen",
    "\u00a2": "cents",
    "\u2192": ",",
    "\u2022": ",",
    "|": ",",
}
"""Said where they stand alone; every other symbol is silent."""
