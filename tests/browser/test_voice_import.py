"""A GPT-SoVITS voice comes in by the page and leaves by its card, in a whole studio on small official files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from studio.container import Container
from tests.browser.conftest import served
from tests.browser.test_page import check, choose, go
from tests.official_files import small_sovits, small_text2semantic

pytestmark = pytest.mark.browser

SPEECH = Path(__file__).resolve().parents[1] / "fixtures" / "speech" / "2033-164914-0000.flac"


def test_a_voice_comes_in_and_leaves(visit, many_bases: Container, tmp_path: Path) -> None:
    gpt = small_text2semantic(tmp_path / "ann-e15.ckpt", 3)
    sovits = small_sovits(tmp_path / "ann_e8.pth", seed=3)
    speech = shutil.copy(SPEECH, tmp_path / "ann.flac")
    with served(many_bases) as address:
        page = visit("zh", "light", 390, to=address)
        choose(page, None)
        go(page, 0)
        assert not page.locator("#import-go").is_visible()
        page.click("#voice-import > .label-wrap")
        page.set_input_files("#import-drop .vt-file-input", [str(gpt), str(sovits)])
        page.wait_for_selector("#import-files li >> nth=1")
        page.click("#import-go")
        page.wait_for_selector("#import-says .vt-notice.is-fair")
        assert "3 到 10 秒的录音" in page.inner_text("#import-says")
        page.set_input_files("#import-drop .vt-file-input", [str(speech)])
        page.wait_for_selector("#import-files [data-kind=recording]")
        page.fill("#import-name :is(input, textarea)", "安")
        page.fill("#import-text textarea", "Once upon a time.")
        page.fill("#import-owner :is(input, textarea)", "Ann Lee")
        page.check("#import-agree input")
        check(page, "zh")
        page.click("#import-go")
        page.wait_for_selector(".vt-signed")
        (voice,) = (voice for voice in many_bases.voices.list() if voice.imported)
        page.wait_for_selector(f"#shelf [data-voice='{voice.id}'][aria-checked=true]")
        page.locator("#voice-import").wait_for(state="hidden")
        job = many_bases.jobs.wait(voice.active_job_id, 120) if voice.active_job_id else None
        assert job is None or job.state == "done", job.error
        go(page, 1)
        for suffix in (".ckpt", ".pth"):
            with page.expect_download() as saved:
                page.click(f"#voice-card .vt-downloads a[download$='{suffix}']")
            assert saved.value.suggested_filename == f"安{suffix}"
            assert torch.load(saved.value.path(), weights_only=True)["weight"]
        page.context.close()
