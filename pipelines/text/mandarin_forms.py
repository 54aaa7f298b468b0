"""The written forms that a Chinese reader turns into words, as ordered rules; both Mandarin front ends read by them.

Each rule rewrites what it knows how to read and leaves the rest to the rules behind it.
"""

from __future__ import annotations

import re

from pipelines.text.mandarin_numbers import cardinal, counted, decimal, spell_code, spell_digits
from pipelines.text.normalise import clean
from pipelines.text.written_forms.rules import RuleBook, any_of

RULES = RuleBook()

NUMBER = r"(?<!\d)(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
_SIGN = r"(?:(?<![\dA-Za-z%)])[-\u2212])?"
_DASH = r"\s?(?:[-~\u2010-\u2015\u2212]|\u2014\u2014)\s?"
_CLASSIFIERS = (
    "个只条本张位件杯块年天周次遍人家名头匹辆座把双对种份间层岁米斤小点分秒元万千亿倍句步口支枝朵棵颗粒封首部台套瓶碗盘片"
    "场门项点里公英寸尺升吨度"
)
UNITS = {
    "km/h": "千米每小时",
    "m/s": "米每秒",
    "km squared": "平方千米",
    "m squared": "平方米",
    "cm squared": "平方厘米",
    "m cubed": "立方米",
    "cm cubed": "立方厘米",
    "m2": "平方米",
    "m3": "立方米",
    "km": "千米",
    "cm": "厘米",
    "mm": "毫米",
    "\u03bcm": "微米",
    "nm": "纳米",
    "m": "米",
    "kg": "千克",
    "mg": "毫克",
    "\u03bcg": "微克",
    "g": "克",
    "t": "吨",
    "ml": "毫升",
    "mL": "毫升",
    "l": "升",
    "L": "升",
    "ms": "毫秒",
    "\u03bcs": "微秒",
    "ns": "纳秒",
    "s": "秒",
    "min": "分钟",
    "h": "小时",
    "Hz": "赫兹",
    "kHz": "千赫兹",
    "MHz": "兆赫兹",
    "GHz": "吉赫兹",
    "W": "瓦",
    "kW": "千瓦",
    "kWh": "千瓦时",
    "V": "伏",
    "kV": "千伏",
    "mAh": "毫安时",
    "\u03a9": "欧姆",
    "dB": "分贝",
    "Pa": "帕",
    "kPa": "千帕",
    "hPa": "百帕",
    "J": "焦",
    "kJ": "千焦",
    "kcal": "千卡",
    "px": "像素",
    "\u00b0F": "华氏度",
    "\u00b0": "度",
}
"""Units with a Chinese name; the others (GB, rpm) are said by their letters."""
_LETTER_UNITS = {"GB": "G B", "MB": "M B", "TB": "T B", "KB": "K B", "kB": "K B"}
_CURRENCIES = {
    "US$": "美元", "HK$": "港元", "NT$": "新台币", "\u00a5": "元", "$": "美元", "\u20ac": "欧元", "\u00a3": "英镑",
    "\u20a9": "韩元", "\u20bd": "卢布", "\u20b9": "卢比", "USD": "美元", "CNY": "元", "RMB": "元", "EUR": "欧元", "GBP": "英镑",
    "JPY": "日元", "HKD": "港元",
}  # fmt: skip
_CODE_WORDS = (
    "电话|热线|拨打|拨|致电|号码|手机|手机号|微信|工号|学号|编号|尾号|验证码|密码|账号|帐号|卡号|邮编"
    "|座机|分机|单号|车牌|口令|QQ|QQ群|群号|会议号|房间号|门牌号|航班号"
)
_LISTED = re.compile(r"(?<=\d)\uff0c(?=\d)(?!000(?!\d))|(?<=[\u2460-\u249b])(?=[\u2460-\u249b])")
"""Where cleaning would fuse two numbers: at a full-width comma (but before 000) and between \u2460 and \u2461."""


def write_out(text: str) -> str:
    """A text cleaned and without digits: dates, times, sums, units, telephone and plain numbers in characters."""
    text = clean(_LISTED.sub("\u3001", text))
    for rule in RULES:
        text = rule.pattern.sub(lambda match, read=rule.read: _or_same(read(match), match), text)
    return text


def _or_same(spoken: str | None, match: re.Match[str]) -> str:
    return match.group() if spoken is None else spoken


# from one end to the other, each with its unit

_ENDS = (
    f"{any_of(UNITS)}|\u00b0C|年代|月份|点半|小时|分钟|公里|公斤|平米|平方米|美元|欧元|英镑|块钱|号楼|个月|个小时"
    f"|[{_CLASSIFIERS}月日元期届级章节集卷页号楼班组站]"
)
_HALF_DAYS = "(?:上午|中午|下午|早上|晚上|夜里|凌晨|次日|第二天|当晚)?"
_DIGIT = "[\\d一二三四五六七八九十百千万两半]"
_DAY_NAMES = "(?:周|星期|礼拜)[一二三四五六日天末1-6]"


@RULES.rule(
    rf"(?<={_DIGIT})({_ENDS}){_DASH}(?={_HALF_DAYS}第?{_DIGIT}+(?:\.\d+)?(?:\1|[:年月日号点时分]))"
    rf"|({_DAY_NAMES}){_DASH}(?={_DAY_NAMES})"
)
def _from_to(match: re.Match[str]) -> str:
    return f"{match[1] or match[2]}到"


# addresses


@RULES.rule(r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_][A-Za-z0-9_.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
def _mail(match: re.Match[str]) -> str:
    spoken = match.group().replace("@", " at ").replace(".", "点")
    return re.sub(r"\d+", lambda digits: spell_digits(digits.group()), spoken)


# dates


@RULES.rule(rf"\((\d{{4}}){_DASH}(\d{{4}})?\)")
def _life(match: re.Match[str]) -> str:
    return f"({spell_digits(match[1])}{'到' if match[2] else ''}{spell_digits(match[2] or '')})"


@RULES.rule(r"(?<![\d-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d-])日?")
def _date(match: re.Match[str]) -> str | None:
    year, _, month, day = match.groups()
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    return f"{spell_digits(year)}年{cardinal(str(int(month)))}月{cardinal(str(int(day)))}日"


@RULES.rule(r"(?<![\d-])((?:19|20)\d\d)[-/](0[1-9]|1[0-2])(?![\d-])月?")
def _month(match: re.Match[str]) -> str:
    return f"{spell_digits(match[1])}年{cardinal(str(int(match[2])))}月"


@RULES.rule(rf"(?<!\d)(\d{{4}})年?{_DASH}(\d{{4}})(?=年|学年|财年|赛季)")
def _years(match: re.Match[str]) -> str:
    return f"{spell_digits(match[1])}到{spell_digits(match[2])}"


@RULES.rule(r"(?<!\d)(1\d\d0|20\d0)(?:'?s(?![A-Za-z])|年代)")
def _decade(match: re.Match[str]) -> str:
    return f"{spell_digits(match[1])}年代"


@RULES.rule(r"(?<!\d)[5-9]0(?=后(?!来|面|天|边))")
def _born_in(match: re.Match[str]) -> str:
    return spell_digits(match.group())


@RULES.rule(
    r"(?<=[近约有满达第这那每整历婚用花活住等隔距久国经])(?:[2-9]0|[1-9]000)(?=年)"
    r"|(?<=[^到][了过])(?:\d\d|[1-9]000)(?=年)|(?<!\d)[3-9]\d{3}(?=年)"
    r"|(?<!\d)\d\d(?:00)?(?=年(?:的?(?:历史|文明|时间|光阴|岁月|寿命|工龄|经验)|之久))"
)
def _lasting(match: re.Match[str]) -> str:
    """A number of years, not the name of one."""
    return decimal(match.group())


@RULES.rule(r"(?<!\d)(\d{4}|\d{2})(?=年(?!前|后|来|间|级|代))")
def _year(match: re.Match[str]) -> str:
    digits = match[1]
    return spell_digits(digits) if len(digits) == 4 or digits[0] in "06789" else cardinal(digits)


# times of day, ratios


@RULES.rule(
    r"(?:比|比分|比例|配比|赔率)(?:是|为|约|高达|:|定格在|来到了?)?\s?(\d+(?:\.\d+)?)[:比](\d+(?:\.\d+)?)(?!\d)"
)
def _stated_ratio(match: re.Match[str]) -> str:
    head = match.group()[: match.start(1) - match.start()]
    return f"{head}{decimal(match[1])}比{decimal(match[2])}"


_CLOCK = r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?"


@RULES.rule(rf"(?<![\d:.]){_CLOCK}{_DASH}(?={_HALF_DAYS}(?:(?:[01]?\d|2[0-4]):[0-5]\d(?![\d:])|\d{{1,2}}点))")
def _clock_range(match: re.Match[str]) -> str:
    return f"{_time(*match.groups())}到"


@RULES.rule(rf"(?<![\d:.]){_CLOCK}(?![\d:])\s?(?:([ap])\.?m\.?(?![A-Za-z]))?", re.I)
def _clock(match: re.Match[str]) -> str:
    hour, minute, second, half = match.groups()
    return _half_day(half) + _time(hour, minute, second)


@RULES.rule(r"(?<![\w.:])(1[0-2]|[1-9])\s?([ap])\.?m\.?(?![A-Za-z])", re.I)
def _hour(match: re.Match[str]) -> str:
    return f"{_half_day(match[2])}{counted(match[1], '点')}"


def _half_day(half: str | None) -> str:
    return {"a": "上午", "p": "下午"}.get((half or "").lower(), "")


def _time(hour: str, minute: str, second: str | None) -> str:
    """``8``, ``30`` -> 八点半."""
    words = counted(str(int(hour)), "点")
    if second:
        return f"{words}{_two(minute)}分{_two(second)}秒"
    if int(minute) == 30:
        return f"{words}半"
    return f"{words}{_two(minute)}分" if int(minute) else words


def _two(digits: str) -> str:
    value = str(int(digits))
    return f"零{cardinal(value)}" if len(value) == 1 and value != "0" else cardinal(value)


@RULES.rule(r"(?<![\d:.])(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)(?![\d:])")
def _ratio(match: re.Match[str]) -> str:
    return f"{decimal(match[1])}比{decimal(match[2])}"


# digits that are names


@RULES.rule(
    r"(?<![\d.])(?:\+86[- ]?)?1[3-9]\d([- ]?)\d{4}\1\d{4}(?!\d)|(?<![\d.])[48]00([- ]?)\d{3}\2\d{4}(?!\d)"
    r"|(?<![\d.])0\d{2,3}-\d{7,8}(?!\d)|\(0\d{2,3}\)\s?\d{7,8}(?!\d)|(?<!\d)\d{3,4}-\d{3,4}-\d{4}(?!\d)"
)
def _phone(match: re.Match[str]) -> str:
    written = match.group()
    plus = "加" if written.startswith("+") else ""
    return plus + ",".join(spell_code(group) for group in re.findall(r"\d+", written))


@RULES.rule(
    rf"((?:{_CODE_WORDS})(?:是|为|:|,|号)?\s?)(\d{{3,}}(?:(?:、|或者?|和)\d{{3,}})*)(?![\d.,]*\d)(?!元|块|个|万|亿|人)"
)
def _stated_code(match: re.Match[str]) -> str:
    return match[1] + re.sub(r"\d+", lambda digits: spell_code(digits.group()), match[2])


@RULES.rule(
    r"(?:(?<=[打拨])|(?<=打了)|(?<=报警)|(?<=急救)|(?<=火警))(?:110|114|119|120|122)(?!\d|[.,]\d|[元块个次折万千分秒里米斤])"
    r"|(?<![\d.])(?:110|119|120)(?=报警|急救|火警|救护车)"
    r"|(?<!\d)(?:10086|10010|12306|12315)(?!\d)|(?<!\d)\d{3}(?=事件|晚会)|(?<![\d.])\d{3,4}(?=室|房间|房|路公交|次列车)"
)
def _known_code(match: re.Match[str]) -> str:
    return spell_code(match.group())


@RULES.rule(r"(?<![\d.,])0\d{2,}(?![\d.,]*\d)")
def _leading_zero(match: re.Match[str]) -> str:
    return spell_code(match.group())


@RULES.rule(r"(?<!\d)\d+(?:\.\d+){2,}(?!\d)")
def _version(match: re.Match[str]) -> str:
    return "点".join(spell_digits(part) for part in match.group().split("."))


# sums of money


@RULES.rule(
    rf"([-\u2212])?({any_of(_CURRENCIES)})\s?({NUMBER})(?:{_DASH}(?:[$\u00a5])?({NUMBER}))?\s?(百万|千万|万亿|万|亿|千)?"
    r"(?:元|块钱?|美元|欧元|英镑)?"
)
def _money(match: re.Match[str]) -> str:
    sign, currency, amount, upto, scale = match.groups()
    if upto:
        return f"{_sum(amount)}到{counted(_plain(upto), '')}{scale or ''}{_CURRENCIES[currency]}"
    return f"{'负' if sign else ''}{counted(_plain(amount), (scale or '') + _CURRENCIES[currency])}"


@RULES.rule(rf"({NUMBER})\s?(USD|CNY|RMB|EUR|GBP|JPY|HKD|\u20ac|\u00a3)(?![A-Za-z])")
def _money_behind(match: re.Match[str]) -> str:
    return counted(_plain(match[1]), _CURRENCIES[match[2]])


@RULES.rule(rf"(?:({NUMBER}){_DASH})?({NUMBER})(?=元|块钱|美元|欧元|英镑|日元|港元)")
def _amount(match: re.Match[str]) -> str:
    return (f"{_sum(match[1])}到" if match[1] else "") + _sum(match[2])


def _sum(amount: str) -> str:
    return counted(_plain(amount), "")


def _plain(amount: str) -> str:
    """``1,234.50`` -> ``1234.5``: no commas, no empty cents."""
    amount = amount.replace(",", "")
    return amount.rstrip("0").rstrip(".") if "." in amount else amount


# letters with digits and marks


@RULES.rule(r"(?<![A-Za-z])([A-Z]{1,2})(\d{3,5})(?!\d|[.,]\d)")
def _lettered_code(match: re.Match[str]) -> str:
    return match[1] + spell_code(match[2])


@RULES.rule(r"(?<![A-Za-z])No\.\s?(\d+)", re.I)
def _rank(match: re.Match[str]) -> str:
    return f"第{cardinal(match[1])}"


@RULES.rule(r"(?<=[A-Za-z\d千万亿])\+{1,2}(?![A-Za-z\d(+])")
def _plus(match: re.Match[str]) -> str:
    return "加" * len(match.group())


# temperatures, percents, fractions


def _degrees(number: str) -> str:
    below = number[0] in "-\u2212"
    return f"零下{decimal(number[1:])}度" if below else f"{decimal(number)}度"


@RULES.rule(rf"({_SIGN}{NUMBER})\s?(?:\u00b0C?)?(?:{_DASH}|到)([-\u2212]?{NUMBER})\s?\u00b0C")
def _temperatures(match: re.Match[str]) -> str:
    return f"{_degrees(match[1])}到{_degrees(match[2])}"


@RULES.rule(rf"(零下)?({_SIGN}{NUMBER})\s?(?:\u00b0C|摄氏度)")
def _celsius(match: re.Match[str]) -> str:
    return (match[1] or "") + _degrees(match[2].lstrip("-\u2212") if match[1] else match[2])


@RULES.rule(rf"({NUMBER})\s?([%\u2030])?{_DASH}({NUMBER})\s?([%\u2030])")
def _percents(match: re.Match[str]) -> str:
    low, _, high, mark = match.groups()
    return f"{_percent(low, mark)}到{_percent(high, mark)}"


@RULES.rule(rf"({_SIGN}|\+)({NUMBER})\s?([%\u2030])")
def _one_percent(match: re.Match[str]) -> str:
    sign = {"": "", "+": "正"}.get(match[1], "负")
    return sign + _percent(match[2], match[3])


def _percent(number: str, mark: str) -> str:
    return f"{'百' if mark == '%' else '千'}分之{decimal(number)}"


@RULES.rule(r"(?<![\d/.])(?:(\d+) )?(\d+)/(\d+)(?![\d/])")
def _fraction(match: re.Match[str]) -> str:
    whole = f"{cardinal(match[1])}又" if match[1] else ""
    return f"{whole}{cardinal(match[3])}分之{cardinal(match[2])}"


# arithmetic


@RULES.rule(rf"(?<=[\d)])\s?[-\u2212]\s?(?={NUMBER}\s?=)")
def _minus(match: re.Match[str]) -> str:
    return "减"


_OPERATORS = {
    "+": "加", "\u00d7": "乘", "x": "乘", "X": "乘", "*": "乘", "\u00f7": "除以", "=": "等于", "\u2248": "约等于", ">": "大于",
    "<": "小于", "\u2265": "大于等于", "\u2264": "小于等于", "\u2260": "不等于", "\u00b1": "正负",
}  # fmt: skip


@RULES.rule(rf"(?<=[\d)])\s?([{re.escape(''.join(_OPERATORS))}])\s?(?=[\d(-])")
def _operator(match: re.Match[str]) -> str:
    return _OPERATORS[match[1]]


@RULES.rule(r"([>\u2265<\u2264\u2248\u00b1~])\s?(?=\d)")
def _compared(match: re.Match[str]) -> str | None:
    if match[1] == "~":
        return "约" if not re.search(r"\d\s?$", match.string[: match.start()]) else None
    return _OPERATORS[match[1]]


@RULES.rule(rf"({NUMBER}) squared")
def _squared(match: re.Match[str]) -> str:
    return f"{decimal(match[1])}的平方"


@RULES.rule(rf"({NUMBER}) cubed")
def _cubed(match: re.Match[str]) -> str:
    return f"{decimal(match[1])}的立方"


@RULES.rule(r"(\d+)\^(\d+)")
def _power(match: re.Match[str]) -> str:
    return f"{cardinal(match[1])}的{cardinal(match[2])}次方"


# measures, counts, and every number that is left


@RULES.rule(rf"({NUMBER}){_DASH}({NUMBER})")
def _range(match: re.Match[str]) -> str:
    return f"{counted(match[1], '')}到{match[2]}"


@RULES.rule(rf"({_SIGN})({NUMBER})\s?({any_of(UNITS | _LETTER_UNITS)})(?![A-Za-z])")
def _measure(match: re.Match[str]) -> str:
    unit = UNITS.get(match[3]) or f" {_LETTER_UNITS[match[3]]}"
    cold = "零下" if match[3].startswith("\u00b0") else "负"
    return f"{cold if match[1] else ''}{counted(match[2], unit)}"


@RULES.rule(r"(?<=[12]米)\d\d(?!\d|[.,]\d|[米厘秒分个人次天])")
def _height(match: re.Match[str]) -> str:
    return spell_digits(match.group())


@RULES.rule(r"(?<=\d块)[1-9]0(?!\d|[.,]\d|[元角毛分])")
def _tenths(match: re.Match[str]) -> str:
    """5块50 is said as 5块5."""
    return spell_digits(match.group()[0])


@RULES.rule(rf"(?<=第){NUMBER}")
def _ordinal(match: re.Match[str]) -> str:
    return cardinal(match.group())


@RULES.rule(r"(?<=双)11(?!\d)|(?<=[周期拜])[1-6](?!\d)")
def _named_day(match: re.Match[str]) -> str:
    return cardinal(match.group())


@RULES.rule(rf"(?<![\d.])(?<!\d,)2(?=[{_CLASSIFIERS}])(?!年代|年级|月|日|号|分之)")
def _two_of(match: re.Match[str]) -> str:
    return "两"


@RULES.rule(rf"(?:(?<=[\u3400-\u9fff])(?<![是为于约到至得温])-(?!{NUMBER}度))?({_SIGN}{NUMBER})")
def _number(match: re.Match[str]) -> str:
    """A hyphen behind a character joins a name (歼-20), unless the character calls for a value."""
    return decimal(match[1].replace(",", ""))


@RULES.rule(r"\d")
def _digit(match: re.Match[str]) -> str:
    return spell_digits(match.group())
