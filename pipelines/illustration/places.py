"""Backgrounds: every place of a story drawn in any palette, varied by seed, as SVG on a 256 x 256 canvas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipelines.illustration.brush import SIZE, Brush
from pipelines.illustration.palette import Palette


@dataclass(frozen=True)
class Place:
    """`ground` is the band (shares of the height) where feet stand; `medium` is land, sea, deep or space."""

    name: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    ground: tuple[float, float]
    medium: str
    outdoors: bool
    paint: Callable[[Brush], None]


def _tufts(brush: Brush, top: float, colour: str, count: int) -> None:
    for _ in range(count):
        x, y = brush.rng.uniform(0, SIZE), brush.rng.uniform(top, SIZE - 4)
        brush.line(f"M{x:.0f} {y:.0f} l-3 -6 M{x:.0f} {y:.0f} l0 -8 M{x:.0f} {y:.0f} l3 -6", colour, 1.5)


def _pine(brush: Brush, x: float, foot: float, height: float, colour: str, distance: float) -> None:
    width = height * 0.34
    brush.rect(x - 2, foot - height * 0.18, 4, height * 0.2, "#6b4733", distance)
    for low, high, share in ((0.12, 0.55, 1.0), (0.36, 0.78, 0.8), (0.6, 1.0, 0.58)):
        half = width * share
        brush.path(
            f"M{x - half:.1f} {foot - height * low:.1f} L{x:.1f} {foot - height * high:.1f} L{x + half:.1f} {foot - height * low:.1f} Z",
            colour,
            distance,
        )


def _meadow(brush: Brush) -> None:
    brush.sky(165)
    brush.hill(150, 14, "#a8d672", 0.3)
    brush.hill(172, 10, "#8cc95c", 0.1)
    brush.hill(200, 6, "#74ba4c")
    _tufts(brush, 196, "#5a9f3b", 12)
    for _ in range(14):
        x, y = brush.rng.uniform(0, SIZE), brush.rng.uniform(178, SIZE - 4)
        colour = brush.rng.choice(("#ff8fb0", "#ffffff", "#ffd84d", "#c58ff0"))
        brush.ellipse(x, y, 3, 3, colour)
        brush.ellipse(x, y, 1.2, 1.2, "#f2a33c")


def _forest(brush: Brush) -> None:
    brush.sky(165)
    brush.hill(140, 6, "#5f9a63", 0.45)
    for x in range(-10, SIZE + 20, 22):
        top = brush.rng.uniform(20, 60)
        brush.rect(x + 5, top + 40, 6, 120, "#5c4a3c", 0.35)
        brush.ellipse(x + 8, top + 34, 24, 40, "#4f8f58", 0.35)
    brush.hill(170, 5, "#5f9c52", 0.08)
    for x in (brush.rng.uniform(-14, 14), brush.rng.uniform(240, 270), brush.rng.uniform(36, 62)):
        brush.path(f"M{x - 9:.0f} 205 L{x - 6:.0f} 40 H{x + 6:.0f} L{x + 9:.0f} 205 Z", "#7a5439")
        brush.ellipse(x, 44, 40, 36, "#3f8548")
        brush.ellipse(x - 20, 26, 30, 26, "#4c9653")
        brush.ellipse(x + 20, 20, 30, 26, "#4c9653")
    brush.hill(204, 5, "#4f8e45")
    _tufts(brush, 206, "#3b7437", 14)


def _sea(brush: Brush) -> None:
    brush.sky(150)
    rough = 1.6 if brush.palette.weather == "storm" else 1.0
    brush.rect(0, 136, SIZE, 120, "#3f9fd6", 0.25)
    for y, colour, distance in (
        (150, "#4aa8dc", 0.12),
        (172, "#3796d0", 0),
        (198, "#2c86c2", 0),
        (226, "#2377b2", 0),
    ):
        brush.waves(y, colour, distance, 30 * rough)
    for _ in range(9):
        x, y = brush.rng.uniform(0, SIZE), brush.rng.uniform(160, SIZE - 6)
        brush.line(f"M{x:.0f} {y:.0f} q6 -4 12 0", "#bfe6f7", 1.8)


def _underwater(brush: Brush) -> None:
    top, bottom = brush.palette.apply("#6fd3ee"), brush.palette.apply("#1767a8")
    brush.gradient(top, bottom)
    for x in (20, 90, 170):
        brush.path(f"M{x} 0 L{x + 34} 0 L{x + 84} 256 L{x + 20} 256 Z", "#c9f3fa", 0, 0.14)
    brush.hill(214, 6, "#e7cf94", 0)
    for _ in range(7):
        x, height = brush.rng.uniform(0, SIZE), brush.rng.uniform(30, 74)
        colour = brush.rng.choice(("#2f9e6b", "#3fb57c", "#238a68"))
        brush.line(
            f"M{x:.0f} 222 q-10 -{height / 4:.0f} 0 -{height / 2:.0f} q10 -{height / 4:.0f} 0 -{height / 2:.0f}",
            colour,
            6,
        )
    for _ in range(4):
        x = brush.rng.uniform(0, SIZE)
        colour = brush.rng.choice(("#f27f8f", "#f2a35a", "#b983d9"))
        brush.line(f"M{x:.0f} 230 v-22 M{x:.0f} 222 q-10 0 -10 -12 M{x:.0f} 218 q9 0 9 -12", colour, 5)
    for _ in range(12):
        x, y, r = brush.rng.uniform(0, SIZE), brush.rng.uniform(10, 190), brush.rng.uniform(1.5, 4.5)
        brush.ellipse(x, y, r, r, "#e6fbff", 0, 0.6)


def _shore(brush: Brush) -> None:
    brush.sky(130)
    brush.rect(0, 118, SIZE, 70, "#3fa9dc", 0.2)
    brush.waves(134, "#49b4e0", 0.08)
    brush.waves(152, "#5cc3e6")
    brush.hill(178, 5, "#fdf6e0", 0, 0.8)
    brush.hill(184, 5, "#f3d899", 0, 0.8)
    x, lean = brush.rng.choice(((22, 14), (234, -14)))
    brush.line(f"M{x} 206 Q{x + lean * 0.2} 150 {x + lean} 96", "#9a6b3f", 8)
    for dx, dy in ((-34, 10), (-28, -12), (0, -24), (28, -12), (34, 10)):
        brush.path(
            f"M{x + lean} 96 Q{x + lean + dx * 0.6} {90 + dy - 8} {x + lean + dx} {100 + dy} Q{x + lean + dx * 0.5} {98 + dy * 0.6} {x + lean} 96 Z",
            "#4fa552",
        )
    for _ in range(7):
        x, y = brush.rng.uniform(0, SIZE), brush.rng.uniform(205, SIZE - 6)
        brush.ellipse(x, y, 3.4, 2.4, brush.rng.choice(("#f7b3a6", "#ffffff", "#e0b56a")))


def _snow(brush: Brush) -> None:
    brush.sky(165)
    brush.hill(140, 16, "#dbe8f5", 0.3)
    for _ in range(7):
        x, foot = brush.rng.uniform(0, SIZE), brush.rng.uniform(152, 174)
        _pine(brush, x, foot, brush.rng.uniform(34, 60), "#5e93a0", 0.12)
    brush.hill(170, 8, "#eef5fc", 0.05)
    brush.hill(200, 6, "#ffffff")
    for _ in range(18):
        brush.ellipse(brush.rng.uniform(0, SIZE), brush.rng.uniform(204, SIZE), 8, 1.6, "#dbe7f4")


def _village(brush: Brush) -> None:
    brush.sky(165)
    brush.hill(150, 8, "#a9cf7c", 0.3)
    x = brush.rng.uniform(-16, 0)
    while x < SIZE:
        width, height = brush.rng.uniform(36, 50), brush.rng.uniform(28, 44)
        wall = brush.rng.choice(("#fff0d2", "#fbe0c0", "#f2e6d6", "#f7d3c0"))
        roof = brush.rng.choice(("#c65b46", "#a8503f", "#7f6aa0", "#4f7f9a", "#c98a3f"))
        brush.rect(x + width * 0.68, 170 - height - 22, 7, 20, "#9a6b55", 0.1)
        brush.rect(x, 170 - height, width, height + 6, wall, 0.1)
        brush.path(
            f"M{x - 4:.0f} {170 - height:.0f} L{x + width / 2:.0f} {146 - height:.0f} L{x + width + 4:.0f} {170 - height:.0f} Z",
            roof,
            0.1,
        )
        brush.rect(x + width * 0.4, 154, 9, 20, "#7a5238", 0.1, 1, 3)
        glass = "#ffe49a" if brush.palette.stars or brush.palette.weather else "#8fc6e6"
        for share in (0.14, 0.7):
            side = f'x="{x + width * share:.0f}" y="{180 - height:.0f}" width="8" height="9"'
            brush.plain(f'<rect {side} fill="{glass}"/>')
        x += width + brush.rng.uniform(4, 16)
    brush.hill(178, 4, "#86bf5e")
    brush.path("M96 256 C110 220 120 200 118 176 L134 176 C142 200 156 220 176 256 Z", "#e6cf9c")
    _tufts(brush, 196, "#649d45", 8)


def _castle(brush: Brush) -> None:
    brush.sky(165)
    brush.hill(150, 10, "#9fca74", 0.3)
    left = brush.rng.choice((28, 66, 104))
    stone, dark, roof = "#c9c3d6", "#aca5bd", brush.rng.choice(("#6f5fa8", "#c8566a", "#3f7fb0"))
    for dx, width, top in ((0, 26, 84), (100, 26, 84), (28, 22, 58), (76, 22, 58), (52, 22, 34)):
        brush.rect(left + dx, top, width, 180 - top, stone if dx in (0, 100, 52) else dark, 0.08)
        brush.path(
            f"M{left + dx - 4} {top} L{left + dx + width / 2} {top - 30} L{left + dx + width + 4} {top} Z",
            roof,
            0.05,
        )
        brush.rect(left + dx + width / 2 - 3, top + 12, 6, 11, "#4c4460", 0, 1, 3)
    brush.rect(left + 14, 126, 98, 54, stone, 0.05)
    for x in range(left + 14, left + 112, 14):
        brush.rect(x, 118, 8, 10, stone, 0.05)
    brush.path(f"M{left + 50} 180 V154 a13 13 0 0 1 26 0 V180 Z", "#6b4a3a")
    brush.line(f"M{left + 63} 4 v-14", "#6b4a3a", 2)
    brush.path(f"M{left + 63} 4 l16 -6 l-16 -6 Z", "#e4574f")
    brush.hill(182, 4, "#7fb95a")
    brush.path(f"M{left + 30} 256 L{left + 52} 180 h22 L{left + 112} 256 Z", "#e2d3b0")
    _tufts(brush, 204, "#5e9a44", 7)


def _desert(brush: Brush) -> None:
    brush.sky(160)
    x = brush.rng.uniform(20, 150)
    brush.path(f"M{x:.0f} 170 L{x + 46:.0f} 104 L{x + 92:.0f} 170 Z", "#e5b873", 0.15)
    brush.path(f"M{x + 46:.0f} 104 L{x + 92:.0f} 170 L{x + 62:.0f} 170 Z", "#cf9c58", 0.15)
    brush.hill(162, 9, "#f3cf88", 0.15)
    brush.hill(186, 9, "#ecbf6e")
    brush.hill(216, 6, "#e2ae58")
    for x in (brush.rng.uniform(6, 70), brush.rng.uniform(190, 250)):
        foot = brush.rng.uniform(184, 200)
        d = f"M{x:.0f} {foot:.0f} v-46 M{x:.0f} {foot - 16:.0f} h-12 v-14 M{x:.0f} {foot - 24:.0f} h11 v-12"
        brush.line(d, "#4f9a58", 8)


def _city(brush: Brush) -> None:
    brush.sky(180)
    lit = brush.palette.stars or brush.palette.weather is not None
    for row, distance in ((0, 0.4), (1, 0.1)):
        x = brush.rng.uniform(-20, 0)
        while x < SIZE:
            width, top = brush.rng.uniform(26, 42), brush.rng.uniform(24, 70) + row * 36
            colour = brush.rng.choice(("#8fa3c4", "#a98fb8", "#c49a94", "#86a9ae", "#b3a58c"))
            brush.rect(x, top, width, 190 - top, colour, distance)
            for wx in range(5, int(width) - 5, 9):
                for wy in range(8, int(180 - top), 14):
                    if row and brush.rng.random() < 0.8:
                        glass = "#ffe28a" if lit else brush.palette.apply("#dff0fa")
                        brush.plain(
                            f'<rect x="{x + wx:.0f}" y="{top + wy:.0f}" width="5" height="7" fill="{glass}"/>'
                        )
            x += width + brush.rng.uniform(0, 4)
    brush.rect(0, 184, SIZE, 12, "#cfccc6")
    brush.rect(0, 194, SIZE, 62, "#6f6f7c")
    for x in range(8, SIZE, 44):
        brush.rect(x, 224, 24, 5, "#f3e9b8")


def _room(brush: Brush) -> None:
    wall = brush.rng.choice(("#f6d9b0", "#cfe3d0", "#f4c9c4", "#cfd9ee"))
    brush.rect(0, 0, SIZE, 190, wall)
    for x in range(10, SIZE, 28):
        brush.rect(x, 0, 8, 182, "#ffffff", 0, 0.18)
    brush.rect(0, 178, SIZE, 10, "#fff6e6")
    brush.rect(0, 186, SIZE, 70, "#b98455")
    for y in (200, 220, 240):
        brush.rect(0, y, SIZE, 2, "#9d6c42")
    left = brush.rng.choice((24, 140))
    top, bottom = brush.palette.sky
    brush.rect(left - 6, 26, 98, 94, "#8a5a38", 0, 1, 4)
    brush.plain(
        f'<linearGradient id="w" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{top}"/><stop offset="1" stop-color="{bottom}"/></linearGradient><rect x="{left}" y="32" width="86" height="82" fill="url(#w)"/>'
    )
    if brush.palette.disc:
        brush.plain(f'<circle cx="{left + 60}" cy="58" r="11" fill="{brush.palette.disc}"/>')
    if brush.palette.weather:
        for x in range(left + 8, left + 84, 12):
            brush.line(f"M{x} {40 + x % 5 * 9} l-5 14", "#d5e2ec", 1.8)
    if brush.palette.weather == "storm":
        brush.plain(f'<path d="M{left + 30} 34 l-10 28 h8 l-10 30 22 -38 h-9 l9 -20 Z" fill="#fff0a0"/>')
    brush.line(f"M{left + 43} 32 V114 M{left} 73 H{left + 86}", "#8a5a38", 4)
    for x, bend in ((left - 12, 18), (left + 98, -18)):
        brush.path(f"M{x} 20 Q{x + bend * 1.6} 70 {x} 130 L{x - bend * 0.7} 130 V20 Z", "#d9665a")
    side = 190 if left < 100 else 16
    brush.rect(side, 44, 52, 40, "#8a5a38", 0, 1, 3)
    brush.rect(side + 5, 49, 42, 30, "#f9efd8")
    brush.path(f"M{side + 8} 78 l12 -18 10 12 6 -6 9 12 Z", "#7fae7a")
    brush.ellipse(128, 224, 96, 22, brush.rng.choice(("#d97a6a", "#6f9fb8", "#c9a04f")))
    brush.ellipse(128, 224, 78, 16, "#f6e2c0")


def _moon(brush: Brush) -> None:
    brush.gradient(brush.palette.apply("#191335"), brush.palette.apply("#4a3a7d"))
    for _ in range(46):
        x, y, r = brush.rng.uniform(0, SIZE), brush.rng.uniform(0, 170), brush.rng.uniform(0.6, 1.9)
        brush.plain(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.1f}" fill="#fff8dc"/>')
    x, y = brush.rng.uniform(40, 216), brush.rng.uniform(34, 70)
    brush.ellipse(x, y, 26, 26, "#4f9be0")
    brush.path(
        f"M{x - 18:.0f} {y - 8:.0f} q8 -12 18 -6 q4 8 -6 12 q-10 6 -12 -6 Z M{x + 2:.0f} {y + 6:.0f} q12 -6 16 2 q-4 12 -14 10 Z",
        "#6fbf6a",
    )
    brush.hill(176, 8, "#a9a5b8", 0)
    brush.hill(196, 5, "#c9c5d3", 0)
    for _ in range(9):
        x, y = brush.rng.uniform(0, SIZE), brush.rng.uniform(190, SIZE)
        r = brush.rng.uniform(7, 20)
        brush.ellipse(x, y, r, r * 0.32, "#a6a1b5")
        brush.ellipse(x, y + 1.4, r * 0.8, r * 0.2, "#8f8aa0")


def _mountains(brush: Brush) -> None:
    brush.sky(170)
    for _ in range(3):
        x, top = brush.rng.uniform(-20, 220), brush.rng.uniform(40, 80)
        half = brush.rng.uniform(64, 96)
        brush.path(f"M{x - half:.0f} 172 L{x:.0f} {top:.0f} L{x + half:.0f} 172 Z", "#7f8fb5", 0.2)
        brush.path(f"M{x:.0f} {top:.0f} L{x + half:.0f} 172 L{x + half * 0.2:.0f} 172 Z", "#6a7aa3", 0.2)
        cap = 0.3
        low = top + (172 - top) * cap
        brush.path(
            f"M{x:.0f} {top:.0f} L{x + half * cap:.0f} {low:.0f} l-{half * 0.12:.0f} -6 l-{half * 0.14:.0f} 8 l-{half * 0.14:.0f} -8 L{x - half * cap:.0f} {low:.0f} Z",
            "#ffffff",
        )
    brush.hill(164, 5, "#7fb07a", 0.12)
    for _ in range(6):
        _pine(
            brush,
            brush.rng.uniform(0, SIZE),
            brush.rng.uniform(164, 174),
            brush.rng.uniform(22, 36),
            "#3f7f5c",
            0.1,
        )
    brush.hill(176, 3, "#77b060")
    brush.path(
        "M110 168 C150 186 60 196 20 214 C-20 232 -10 250 -10 256 L120 256 C96 236 190 196 126 168 Z",
        "#58b4e4",
    )
    brush.line("M60 216 q10 -4 20 0 M30 236 q12 -4 24 0 M96 200 q8 -3 16 0", "#d6f0fb", 2)
    _tufts(brush, 206, "#57914a", 6)


def _cave(brush: Brush) -> None:
    brush.rect(0, 0, SIZE, SIZE, "#6b5a66")
    x = brush.rng.uniform(90, 166)
    brush.path(
        f"M{x - 62:.0f} 186 C{x - 74:.0f} 96 {x - 40:.0f} 52 {x:.0f} 50 C{x + 42:.0f} 52 {x + 74:.0f} 98 {x + 62:.0f} 186 Z",
        "#584955",
    )
    brush.plain(
        f'<path d="M{x - 46:.0f} 186 C{x - 56:.0f} 110 {x - 30:.0f} 72 {x:.0f} 70 C{x + 32:.0f} 72 {x + 56:.0f} 110 {x + 46:.0f} 186 Z" fill="{brush.palette.sky[1]}"/>'
    )
    if brush.palette.disc:
        brush.plain(f'<circle cx="{x + 10:.0f}" cy="108" r="11" fill="{brush.palette.disc}"/>')
    if brush.palette.weather == "storm":
        brush.plain(f'<path d="M{x:.0f} 80 l-10 28 h8 l-10 30 22 -38 h-9 l9 -20 Z" fill="#fff0a0"/>')
    brush.hill(186, 4, "#7c6a70")
    for left in range(-6, SIZE, 30):
        width, drop = brush.rng.uniform(18, 30), brush.rng.uniform(20, 56)
        brush.path(f"M{left} 0 L{left + width / 2:.0f} {drop:.0f} L{left + width:.0f} 0 Z", "#463944")
    for left in (brush.rng.uniform(0, 30), brush.rng.uniform(206, 240)):
        colour = brush.rng.choice(("#6fd6e8", "#c58ff0", "#8fe0a0"))
        for dx, height, tilt in ((0, 34, -8), (10, 48, 0), (20, 30, 9)):
            d = f"M{left + dx - 5:.0f} 210 L{left + dx + tilt:.0f} {210 - height} L{left + dx + 6:.0f} 210 Z"
            brush.plain(f'<path d="{d}" fill="{colour}" opacity="0.9"/>')
    brush.hill(212, 4, "#8d7a7d")


PLACES: Mapping[str, Place] = {
    place.name: place
    for place in (
        Place(
            "meadow",
            ("meadow", "field", "garden", "park", "grassland"),
            ("草地", "田野", "花园", "公园", "草原"),
            (0.76, 0.96),
            "land",
            True,
            _meadow,
        ),
        Place(
            "forest",
            ("forest", "woods", "jungle"),
            ("森林", "树林", "丛林"),
            (0.80, 0.96),
            "land",
            True,
            _forest,
        ),
        Place(
            "sea",
            ("sea", "ocean", "open water", "waves"),
            ("大海", "海上", "海洋"),
            (0.74, 0.92),
            "sea",
            True,
            _sea,
        ),
        Place(
            "underwater",
            ("underwater", "bottom of the sea", "coral reef"),
            ("海底", "水下", "水里"),
            (0.80, 0.95),
            "deep",
            False,
            _underwater,
        ),
        Place(
            "shore",
            ("shore", "beach", "seaside", "island"),
            ("海边", "沙滩", "海滩", "岛"),
            (0.78, 0.96),
            "land",
            True,
            _shore,
        ),
        Place(
            "snow",
            ("snow", "snowy hills", "ice"),
            ("雪地", "冰天雪地", "雪山"),
            (0.76, 0.96),
            "land",
            True,
            _snow,
        ),
        Place(
            "village",
            ("village", "little town", "market", "farmyard"),
            ("村庄", "村子", "小镇", "农场"),
            (0.76, 0.96),
            "land",
            True,
            _village,
        ),
        Place(
            "castle",
            ("castle", "palace", "kingdom"),
            ("城堡", "宫殿", "王宫"),
            (0.77, 0.96),
            "land",
            True,
            _castle,
        ),
        Place("desert", ("desert", "sand dunes"), ("沙漠", "沙丘"), (0.78, 0.96), "land", True, _desert),
        Place(
            "city",
            ("city", "street", "big town", "skyscrapers"),
            ("城市", "街道", "街上", "大街"),
            (0.79, 0.96),
            "land",
            True,
            _city,
        ),
        Place(
            "room",
            ("room", "bedroom", "kitchen", "inside the house", "at home"),
            ("房间", "屋里", "家里", "卧室"),
            (0.80, 0.96),
            "land",
            False,
            _room,
        ),
        Place(
            "moon",
            ("moon", "outer space", "lunar surface"),
            ("月球", "太空", "星球"),
            (0.76, 0.95),
            "space",
            False,
            _moon,
        ),
        Place(
            "mountains",
            ("mountains", "river valley", "river"),
            ("山", "高山", "山谷", "河边", "小河"),
            (0.77, 0.96),
            "land",
            True,
            _mountains,
        ),
        Place(
            "cave", ("cave", "cavern", "tunnel"), ("山洞", "洞穴", "洞里"), (0.80, 0.96), "land", False, _cave
        ),
    )
}


def background(place: Place, palette: Palette, seed: int) -> str:
    """The place in this light, without anybody in it, as an SVG document."""
    brush = Brush(palette, seed)
    place.paint(brush)
    return brush.document()


def weather(place: Place, palette: Palette, seed: int) -> str | None:
    """Rain, or snowfall where it is cold, over the whole picture; None in fair weather and indoors."""
    if palette.weather is None or not place.outdoors:
        return None
    brush = Brush(palette, seed)
    heavy = palette.weather == "storm"
    if place.name == "snow":
        for _ in range(90 if heavy else 50):
            x, y, r = brush.rng.uniform(0, SIZE), brush.rng.uniform(0, SIZE), brush.rng.uniform(1, 2.8)
            brush.plain(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.1f}" fill="#fff" opacity="0.9"/>')
        return brush.document()
    slant, length = (-9, 20) if heavy else (-3, 12)
    drops = " ".join(
        f"M{brush.rng.uniform(0, SIZE + 20):.0f} {brush.rng.uniform(-20, SIZE):.0f} l{slant} {length}"
        for _ in range(80 if heavy else 55)
    )
    brush.plain(f'<path d="{drops}" fill="none" stroke="#e6f0f8" stroke-width="1.3" opacity="0.55"/>')
    return brush.document()
