"""Voices of other programs in a whole studio, spoken by the real engine on small networks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from app import main
from pipelines.speech.voice import Voice
from pipelines.text.gpt_sovits.extras import can_read
from studio.container import Container
from studio.errors import StudioError
from studio.settings import Settings
from studio.store.records import VoiceRecord
from studio.voice_exchange import Agreement, Reference
from tests.fakes import fake_engines
from tests.official_files import save_official, small_sovits, small_text2semantic

LANGUAGES = tuple(filter(can_read, ("en", "zh", "ja", "ko", "yue")))
AGREED = Agreement("Ann Lee", "personal", None, "en")
ENGINE = "gpt_sovits_v2"
SPEECH = Path(__file__).resolve().parents[1] / "fixtures" / "speech" / "2033-164914-0000.flac"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [small_text2semantic(tmp_path / "ann.ckpt", 3), small_sovits(tmp_path / "ann.pth", seed=3)]


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    path = Path(shutil.copy(SPEECH, tmp_path / "ann.flac"))
    return Reference(path, "ann.flac", "Once upon a time.")


@pytest.fixture
def brought(many_bases: Container, files: list[Path], reference: Reference, quick_audio: None) -> VoiceRecord:
    voice = many_bases.exchange.take_in("Ann", files, [reference], AGREED)
    job = many_bases.jobs.wait(voice.active_job_id, 120)
    assert job.state == "done", job.error
    return many_bases.voices.get(voice.id)


def voices_on_disk(container: Container) -> list[str]:
    folder = container.settings.home / "voices"
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and "v_" in str(p))


def test_from_files_to_speech_and_back_to_files(
    many_bases: Container, brought: VoiceRecord, files: list[Path], tmp_path: Path
) -> None:
    assert (brought.engine, brought.state, brought.imported) == (ENGINE, "ready", True)
    assert brought.revision.kind == "instant" and brought.revision.card["adapter_bytes"] < 100_000
    home = many_bases.settings.home / "voices" / brought.id
    card = json.loads((home / "voice.json").read_text(encoding="utf-8"))
    assert (card["name"], card["engine"], card["card"]["version"]) == ("Ann", ENGINE, "v2")
    weights = Voice.load(home / "weights.safetensors")
    assert weights.engine == ENGINE and len(weights.tensors) > 200
    # consent covers what came
    assert len(brought.consent.audio_sha256) == 2
    # it speaks
    controls = {"top_k": 5, "temperature": 0.8}
    text = "How are you? 今天天气很好。 안녕하세요."
    speech = many_bases.speaking.submit(brought.id, text, controls, seed=1)
    speech = many_bases.speaking.wait(speech.id, 120)
    assert speech.state == "done", many_bases.jobs.get(speech.job_id).error
    assert [take.sample_rate for take in speech.takes] == [32_000] * 3
    assert speech.controls["top_p"] == 1.0  # the others at their defaults
    assert many_bases.speaking.export(speech.id, "wav").stat().st_size > 1000
    # and leaves as it came
    with many_bases.exchange.given_out(brought.id) as paths:
        for path, original in zip(paths, files, strict=True):
            ours, theirs = torch.load(path, weights_only=True)["weight"], weights_in(original)
            assert ours.keys() == theirs.keys() and all(
                torch.equal(ours[name], theirs[name]) for name in ours
            )
    assert not any(path.exists() for path in paths)


def weights_in(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    from models.foreign_checkpoints import ForeignCheckpoint

    with ForeignCheckpoint(path) as file:
        file.write_safetensors(path.with_suffix(".check"))
    return load_file(path.with_suffix(".check"))


def test_withdrawn_consent_takes_the_weights_along(many_bases: Container, brought: VoiceRecord) -> None:
    assert any(brought.id in name for name in voices_on_disk(many_bases))
    many_bases.voices.delete(brought.id)
    assert not any(brought.id in name for name in voices_on_disk(many_bases))


def test_the_weights_survive_a_restart(many_bases: Container, brought: VoiceRecord) -> None:
    before = voices_on_disk(many_bases)
    many_bases.close()
    with Container(many_bases.settings) as again:
        assert voices_on_disk(again) == before
        speech = again.speaking.submit(brought.id, "How are you?", seed=1)
        assert again.speaking.wait(speech.id, 120).state == "done"


def test_a_base_that_was_taken_away(many_bases: Container, brought: VoiceRecord) -> None:
    many_bases.close()
    (many_bases.settings.home / "models").rename(many_bases.settings.home / "elsewhere")
    with Container(many_bases.settings) as bare:
        voice = bare.voices.get(brought.id)
        assert voice.languages == () and voice in bare.voices.list()
        with pytest.raises(StudioError, match="engine_missing"):
            bare.speaking.submit(brought.id, "How are you?")
        with pytest.raises(StudioError, match="engine_missing"):
            bare.voices.train(brought.id, "quick")
        with pytest.raises(StudioError, match="import_without_base"):
            bare.exchange.take_in("Ann", [], [Reference(Path("x"), "x")], AGREED)
        bare.voices.delete(brought.id)


def test_refused_imports_keep_nothing(
    many_bases: Container, files: list[Path], reference: Reference, tmp_path: Path, quick_audio: None
) -> None:
    before = voices_on_disk(many_bases), many_bases.voices.list()
    spoilt = save_official(
        tmp_path / "n.ckpt", {"model.ar_predict_layer.weight": torch.tensor([float("nan")])}, {}, ""
    )
    silent = tmp_path / "empty.wav"
    silent.write_bytes(b"")
    for code, name, weights, references, agreement in (
        ("checkpoint_alone", "Ann", files[:1], [reference], AGREED),
        ("checkpoint_not_finite", "Ann", [spoilt, files[1]], [reference], AGREED),
        ("voice_without_recordings", "Ann", files, [], AGREED),
        ("voice_name_missing", " ", files, [reference], AGREED),
        ("consent_name_missing", "Ann", files, [reference], Agreement(" ", "personal", None, "en")),
        ("audio_not_audio", "Ann", files, [Reference(silent, "empty.wav")], AGREED),
        ("transcript_too_long", "Ann", files, [Reference(reference.path, "a.wav", "a" * 6000)], AGREED),
    ):
        with pytest.raises(StudioError, match=code):
            many_bases.exchange.take_in(name, weights, references, agreement)
    assert (voices_on_disk(many_bases), many_bases.voices.list()) == before
    assert not list((many_bases.settings.home / "tmp" / "exchange").iterdir())


def test_what_stays_here(container: Container, voice: VoiceRecord) -> None:
    with pytest.raises(StudioError, match="voice_stays_here"), container.exchange.given_out(voice.id):
        pass
    draft = container.voices.create("Bob")
    with pytest.raises(StudioError, match="consent_none"), container.exchange.given_out(draft.id):
        pass
    with pytest.raises(StudioError, match="voice_unknown"), container.exchange.given_out("v_../../etc"):
        pass


def test_a_new_voice_of_the_base(many_bases: Container, reference: Reference, quick_audio: None) -> None:
    voice = many_bases.voices.create("Bob", ENGINE)
    many_bases.voices.add_recording(voice.id, reference.path, "bob.flac", "Once upon a time.")
    many_bases.voices.consent(voice.id, "Bob", "personal", None, "en")
    many_bases.jobs.wait(many_bases.voices.get(voice.id).active_job_id, 120)
    ready = many_bases.voices.get(voice.id)
    assert (ready.state, ready.imported, ready.languages) == ("ready", False, LANGUAGES)
    with pytest.raises(StudioError, match="method_unknown"):
        many_bases.voices.train(voice.id, "quick", "by heart")
    assert many_bases.voices.create("Eve").engine == "starter"
    with pytest.raises(StudioError, match="engine_missing"):
        many_bases.voices.create("Eve", "gpt_sovits_v9")


# The commands


def test_the_commands(
    settings: Settings, small_models: Path, files: list[Path], reference: Reference, tmp_path: Path,
    quick_audio: None, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("app.prepare_environment", lambda home: None)
    shutil.copytree(small_models, settings.home / "models")
    where = ["--home", str(settings.home), "--language", "en"]
    importing = [
        "import-voice", *where, "--name", "派蒙 / A", "--gpt", str(files[0]), "--sovits", str(files[1]),
        "--reference", str(reference.path), "--reference-text", "Once upon a time.", "--owner", "Ann Lee",
    ]  # fmt: skip
    assert main(importing) == 2
    assert "--agree" in capsys.readouterr().err
    assert main([*importing, "--agree", "--gpt", str(tmp_path / "none.ckpt")]) == 2
    assert "none.ckpt" in capsys.readouterr().err
    assert main([*importing, "--agree"]) == 0
    voice_id = capsys.readouterr().out.strip().rstrip(".").split()[-1]
    out = tmp_path / "out"
    assert main(["export-voice", *where, voice_id, str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["派蒙_A.ckpt", "派蒙_A.pth"]
    assert torch.load(out / "派蒙_A.pth", weights_only=True)["info"] == "8epoch_1234iteration"
    assert main(["export-voice", *where, "v_unknown", str(out)]) == 2
    blocked = tmp_path / "file"
    blocked.write_text("x")
    assert main(["export-voice", *where, voice_id, str(blocked / "below")]) == 2


def test_what_a_killed_studio_was_taking_in_is_gone_after_the_next_start(settings: Settings) -> None:
    left = settings.home / "tmp" / "exchange" / "import" / "weights.safetensors"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"a voice")
    with Container(settings, fake_engines()):
        assert not left.exists()
