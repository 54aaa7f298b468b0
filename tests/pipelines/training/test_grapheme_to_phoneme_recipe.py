import torch

from models.grapheme_to_phoneme import GraphemeToPhoneme
from pipelines.text.pronunciation import NETWORK_PATH
from pipelines.training import grapheme_to_phoneme as recipe_module
from pipelines.training.grapheme_to_phoneme import (
    Recipe,
    edit_distance,
    score,
    split_lexicon,
    train,
)


def test_the_split_is_fixed_and_disjoint():
    training, development, test = split_lexicon()
    words = [{word for word, _ in part} for part in (training, development, test)]
    assert not (words[0] & words[1] or words[0] & words[2] or words[1] & words[2])
    assert len(words[0]) > 100_000 and len(words[1]) > 1_000 and len(words[2]) > 2_000


def test_edit_distance():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("", "abc") == 3


def test_training_goes_on_from_its_checkpoint_as_if_it_had_not_stopped(tmp_path, monkeypatch, capsys):
    training, *scored = split_lexicon()
    few = training[:40], *(part[:4] for part in scored)
    monkeypatch.setattr(recipe_module, "split_lexicon", lambda: few)

    def run(folder, steps):
        recipe = Recipe(steps=steps, words_per_step=8, check_every=3, seed=1, warmup_steps=100)
        train(tmp_path / folder, tmp_path / f"{folder}.safetensors", recipe, "cpu")
        return torch.load(tmp_path / folder / "checkpoint.pt", weights_only=True)

    through = run("through", 6)
    run("stopped", 3)
    resumed = run("stopped", 6)
    assert "resumed at step 3" in capsys.readouterr().out
    assert all(torch.equal(through["model"][name], resumed["model"][name]) for name in through["model"])


def test_the_shipped_weights_pronounce_words_they_never_saw():
    _, _, test = split_lexicon()
    figures = score(GraphemeToPhoneme.load(NETWORK_PATH), test[::8])
    assert figures.phoneme_error_rate < 0.12
    assert figures.word_accuracy_without_stress > 0.6
    assert NETWORK_PATH.stat().st_size < 3_000_000
