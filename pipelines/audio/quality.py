"""Is this recording good enough to become a voice? Every measure against one table, with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from pipelines.audio import measures
from pipelines.audio.listening import Heard, listen
from pipelines.audio.recording import Recording
from pipelines.audio.speakers import speaker_distance
from pipelines.failure import CraftError

GRADES = ("A", "B", "C", "D")

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Threshold:
    """Lowest and highest value that is still good, or fair; None is no bound. Outside of both is poor.

    Attributes:
        weight: 2 where cleaning cannot mend it and a voice learns it, 1 otherwise.
    """

    unit: str
    good: Bounds
    fair: Bounds
    weight: int

    def verdict(self, value: float) -> str:
        for name, (low, high) in (("good", self.good), ("fair", self.fair)):
            if (low is None or value >= low) and (high is None or value <= high):
                return name
        return "poor"


THRESHOLDS: Mapping[str, Threshold] = {
    # One minute is what the studio asks for. Zero-shot engines take 3 to 10 s (GPT-SoVITS README: "5-second vocal
    # sample", "1 minute of training data").
    "speech_seconds": Threshold("s", good=(45, None), fair=(10, None), weight=2),
    # A reader pauses for a fifth to a third of the time (Goldman-Eisler 1968); a file of mostly something else is cut.
    "speech_share": Threshold("%", good=(55, None), fair=(25, None), weight=1),
    # LibriTTS (Zen et al. 2019) drops utterances below 20 dB; audiobooks at ACX need about 37 dB (noise floor -60 dB,
    # speech at -23 to -18 dB RMS).
    "snr": Threshold("dB", good=(30, None), fair=(20, None), weight=2),
    # Audible from some 0.1 % of flat samples on (Tan et al. 2003 rate it "slightly distorted" there).
    "clipping": Threshold("%", good=(None, 0.01), fair=(None, 0.1), weight=2),
    # EBU R 128: -23 LUFS; podcasts -16; ACX -23 to -18 dB RMS. Far below, the microphone's own noise comes up with it.
    "loudness": Threshold("LUFS", good=(-30, -14), fair=(-42, -9), weight=1),
    # EBU R 128 and ACX leave 1 and 3 dB to full scale in a finished work; a recording only must not touch it.
    "peak": Threshold("dBFS", good=(-24, -0.3), fair=(-36, 0), weight=1),
    # ITU-T G.722 wideband speech ends at 7 kHz; sibilants reach past 10 kHz (Monson et al. 2014).
    "bandwidth": Threshold("Hz", good=(9500, None), fair=(6500, None), weight=2),
    # Half a percent of full scale is the offset of common sound cards and inaudible; 3 % costs head room and clicks.
    "dc": Threshold("%", good=(None, 0.5), fair=(None, 3), weight=1),
    # ACX: noise floor 40 dB below speech; hum is tonal and heard about 10 dB earlier.
    "hum": Threshold("dB", good=(None, -50), fair=(None, -35), weight=1),
    # EBU Tech 3276 asks 0.2 to 0.4 s of control rooms, ANSI S12.60 at most 0.6 to 0.7 s of rooms to be understood in.
    "reverberation": Threshold("s", good=(None, 0.4), fair=(None, 0.7), weight=2),
    # In scatters of one speaker, see ``speakers``: single readers stay below 5.5, two lie at 8.7 in the median.
    "speakers": Threshold("", good=(None, 6), fair=(None, 7.5), weight=2),
    # Semitones between 5 and 95 %: read speech spans 8 to 14, a monotone 3 (Traunmueller & Eriksson 1995).
    "f0_range": Threshold("st", good=(5, 30), fair=(3, 40), weight=1),
}

LEAST_SPEECH_SECONDS = 1.0
TWO_VOICES_SEMITONES = 8.0
"""Between files: the median F0 of one reader moves by less from day to day; men and women are 9 to 12 apart."""


@dataclass(frozen=True)
class Check:
    """One measured property.

    Attributes:
        name: a key of ``THRESHOLDS``. Its sentences are ``quality.<name>.name``, ``.value``, ``.target``
            and the advice ``quality.<name>.<verdict>``; all take their placeholders from ``facts``.
        value: None when the recording is too short or too quiet to tell; the verdict is ``fair`` then and the advice
            is ``quality.unmeasured``.
        threshold: ``good`` and ``fair``, each [lowest, highest], None where there is no bound.
        facts: ``value``, ``good_low``, ``good_high``, ``fair_low``, ``fair_high`` where they exist, and extras.
    """

    name: str
    value: float | None
    unit: str
    threshold: Mapping[str, list[float | None]]
    verdict: str
    facts: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def advice_key(self) -> str:
        return "quality.unmeasured" if self.value is None else f"quality.{self.name}.{self.verdict}"

    @property
    def value_key(self) -> str:
        return "quality.unmeasured.value" if self.value is None else f"quality.{self.name}.value"


@dataclass(frozen=True)
class QualityReport:
    """What was heard in one recording, or in all recordings of a voice.

    Attributes:
        checks: one for every row of ``THRESHOLDS``, in its order.
        grade: A (ready) to D (record again); headline ``quality.grade.<grade>``.
        speech_spans: start and end in seconds; empty in a summary of several recordings.
    """

    checks: tuple[Check, ...]
    grade: str
    speech_seconds: float
    speech_spans: tuple[tuple[float, float], ...]

    def __getitem__(self, name: str) -> Check:
        return next(check for check in self.checks if check.name == name)

    @property
    def sound_grade(self) -> str:
        """The grade of one file among several, whose lengths add up: how it sounds, however short it is."""
        return _grade([check for check in self.checks if check.name != "speech_seconds"])

    def to_json(self) -> dict:
        """Plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping) -> QualityReport:
        checks = tuple(Check(**check) for check in data["checks"])
        spans = tuple((start, end) for start, end in data["speech_spans"])
        return cls(checks, data["grade"], data["speech_seconds"], spans)


def assess(recording: Recording) -> QualityReport:
    """Measure a decoded recording. A minute takes about a second on one core, half an hour ten."""
    heard = listen(recording)
    checks = tuple(_check(name, *_measure(name, heard)) for name in THRESHOLDS)
    return QualityReport(checks, _grade(checks), heard.speech_seconds, heard.spans)


def require_speech(report: QualityReport) -> None:
    """Refuse music, noise and other recordings in which nobody speaks.

    Raises:
        CraftError: ``audio_no_speech``.
    """
    if report.speech_seconds < LEAST_SPEECH_SECONDS:
        raise CraftError("audio_no_speech", seconds=report.speech_seconds, limit_seconds=LEAST_SPEECH_SECONDS)


def summarise(reports: Sequence[QualityReport]) -> QualityReport | None:
    """One report for a voice made of several recordings: speech adds up, each other check is weighed by its speech.

    None of no reports. A single one is returned as it is.
    """
    if len(reports) < 2:
        return reports[0] if reports else None
    seconds = sum(report.speech_seconds for report in reports)
    checks = []
    for name in THRESHOLDS:
        each = [(r[name], r.speech_seconds) for r in reports if r[name].value is not None]
        if not each:
            checks.append(reports[0][name])
            continue
        # The extras (mains frequency, F0 in Hz ...) are those of the recording that is heard most.
        extras = max(each, key=lambda pair: pair[1])[0].facts
        extras = {key: fact for key, fact in extras.items() if key not in _limits(name) and key != "value"}
        value = seconds if name == "speech_seconds" else _weighed(name, each)
        if name == "speakers" and _voices_apart(reports):
            value = max(value, THRESHOLDS[name].fair[1])
        checks.append(_check(name, value, extras))
    return QualityReport(tuple(checks), _grade(checks), seconds, ())


def _weighed(name: str, each: list[tuple[Check, float]]) -> float:
    values = np.array([check.value for check, _ in each])
    if name in ("speakers", "clipping", "hum"):
        return float(values.max())  # one bad file is learned like the others
    return float(np.average(values, weights=[max(seconds, 0.1) for _, seconds in each]))


def _voices_apart(reports: Sequence[QualityReport]) -> bool:
    medians = [r["f0_range"].facts["median_hz"] for r in reports if r["f0_range"].value is not None]
    return len(medians) > 1 and 12 * np.log2(max(medians) / min(medians)) > TWO_VOICES_SEMITONES


def _measure(name: str, heard: Heard) -> tuple[float | None, dict]:
    wave, rate = heard.recording.wave, heard.recording.sample_rate
    if name == "speech_seconds":
        return heard.speech_seconds, {}
    if name == "speech_share":
        return 100 * heard.speech_seconds / heard.recording.seconds, {}
    if name == "clipping":
        return measures.clipped_percent(wave), {}
    if name == "loudness":
        return measures.loudness_lufs(heard.sample.wave, rate), {}
    if name == "peak":
        return measures.peak_db(wave), {}
    if name == "dc":
        return measures.dc_percent(wave), {}
    if heard.speech_seconds < LEAST_SPEECH_SECONDS:
        return None, {}
    sample, spans = heard.sample.wave, heard.sample_spans
    if name == "snr":
        return measures.snr_db(heard.frames, spans), {}
    if name == "bandwidth":
        value = measures.bandwidth_hz(heard.frames, spans)
        share = 100 * min(1.0, (value or 0) / (rate / 2))
        return value, {"sample_rate": rate, "nominal_hz": rate / 2, "share": share}
    if name == "hum":
        found = measures.hum(sample, rate, spans)
        return (None, {}) if found is None else (found[0], {"mains_hz": found[1]})
    if name == "reverberation":
        return measures.reverberation_seconds(sample, rate), {}
    if name == "speakers":
        return speaker_distance(heard.frames16, heard.pitch, spans), {}
    found = measures.f0_range(heard.pitch)
    if found is None:
        return None, {}
    semitones, low, median, high = found
    return semitones, {"low_hz": low, "median_hz": median, "high_hz": high}


def _check(name: str, value: float | None, extras: Mapping[str, float | int | str]) -> Check:
    row = THRESHOLDS[name]
    threshold = {"good": list(row.good), "fair": list(row.fair)}
    if value is None:
        return Check(name, None, row.unit, threshold, "fair", _limits(name))
    return Check(
        name, value, row.unit, threshold, row.verdict(value), {"value": value, **_limits(name), **extras}
    )


def _limits(name: str) -> dict[str, float]:
    row = THRESHOLDS[name]
    bounds = {
        "good_low": row.good[0],
        "good_high": row.good[1],
        "fair_low": row.fair[0],
        "fair_high": row.fair[1],
    }
    return {key: bound for key, bound in bounds.items() if bound is not None}


def _grade(checks: Sequence[Check]) -> str:
    """A: nothing that matters is less than good. B: fair. C: something poor. D: too little, or too much of it, poor."""
    known = [check for check in checks if check.value is not None]
    poor = sum(THRESHOLDS[check.name].weight for check in known if check.verdict == "poor")
    fair = sum(THRESHOLDS[check.name].weight for check in known if check.verdict == "fair")
    nothing_said = any(
        check.name == "speech_seconds" and check.value < LEAST_SPEECH_SECONDS for check in known
    )
    if nothing_said or poor >= 4:
        return "D"
    if poor >= 2:
        return "C"
    return "B" if poor or fair >= 2 else "A"
