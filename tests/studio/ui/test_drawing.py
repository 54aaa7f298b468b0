"""What is drawn says what is so, in both languages, and nothing anybody typed becomes markup."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.audio.quality import Check, QualityReport
from pipelines.speech.engine import SpokenWord
from studio.jobs.job import Job, LossRow
from studio.store.records import ConsentRecord, RecordingRecord, RevisionRecord, VoiceRecord
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.page import complaint
from studio.ui.player import karaoke, player
from studio.ui.progress import loss_curve, training_progress
from studio.ui.report import quality_report, recording_rows
from studio.ui.shelf import shelf
from studio.ui.voice_card import revision_rows, voice_card

NOW = datetime(2026, 11, 20, tzinfo=UTC)
EVIL = '<img src=x onerror="alert(1)">${alert(1)}'
REVISION = RevisionRecord("r2", "v", 2, "fake", "trained", "good", {}, NOW)
VOICE = VoiceRecord("v", EVIL, "ready", "fake", ("en",), NOW, REVISION, None, None, False)
JOB = Job("j", "train", "v", {}, "running", "train", 0.42, 75.0, None, (), None, 1, NOW, NOW, None)
LANGUAGES = pytest.mark.parametrize("reader", [Reader("en"), Reader("zh")], ids=["en", "zh"])


class Balance(HTMLParser):
    """Every element that is opened is closed, in order."""

    VOID = ("img", "input", "br", "hr", "path", "circle", "rect", "line", "stop", "ellipse", "polyline")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images = 0
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes) -> None:
        self.images += tag == "img"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes) -> None:
        self.images += tag == "img"

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def report(verdict: str = "good") -> QualityReport:
    facts = {"value": 31.0, "good_low": 30, "fair_low": 20}
    checks = (
        Check("snr", 31.0, "dB", {"good": [30, None], "fair": [20, None]}, verdict, facts),
        Check(
            "clipping", None, "%", {"good": [None, 0.01], "fair": [None, 0.1]}, "fair", {"good_high": 0.01}
        ),
    )
    return QualityReport(checks, "B", 48.0, ())


def test_a_short_file_among_others_is_graded_by_its_sound() -> None:
    """A minute in twelve clips is no worse than in one."""
    short = Check("speech_seconds", 5.0, "s", {}, "poor", {"value": 5.0})
    clip = replace(report(), checks=(short, *report().checks), grade="C", speech_seconds=5.0)
    record = RecordingRecord("id", "v", "a.wav", 5.0, 24000, clip, True, "0" * 64, NOW)
    rows = recording_rows(Reader("en"), [record], None, None)
    assert 'aria-label="Grade A">A</span>' in rows


@LANGUAGES
def test_the_report_shows_value_aim_verdict_and_advice_of_every_check(reader: Reader) -> None:
    drawn = quality_report(reader, report())
    Balance(drawn)
    assert drawn.count('<li class="vt-check') == 2
    assert "31" in drawn
    assert reader.say("quality.snr.target", good_low=30) in drawn
    assert reader.say("quality.unmeasured") in drawn
    assert reader.say("quality.verdict.good") in drawn
    assert ">B<" in drawn


def test_the_worst_check_comes_first() -> None:
    def verdicts(drawn: str) -> list[str]:
        return re.findall(r'<li class="vt-check is-(\w+)"', drawn)

    assert verdicts(quality_report(Reader(), report("poor"))) == ["poor", "fair"]
    assert verdicts(quality_report(Reader(), report("good"))) == ["fair", "good"]


@LANGUAGES
def test_names_that_people_typed_are_text(reader: Reader, tmp_path: Path) -> None:
    recording = RecordingRecord("id", "v", EVIL, 60.0, 48000, report(), True, "0" * 64, NOW)
    for drawn in (
        shelf(reader, [VOICE], "v", may_create=True),
        recording_rows(reader, [replace(recording, text=EVIL)], None, None),
        voice_card(reader, VOICE, ""),
        karaoke((SpokenWord("img", 0.0, 0.1),), EVIL),
        complaint(OSError("secret path"), reader, about=EVIL),
    ):
        assert Balance(drawn).images == 0
        assert "onerror=" not in re.sub(r"&\w+;|&#\w+;", "", drawn.replace("onerror=&quot;", ""))


@LANGUAGES
def test_an_unforeseen_error_is_a_sentence_without_its_trace(reader: Reader, caplog) -> None:
    drawn = complaint(ZeroDivisionError("/home/someone/secret"), reader)
    assert "secret" not in drawn
    assert reader.say("error.unexpected.title") in drawn
    assert caplog.records, "the cause belongs in the log"


@LANGUAGES
def test_progress_says_how_far_and_how_long(reader: Reader) -> None:
    drawn = training_progress(reader, JOB)
    Balance(drawn)
    assert 'aria-valuenow="42"' in drawn
    assert reader.duration(75) in drawn
    assert reader.say("ui.progress.close") in drawn
    assert drawn.count('class="is-done"') == 3
    assert 'aria-current="step"' in drawn
    assert reader.say("ui.progress.queued") in training_progress(
        reader, replace(JOB, state="queued", stage="")
    )
    assert reader.say("ui.progress.estimating") in training_progress(reader, replace(JOB, seconds_left=None))
    assert reader.say("ui.progress.resumed", attempt=2) in training_progress(reader, replace(JOB, attempt=2))


def test_the_curve_falls_with_the_loss() -> None:
    rows = [LossRow(step, 2.0 / step, 2.2 / step if step % 2 else None) for step in range(1, 6)]
    drawn = loss_curve(Reader(), [(row.step, row.train, row.held_out) for row in rows])
    Balance(drawn)
    points = re.search(r'class="is-train" points="([^"]+)"', drawn).group(1).split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights == sorted(heights)
    assert len(heights) == 5
    assert drawn.count("<circle") == 3
    assert loss_curve(Reader(), [(1, 2.0, None)]) == ""


@LANGUAGES
def test_the_card_tells_when_an_earlier_checkpoint_was_kept(reader: Reader) -> None:
    card = {
        "best_step": 300,
        "steps": 400,
        "similarity": 0.86,
        "similarity_before": 0.7,
        "intelligibility": 0.97,
    }
    kept = voice_card(reader, replace(VOICE, revision=replace(REVISION, card=card)), "")
    Balance(kept)
    sentence = reader.say("ui.card.kept_earlier", **card)
    assert sentence in kept
    assert "86%" in kept and "97%" in kept
    last = voice_card(reader, replace(VOICE, revision=replace(REVISION, card={**card, "best_step": 400})), "")
    assert sentence not in last
    unmoved = voice_card(
        reader, replace(VOICE, revision=replace(REVISION, card={**card, "best_step": 0})), ""
    )
    assert reader.say("ui.card.kept_start") in unmoved


@LANGUAGES
def test_the_card_of_a_voice_that_two_networks_learnt(reader: Reader) -> None:
    curve = [(0, 3.0, 3.0), (20, 2.0, 2.5), (40, 1.5, 2.7)]
    stages = [
        {"name": "GPT", "steps": 40, "best_step": 20, "curve": curve},
        {"name": "SoVITS", "steps": 60, "best_step": 60, "curve": curve},
    ]
    card = {
        "method": "full", "stages": stages, "steps": 100, "adversarial": False, "intelligibility": None,
        "similarity": 0.8, "similarity_before": 0.6, "training_seconds": 90.0, "text_seconds": 60.0,
    }  # fmt: skip

    def drawn(**changes: object) -> str:
        revision = replace(REVISION, card={**card, **changes})
        return html.unescape(voice_card(reader, replace(VOICE, revision=revision), ""))

    whole = drawn()
    Balance(whole)
    for stage in stages:  # where each network stands, and how it came there
        assert reader.say("ui.card.stage_steps", name=stage["name"]) in whole
        assert reader.say("ui.card.step_of", best=stage["best_step"], steps=stage["steps"]) in whole
        assert f"<h5>{stage['name']}</h5>" in whole
    assert whole.count("<svg") >= 2 and reader.say("ui.method.full") in whole
    assert reader.say("ui.card.stage_kept_earlier", **stages[0]) in whole
    assert reader.say("ui.card.stage_kept_earlier", **stages[1]) not in whole
    # what was not measured is no zero
    assert reader.say("ui.card.intelligibility_unknown") in whole and "80%" in whole
    assert reader.say("ui.card.intelligibility_unknown") not in drawn(intelligibility=0.9)
    # what was known of the text, and who judged
    assert reader.say("ui.card.some_text", unknown=reader.duration(30)) in whole
    unsaid = drawn(text_seconds=90.0, adversarial=True)
    for key in ("ui.card.no_text", "ui.card.no_critics"):
        assert reader.say(key) not in unsaid
    assert reader.say("ui.card.no_critics") in whole
    wordless = drawn(text_seconds=0.0, stages=stages[1:])
    assert reader.say("ui.card.no_text") in wordless and "<h5>GPT</h5>" not in wordless
    unmoved = drawn(stages=[{**stages[0], "best_step": 0}])
    assert reader.say("ui.card.stage_kept_start", name="GPT") in unmoved


@LANGUAGES
def test_the_card_tells_whose_voice_it_is_and_what_was_agreed(reader: Reader) -> None:
    consent = ConsentRecord(
        "c", "v", EVIL, "commercial", date(2031, 5, 4), "en", "2026-11", "ab" * 32, ("00" * 32,), NOW
    )
    drawn = voice_card(reader, replace(VOICE, consent=consent), "")
    assert Balance(drawn).images == 0
    agreed = re.sub(r"<[^>]+>", "\n", drawn.split("data-consent")[1])
    assert html.escape(EVIL) in agreed
    assert reader.say("ui.consent.commercial") in agreed
    assert "2031-05-04" in agreed and "2026-11" in agreed and "abab" in agreed
    endless = voice_card(reader, replace(VOICE, consent=replace(consent, until=None)), "")
    assert reader.say("ui.consent.open") in endless
    assert "data-consent" not in voice_card(reader, VOICE, "")


def test_only_the_revision_in_use_cannot_be_chosen() -> None:
    first = replace(REVISION, id="r1", number=1, kind="instant", quality=None)
    drawn = revision_rows(Reader(), VOICE, [first, REVISION])
    assert re.findall(r'data-number="(\d)"', drawn) == ["1"]


def test_the_player_draws_the_loudness(tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    wave = np.concatenate([np.zeros(8000), 0.5 * np.ones(8000)])
    soundfile.write(path, wave, 16000)
    drawn = player(Reader(), Handoff(), path, "take.wav", "A take")
    Balance(drawn)
    bars = [
        float(half)
        for half in re.findall(
            r"v([\d.]+)", re.search(r'd="(M[^"]+v[^"]+)"', drawn.split("vt-wave-rest")[1]).group(1)
        )
    ]
    assert len(bars) == 72
    assert max(bars[:35]) < 2 < min(bars[37:])
    assert 'data-seconds="1.000"' in drawn


def test_words_light_up_where_they_stand() -> None:
    words = (SpokenWord("the", 0.0, 0.2), SpokenWord("sea", 0.2, 0.5), SpokenWord("THE", 0.5, 0.7))
    drawn = karaoke(words, "The sea, the <end>")
    assert re.sub(r"<[^>]+>", "", drawn) == "The sea, the &lt;end&gt;"
    assert drawn.count("vt-word") == 3
