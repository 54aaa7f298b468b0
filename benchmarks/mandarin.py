"""Scores the starter's Mandarin beside the synthesiser that it learnt from.

    apt install espeak-ng
    python -m benchmarks.mandarin --speech LibriSpeech/test-other --out results

Sentences that nobody was trained on are spoken by espeak-ng (the ceiling), by espeak-ng through the starter's vocoder,
and by the starter: as the voices of espeak-ng, as the voices that ship, and as the people of ``--speech`` (instant
voices, and with ``--work`` trained ones: by a person's English and by espeak-ng's Mandarin). The shipped listener writes
down what it hears. Figures: syllables missed (edit distance over pairs of initial and final, a share of those asked),
tones missed (of the asked syllables, by the F0 of their finals), the mean score of the takes, and likeness (cosine of the
starter's own speaker vectors, of the takes and of the voice). The tone judge is fitted to espeak-ng's reading of other
sentences.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from benchmarks.starter import EVALUATION_SPEAKERS, Bench, split
from models.starter.mel import FRAMES_PER_SECOND, HOP, SAMPLE_RATE
from pipelines.audio.levelling import levelled
from pipelines.audio.pitch import yin
from pipelines.audio.recording import Recording
from pipelines.speech.listening import Ear
from pipelines.speech.starter import ASSETS, StarterEngine, speakable
from pipelines.speech.voice import Voice
from pipelines.text.pinyin import parse_syllable
from pipelines.text.symbols import FINALS, INITIALS, NO_TONE, is_pause
from pipelines.training.mandarin_sentences import reading_of, sentences
from pipelines.training.speaking_engines import VOICES, Line, speak

VOICE_FOLDER = ASSETS.parent / "voices"
ESPEAK_VOICES = ("cmn", "cmn_f3", "cmn_m3")
JUDGE_SEED, JUDGE_SENTENCES = 2027, 60
CONTOUR_POINTS = 5
LOWEST_HZ = 45.0
"""Third tones go down to here."""
LEAST_VOICED = 3
"""Frames of F0; a final with fewer has no tone that could be heard."""
SENTENCES = tuple(
    """
今天天气很好。|我想喝一杯热茶。|请问火车站怎么走？|他每天早上六点起床。|这本书比那本书便宜。|我们明年要去北京学习。|小猫在窗户旁边睡觉。
你会不会说英语？|妈妈给我买了一件红色的毛衣。|外面下着大雨，我们不出去了。|学校的图书馆非常安静。|昨天晚上我做了一个奇怪的梦。
把门关上，好吗？|他的女儿今年上三年级。|这条路很宽，也很平。|我觉得这个问题不难。|苹果和香蕉都是水果。|请你慢一点儿说。|春天来了，花都开了。
谢谢你的帮助，再见！|从前有一只小狐狸住在森林里。|月亮像一个白色的盘子。|爷爷坐在树下讲故事。|孩子们在草地上跑来跑去。|她把信放进了抽屉。
我忘了带钥匙，怎么办？|这家饭店的鱼特别新鲜。|火车晚上十点到上海。|弟弟怕黑，所以开着灯睡觉。|山上的雪还没有化。|老师让我们写一篇作文。
他笑着向我挥了挥手。|医生说你需要多休息。|桌子上放着三个杯子。|如果明天下雨，我就在家看书。|那座桥是去年修好的。|你最喜欢什么颜色？
小鸟从窗口飞了出去。|我在海边捡到一块漂亮的石头。|奶奶做的饺子真好吃。|虽然很累，但是他很高兴。|请把音乐的声音调小一点。|小船离开了港口。
王子骑着白马穿过沙漠。|风吹得树叶哗哗响。|我每个星期给父母打一次电话。|狼躲在一棵大树后面。|这里禁止停车。|他们决定一起去寻找宝藏。
冬天的早晨，湖面结了冰。|邻居家的狗总是叫个不停。|她唱歌比我好听。|厨房里飘来一阵香味。|电影几点开始？|我把旧衣服送给了别人。
天空中出现了一道彩虹。|乌龟虽然很慢，但是赢了比赛。|请在这里签上您的名字。|我们参观了一座古老的寺庙。|晚安，祝你做个好梦！
""".replace("\n", "|")
    .strip("|")
    .split("|")
)

_INITIALS, _FINALS = ({f"zh/{part}" for part in parts} for parts in (INITIALS, FINALS))

Syllable = tuple[str, ...]
Said = tuple[np.ndarray, tuple[str, ...], tuple[int, ...]]
"""A wave ``[T]`` at ``SAMPLE_RATE`` and the phonemes and tones that it should hold."""


def syllables(phonemes: Sequence[str]) -> list[Syllable]:
    """Phonemes by the syllable: an initial and the final behind it; what has no partner stands alone."""
    found: list[Syllable] = []
    for phoneme in phonemes:
        if is_pause(phoneme):
            continue
        if phoneme in _FINALS and found and len(found[-1]) == 1 and found[-1][0] in _INITIALS:
            found[-1] = (*found[-1], phoneme)
        else:
            found.append((phoneme,))
    return found


def missed(asked: Sequence[Syllable], heard: Sequence[Syllable]) -> int:
    """Levenshtein distance."""
    row = list(range(len(heard) + 1))
    for i, one in enumerate(asked, 1):
        above, row = row, [i]
        for j, other in enumerate(heard, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (one != other)))
    return row[-1]


class ToneJudge:
    """Tells tones by the F0 of their finals: Gaussians of equal covariance around the mean contour of each tone."""

    def __init__(self, ear: Ear, engine: StarterEngine, examples: Sequence[Said]) -> None:
        self.ear, self.engine = ear, engine
        rows = [
            (contour, tone)
            for said in examples
            for contour, tone in self.contours(*said)
            if contour is not None
        ]
        contours, tones = np.array([c for c, _ in rows]), np.array([t for _, t in rows])
        self.tones = np.unique(tones)
        self.means = np.array([contours[tones == tone].mean(0) for tone in self.tones])
        spread = np.cov((contours - self.means[np.searchsorted(self.tones, tones)]).T)
        self.precision = np.linalg.inv(spread + 0.05 * np.eye(len(spread)))

    def contours(
        self, wave: np.ndarray, phonemes: Sequence[str], tones: Sequence[int]
    ) -> Iterator[tuple[np.ndarray | None, int]]:
        """Of every asked final the contour, in semitones around the median of the take, and its asked tone."""
        timed = self.ear.align(mel_of(self.engine, wave), phonemes)
        f0 = yin(torch.from_numpy(wave), SAMPLE_RATE, HOP, lowest_hz=LOWEST_HZ, voiced_below=0.5).numpy()
        semitones = 12 * np.log2(np.maximum(f0, 1.0) / np.median(f0[f0 > 0])) if (f0 > 0).any() else f0
        places = {source: index for index, source in enumerate(timed.source)} if timed else {}
        for number, tone in enumerate(tones):
            if tone == NO_TONE or not phonemes[number].startswith("zh/"):
                continue
            contour = None
            if number in places:
                begin, end = timed.starts[places[number]], timed.starts[places[number] + 1]
                voiced = semitones[begin:end][f0[begin:end] > 0]
                if len(voiced) >= LEAST_VOICED:
                    along = np.linspace(0, len(voiced) - 1, CONTOUR_POINTS)
                    contour = np.interp(along, np.arange(len(voiced)), voiced)
                    contour = np.append(contour, 10 * np.log10((end - begin) / FRAMES_PER_SECOND))
            yield contour, tone

    def missed(self, said: Said) -> tuple[int, int]:
        """Tones that came out as others or as none, and tones in all."""
        wrong = count = 0
        for contour, tone in self.contours(*said):
            count += 1
            if contour is None:
                wrong += 1
                continue
            away = contour - self.means
            wrong += self.tones[np.einsum("td,de,te->t", away, self.precision, away).argmin()] != tone
        return wrong, count


def mel_of(engine: StarterEngine, wave: np.ndarray) -> torch.Tensor:
    return engine.mel_of(torch.from_numpy(wave).unsqueeze(0))[0]


def asked_of(reading: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """``ni3 hao3 .`` -> phonemes and tones of an utterance."""
    parsed = [parse_syllable(token) for token in reading]
    pairs = [("sil", NO_TONE)]
    for token, syllable in zip(reading, parsed, strict=True):
        pairs += zip(syllable.phonemes, syllable.tones, strict=True) if syllable else [(token, NO_TONE)]
    return tuple(symbol for symbol, _ in pairs), tuple(tone for _, tone in pairs)


def by_espeak(voice: str, readings: Sequence[Sequence[str]]) -> list[Said]:
    import soxr

    lines = [Line(" ".join(reading)) for reading in readings]
    said = []
    for reading, spoken in zip(readings, speak(VOICES[voice], lines), strict=True):
        wave = soxr.resample(spoken.wave, spoken.sample_rate, SAMPLE_RATE)
        said.append((levelled(torch.from_numpy(wave), SAMPLE_RATE).numpy(), *asked_of(reading)))
    return said


def by_starter(engine: StarterEngine, voice: Voice, texts: Sequence[str]) -> list[Said]:
    said = []
    for seed, text in enumerate(texts):
        utterance = speakable(text)
        said.append((engine.synthesize(text, voice, {}, seed).wave, utterance.phonemes, utterance.tones))
    return said


@torch.inference_mode()
def copied(engine: StarterEngine, said: Said) -> Said:
    """The same through the vocoder."""
    wave = engine.vocoder(mel_of(engine, said[0]).unsqueeze(0), generator=torch.Generator().manual_seed(0))[
        0
    ][0]
    return levelled(wave, SAMPLE_RATE).numpy(), *said[1:]


class Table:
    """One row a voice; the figures of a kind are the mean of its voices with the range beside it."""

    def __init__(self, ear: Ear, engine: StarterEngine, judge: ToneJudge, out: Path | None) -> None:
        self.ear, self.engine, self.judge, self.out = ear, engine, judge, out
        self.rows: list[dict[str, object]] = []

    def add(self, kind: str, voice: str, takes: Sequence[Said], owner: Voice | None = None) -> None:
        errors = asked_count = wrong = tones = 0
        scores = []
        for said in takes:
            mel = mel_of(self.engine, said[0])
            heard, asked = self.ear.hear(mel), syllables(said[1])
            errors += missed(asked, syllables(heard.symbols if heard else ()))
            asked_count += len(asked)
            scores.append(self.ear.score(mel, said[1]))
            wrong, tones = (a + b for a, b in zip((wrong, tones), self.judge.missed(said), strict=True))
        figures = {
            "syllables": errors / asked_count,
            "tones": wrong / tones,
            "score": float(np.mean(scores)),
        }
        if owner:
            spoken = self.engine.prepare([Recording(said[0], SAMPLE_RATE) for said in takes])
            vectors = (one.tensors["speaker"].float() for one in (spoken, owner))
            figures["likeness"] = float(torch.cosine_similarity(*vectors, dim=0))
        self.rows.append({"kind": kind, "voice": voice, **figures})
        print(f"{kind:10} {voice:8} " + "  ".join(f"{k} {v:.3f}" for k, v in figures.items()), flush=True)
        if self.out:
            for number, said in enumerate(takes[:3]):
                soundfile.write(self.out / f"{kind}-{voice}-{number}.wav", said[0], SAMPLE_RATE)

    def means(self) -> dict[str, dict[str, list[float]]]:
        """Kind -> figure -> mean, least and most over its voices."""
        return {
            kind: {
                figure: [round(float(f([row[figure] for row in rows])), 3) for f in (np.mean, np.min, np.max)]
                for figure in rows[0].keys() - {"kind", "voice"}
            }
            for kind in dict.fromkeys(row["kind"] for row in self.rows)
            if (rows := [row for row in self.rows if row["kind"] == kind])
        }


def people(folder: Path) -> Iterator[tuple[str, list[Recording]]]:
    """What voices are made of in ``benchmarks.starter``."""
    for speaker in EVALUATION_SPEAKERS:
        paths = sorted(folder.rglob(f"{speaker}-*.flac"))
        yield speaker, split([Recording(*soundfile.read(path, dtype="float32")) for path in paths])[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--speech", type=Path, help="recordings <speaker>-<chapter>-<number>.flac")
    parser.add_argument("--base", type=Path, default=ASSETS, help="folder of the starter's weights")
    parser.add_argument("--listener", type=Path, help="weights of the listener; the shipped ones without it")
    parser.add_argument("--sentences", type=int, default=len(SENTENCES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for results.json and some takes")
    parser.add_argument(
        "--work",
        type=Path,
        help="folder of what voices learn: Good training of the people, and of one espeak-ng",
    )
    arguments = parser.parse_args()
    import jieba

    jieba.setLogLevel(logging.WARNING)
    torch.set_num_threads(arguments.threads)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
    engine = StarterEngine.load("cpu", arguments.base)
    ear = Ear.load("cpu", arguments.listener) if arguments.listener else engine.ear
    texts = SENTENCES[: arguments.sentences]
    readings = [reading_of(jieba.lcut(text)) for text in texts]
    learnt = itertools.islice(sentences(JUDGE_SEED), JUDGE_SENTENCES)
    others = [reading.split() for _, reading in learnt]
    spoken = [said for voice in ESPEAK_VOICES for said in by_espeak(voice, others)]

    def learn(name: str, clips: Sequence[Recording]) -> Voice:
        work = arguments.work / name
        work.mkdir(parents=True, exist_ok=True)
        return engine.fine_tune(clips, "good", Bench(work)).voice

    table = Table(ear, engine, ToneJudge(ear, engine, spoken), arguments.out)
    for voice in ESPEAK_VOICES:
        table.add("espeak", voice, by_espeak(voice, readings))
    for voice in ESPEAK_VOICES:
        table.add("copy", voice, [copied(engine, said) for said in by_espeak(voice, readings)])
    for number, voice in enumerate(ESPEAK_VOICES):
        clips = [Recording(said[0], SAMPLE_RATE) for said in spoken[number * JUDGE_SENTENCES :][:12]]
        instant = engine.prepare(clips)
        table.add("as espeak", voice, by_starter(engine, instant, texts), instant)
        if arguments.work and number == 0:
            table.add("as espeak, trained", voice, by_starter(engine, learn(voice, clips), texts), instant)
    for path in sorted(VOICE_FOLDER.glob("*/voice.safetensors")):
        voice = Voice.load(path)
        if voice.facts["base"] == engine.base:
            table.add("shipped", path.parent.name, by_starter(engine, voice, texts), voice)
    if arguments.speech:
        for speaker, clips in people(arguments.speech):
            instant = engine.prepare(clips)
            table.add("person", speaker, by_starter(engine, instant, texts), instant)
            if arguments.work:
                table.add(
                    "person, trained", speaker, by_starter(engine, learn(speaker, clips), texts), instant
                )
    for kind, figures in table.means().items():
        print(kind, figures)
    if arguments.out:
        results = json.dumps({"rows": table.rows, "mean": table.means()}, indent=1)
        (arguments.out / "results.json").write_text(results)


if __name__ == "__main__":
    main()
