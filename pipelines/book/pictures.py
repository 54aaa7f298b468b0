"""A page's picture as the exports need it: opened with care, cut to its place, small enough for the web."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.book.book import Book, Picture
from pipelines.failure import CraftError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 16 * 2**20
"""4096 x 4096, far beyond what any painter here makes: a flat picture of this size fits in a few kilobytes of PNG."""
JPEG_QUALITY = 90
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True)
class Encoded:
    """A picture in a file: its bytes, its media type, its size in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        return "jpg" if self.media_type == "image/jpeg" else "png"


@lru_cache(maxsize=2)
def opened(picture: Picture) -> Image:
    """RGB, transparency laid on white.

    Raises:
        ValueError: not a whole PNG, or larger than ``MAX_PIXELS``.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(picture.png), formats=("PNG",))
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels")
            image.load()
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise ValueError(f"not a whole picture: {error}") from error
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")


def require_pictures(book: Book) -> None:
    """Open every picture once, before anything is written.

    Raises:
        CraftError: ``book_cover_broken``, ``book_picture_broken`` with the page's number.
    """
    for number, page in enumerate(book.pages, start=1):
        if page.picture:
            try:
                opened(page.picture)
            except ValueError as error:
                raise CraftError("book_picture_broken", page=number) from error
    if book.cover:
        try:
            opened(book.cover)
        except ValueError as error:
            raise CraftError("book_cover_broken") from error


def cropped(image: Image, shape: float) -> Box:
    """The part of ``image`` of the given width / height that is largest; above the middle, where faces are."""
    width, height = image.size
    if width / height > shape:
        left = (width - height * shape) / 2
        return left, 0.0, left + height * shape, float(height)
    top = (height - width / shape) * 0.4
    return 0.0, top, float(width), top + width / shape


def for_web(picture: Picture, comment: str, longest: int = 1400) -> Encoded:
    """As JPEG, or as PNG where that is smaller (flat colours)."""
    image = opened(picture)
    if max(image.size) > longest:
        image = image.copy()
        image.thumbnail((longest, longest))
    jpeg = as_jpeg(image, comment)
    if max(opened(picture).size) <= longest and len(picture.png) < len(jpeg):
        return Encoded(picture.png, "image/png", *image.size)
    return Encoded(jpeg, "image/jpeg", *image.size)


def as_jpeg(image: Image, comment: str) -> bytes:
    """``comment`` goes into the file: the label of the book."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True, comment=comment.encode())
    return out.getvalue()


def mean_colour(image: Image) -> tuple[int, int, int]:
    from PIL import Image as Pillow

    return image.resize((1, 1), Pillow.Resampling.BOX).getpixel((0, 0))
