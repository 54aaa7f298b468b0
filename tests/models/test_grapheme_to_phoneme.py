import torch
from torch.nn import functional as F

from models.grapheme_to_phoneme import (
    BEGIN,
    END,
    PAD,
    SOUND_ID,
    SOUNDS,
    GraphemeToPhoneme,
    GraphemeToPhonemeConfig,
    letter_ids,
    pad_ids,
)
from pipelines.text.symbols import ARPABET

SMALL = GraphemeToPhonemeConfig(
    channels=32, heads=2, hidden=64, encoder_layers=1, decoder_layers=1, dropout=0.0
)


def test_sounds_are_the_arpabet_of_the_phoneme_table():
    assert {sound.rstrip("012") for sound in SOUNDS[3:]} == set(ARPABET)


def test_padding_changes_nothing():
    torch.manual_seed(0)
    model = GraphemeToPhoneme(SMALL).eval()
    sounds = torch.tensor([[BEGIN, SOUND_ID["K"], SOUND_ID["AE1"]]])
    alone = model(pad_ids([letter_ids("cat", 40)]), sounds)
    beside = model(pad_ids([letter_ids("cat", 40), letter_ids("caterpillar", 40)]), sounds.expand(2, -1))[:1]
    assert alone.shape == (1, 3, len(SOUNDS))
    assert torch.allclose(alone, beside, atol=1e-5)


def test_it_learns_and_survives_the_file(tmp_path):
    torch.manual_seed(0)
    model = GraphemeToPhoneme(SMALL)
    spoken = {"cat": "K AE1 T", "tack": "T AE1 K", "at": "AE1 T", "cot": "K AA1 T", "knock": "N AA1 K"}
    letters = pad_ids(letter_ids(word, 40) for word in spoken)
    sounds = pad_ids([BEGIN, *(SOUND_ID[s] for s in sound.split()), END] for sound in spoken.values())
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        loss = F.cross_entropy(
            model(letters, sounds[:, :-1]).flatten(0, 1), sounds[:, 1:].flatten(), ignore_index=PAD
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    expected = [tuple(sound.split()) for sound in spoken.values()]
    assert model.pronounce(list(spoken)) == expected
    model.save(tmp_path / "weights.safetensors")
    loaded = GraphemeToPhoneme.load(tmp_path / "weights.safetensors")
    assert loaded.config == SMALL
    assert loaded.pronounce(list(spoken)) == expected


def test_an_endless_word_is_read_up_to_the_limit():
    assert len(GraphemeToPhoneme(SMALL).pronounce(["a" * 200])[0]) < SMALL.longest
