"""Take the READMEs' pictures: a studio, a voice from the test speech that was trained and reads, two stories made into books, seen in Chromium.

python -m tests.browser.screenshots --quality quick
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from studio.language import languages, nearest_language, say
from tests.studio_process import ROOT, StudioProcess

PICTURES = ROOT / "assets" / "readme"
SPEECH = ROOT / "tests" / "fixtures" / "speech"
TEXT = (
    "Once upon a time, in a town by the sea, there lived a lamp that was afraid of the dark. "
    "Every evening at 7:30 it asked the moon for 2 more minutes. One night, the moon said yes."
)
ACTIVE = ("queued", "running")


@dataclass(frozen=True)
class Picture:
    """``step``: of the Story tab, the one that is seen open."""

    name: str
    tab: str
    language: str = "en"
    dark: bool = False
    width: int = 1280
    height: int = 900
    step: str = ""


ALBUM = (
    Picture("my-voice", "voice"),
    Picture("train", "train"),
    Picture("speak", "speak"),
    Picture("my-voice-zh", "voice", "zh-CN"),
    Picture("speak-zh-dark", "speak", "zh-CN", dark=True),
    Picture("story-scenes", "story", step="scenes", height=1000),
    Picture("story-book", "story", step="book", height=1000),
    Picture("story-book-zh-dark", "story", "zh-CN", dark=True, step="book", height=1000),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quality", choices=("quick", "good", "best"), default="quick")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        StudioProcess(options.home or Path(folder) / "library") as studio,
    ):
        voice_id = _furnish(studio.address, options.quality)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
                args=["--no-sandbox"],
            )
            for picture in ALBUM:
                path = options.pictures / f"{picture.name}.webp"
                with _page(browser, studio.address, picture) as page:
                    if picture.tab == "story":
                        _open_book(page, picture)
                    else:
                        page.locator(f'[data-voice="{voice_id}"]').first.click()
                    if picture.tab == "speak":
                        page.locator('[data-act="open"]').first.click()
                    page.wait_for_timeout(4000)  # plots are drawn behind the page
                    seen = Image.open(io.BytesIO(page.screenshot()))
                path.write_bytes(_packed(seen.convert("RGB")))
                print(path)
            browser.close()


def _packed(seen: Image.Image) -> bytes:
    """As WebP, small: all that ships in ``assets`` has to fit under 40 MB."""
    packed = io.BytesIO()
    seen.save(packed, "webp", quality=70, method=6)
    return packed.getvalue()


def _open_book(page, picture: Picture) -> None:
    title = say("ui.story.sample_text", nearest_language(picture.language)).splitlines()[0]
    page.locator('[data-act="reopen"]', has_text=title).first.click()
    page.wait_for_selector(f'.vt-book[aria-label="{title}"]')
    if picture.step == "book":
        page.click('[data-book="next"]')
        page.click('[data-book="next"]')
    else:
        page.click(f"#story-{picture.step} > .label-wrap")
    page.locator(f"#story-{picture.step}").scroll_into_view_if_needed()
    page.evaluate("step => document.getElementById(step).scrollIntoView()", f"story-{picture.step}")


def _furnish(address: str, quality: str) -> str:
    """A voice that was recorded, trained and heard, and a book in either language."""
    with httpx.Client(base_url=address, timeout=600, trust_env=False) as studio:
        if mine := [voice for voice in studio.get("/v1/voices").json()["voices"] if not voice["sample"]]:
            return mine[0]["id"]
        files = [("files", (path.name, path.read_bytes())) for path in sorted(SPEECH.glob("LJ001-*.flac"))]
        data = {
            "name": "Linda",
            "consent": "true",
            "consent_name": "Linda Johnson",
            "consent_scope": "personal",
        }
        voice = studio.post("/v1/voices", data=data, files=files).raise_for_status().json()
        _finish(studio, voice["active_job_id"])
        job = (
            studio.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": quality})
            .raise_for_status()
            .json()
        )
        _finish(studio, job["job_id"])
        wish = {"voice": voice["id"], "input": TEXT, "seed": 7}
        studio.post("/v1/audio/speech", json=wish).raise_for_status()
        for language in languages:
            story = {"text": say("ui.story.sample_text", language), "voice": voice["id"], "seed": 7}
            _finish(studio, studio.post("/v1/stories", json=story).raise_for_status().json()["job_id"])
        return voice["id"]


def _finish(studio: httpx.Client, job_id: str) -> None:
    while (job := studio.get(f"/v1/jobs/{job_id}").json())["state"] in ACTIVE:
        time.sleep(0.5)
    if job["state"] != "done":
        raise RuntimeError(job["error"])


@contextmanager
def _page(browser: Browser, address: str, picture: Picture) -> Iterator:
    context = browser.new_context(
        locale=picture.language,
        color_scheme="dark" if picture.dark else "light",
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=1.5,
    )
    context.add_init_script(f"localStorage.setItem('voxtale.tab', '{picture.tab}')")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-vt-ready]", timeout=60_000)
    try:
        yield page
    finally:
        context.close()


if __name__ == "__main__":
    main()
