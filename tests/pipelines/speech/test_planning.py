from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

from models.starter.acoustic import STACK, starts_of
from models.starter.mel import MEL_BANDS
from pipelines.speech.planning import OWN_SHARE, Planner, as_trained, learnt_shift, of_pairs
from pipelines.speech.starter import PLANNED_AS, SHIFT, StarterEngine, speakable
from pipelines.speech.voice import Voice
from pipelines.text.symbols import LANGUAGES, PAUSES, SYMBOL_ID, SYMBOLS
from pipelines.training.fine_tune import SHIFT_SENTENCES


@pytest.fixture(scope="module")
def louder(starter: StarterEngine, reader: Voice) -> Planner:
    """The reader after a training that added 1 to every band of everything."""
    layer = starter.acoustic.prior_out
    voice = starter.voice(
        {
            **reader.tensors,
            "prior_out.lora_A": torch.zeros(1, layer.in_features),
            "prior_out.lora_B": torch.zeros(layer.out_features, 1),
        },
        {"lora_scale": 1.0},
    )
    planner = starter.planner(voice, mandarin=False)
    with torch.no_grad():
        planner.english.prior_out.bias += 1.0
    return planner


def test_every_phoneme_is_in_the_sentences_that_show_the_shift() -> None:
    said = Counter(phoneme for text in SHIFT_SENTENCES for phoneme in speakable(text).phonemes)
    assert not {phoneme for phoneme in SYMBOLS if not said[phoneme]} - {"<pad>", *PAUSES}


def test_pairs_of_frames_know_their_phoneme() -> None:
    starts = torch.tensor([[0, 2, 2, 5, 8]])
    assert of_pairs(torch.tensor([[7, 8, 9, 6]]), starts).tolist() == [[7, 9, 9, 6]]


def test_the_shift_is_what_training_changed(starter: StarterEngine, reader: Voice, louder: Planner) -> None:
    shift = learnt_shift(
        starter.planner(reader, mandarin=False),
        louder,
        [starter.sentence(speakable(text)) for text in SHIFT_SENTENCES[:2]],
    )
    assert shift.shape[0] == starter.acoustic.config.symbols
    bands = shift[:, : STACK * MEL_BANDS]
    torch.testing.assert_close(bands, torch.ones_like(bands), atol=1e-3, rtol=0)
    hidden = shift[:, STACK * MEL_BANDS :]
    torch.testing.assert_close(hidden, torch.zeros_like(hidden), atol=1e-3, rtol=0)


def test_rare_phonemes_come_near_to_the_average(starter: StarterEngine, reader: Voice) -> None:
    instant = starter.planner(reader, mandarin=False)
    other = replace(instant, speaker=instant.speaker.roll(1, dims=1))
    shift = learnt_shift(instant, other, [starter.sentence(speakable("Ah, a sea."))])
    far = (shift - shift[SYMBOL_ID["ZH"]]).abs().mean(dim=1)  # nobody said ZH
    assert far[SYMBOL_ID["S"]] > 0.01 and far[SYMBOL_ID["IY"]] > 0.01
    assert float(far[SYMBOL_ID["zh/a"]]) == 0.0


def test_a_trained_plan_lies_between_its_shift_and_all_that_was_learnt() -> None:
    plain, trained, shift = torch.zeros(1, 4, 3), torch.full((1, 4, 3), 2.0), torch.full((1, 4, 3), 0.5)
    torch.testing.assert_close(
        as_trained(plain, trained, shift), torch.full((1, 4, 3), 0.5 + OWN_SHARE * (2.0 - 0.5))
    )


def test_each_language_is_planned_by_its_network(starter: StarterEngine, reader: Voice) -> None:
    both = starter.planner(reader, mandarin=True)
    sentence = starter.sentence(speakable("我有一只 cat。"))
    starts = starts_of(both.read(sentence).lasting(), 1.0)
    english, mandarin = (
        replace(both, english=network, mandarin=network) for network in (both.english, both.mandarin)
    )
    plan, as_english, as_mandarin = (one.read(sentence).plan(starts)[0] for one in (both, english, mandarin))
    chinese = of_pairs(sentence.language, starts)[0] == LANGUAGES.index("zh")
    assert torch.equal(plan[chinese], as_mandarin[chinese]) and torch.equal(
        plan[~chinese], as_english[~chinese]
    )
    assert chinese.any() and not chinese.all() and not torch.equal(as_english, as_mandarin)


def test_english_alone_never_asks_the_mandarin_network(starter: StarterEngine, reader: Voice) -> None:
    planner = starter.planner(reader, mandarin=False)
    assert planner.english is planner.mandarin is starter.acoustic


def test_a_trained_voice_is_paced_by_the_plain_one(starter: StarterEngine, reader: Voice) -> None:
    yes = starter.planner(reader, mandarin=False).read(starter.sentence(speakable("Yes.")))
    channels = yes.plan(starts_of(yes.lasting(), 1.0)).shape[-1]
    shift, vector = torch.zeros(starter.acoustic.config.symbols, channels), reader.tensors["speaker"]
    trained = starter.voice({"speaker": -vector, PLANNED_AS: vector, SHIFT: shift}, {})
    hasty = starter.voice({"speaker": -vector}, {})
    plain, paced, other = (
        starter.synthesize("The river is wide and slow.", voice, {"num_inference_steps": 1}, 0)
        for voice in (reader, trained, hasty)
    )
    assert paced.words == plain.words != other.words
