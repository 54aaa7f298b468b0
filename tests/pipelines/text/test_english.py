import pytest

from pipelines.failure import CraftError
from pipelines.text.english import to_utterance
from pipelines.text.lexicon import drawn_out, lexicon
from pipelines.text.pronunciation import arpabet_of, fold, words_to_phonemes
from pipelines.text.symbols import NO_TONE, SYMBOL_ID, is_pause
from tests.effort import takes_under


def spoken(text: str) -> str:
    return " ".join(to_utterance(text).phonemes)


def test_a_sentence_becomes_phonemes_stresses_and_pauses():
    utterance = to_utterance("Hello, world!")
    assert utterance.phonemes == ("sil", *"HH AH L OW".split(), ",", *"W ER L D".split(), "!")
    assert utterance.tones == (0, 0, 1, 0, 2, 0, 0, 2, 0, 0, 0)
    assert [(word.text, word.first, word.last) for word in utterance.words] == [
        ("Hello", 1, 5),
        ("world", 6, 10),
    ]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("Stop", "."),
        ("Stop...", "."),
        ("Wait; go on: now", ", , ."),
        ("One (or two) of them — yes?!", ", , , ?"),
        ("No! Never. Why?", "! . ?"),
        ("Well -- then, well", ", , ."),
        ("...and so,", "."),
    ],
)
def test_punctuation_becomes_pauses(text, marks):
    assert [p for p in to_utterance(text).phonemes[1:] if is_pause(p)] == marks.split()


def test_every_symbol_is_known_and_only_vowels_are_stressed():
    utterance = to_utterance("The quick brown fox's cubs weren't jumping over the old, lazy dog.")
    assert all(phoneme in SYMBOL_ID for phoneme in utterance.phonemes)
    for phoneme, tone in zip(utterance.phonemes, utterance.tones, strict=True):
        assert (tone != NO_TONE) == (phoneme[0] in "AEIOU"), phoneme


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("It cost $4.50, didn’t it?", ["It", "cost", "$4.50", "didn't", "it"]),
        ("the ‘best’ of rock 'n' roll", ["the", "best", "of", "rock", "'n", "roll"]),
        ("On Dec 3rd, go", ["On", "Dec 3rd", "go"]),
        ("Call 555-1234.", ["Call", *"five five five one two three four".split()]),
    ],
)
def test_words_are_those_of_the_page(text, written):
    assert [word.text for word in to_utterance(text).words] == written


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("Henry VIII's", "EY T TH S"),
        ("Elizabeth I's", "F ER S T S"),
        ("World War II’s", "T UW Z"),
        ("in 2024's", "F AO R Z"),
        ("iPhone 15's", "T IY N Z"),
        ("Apple Inc.'s", "R EY T IH D Z"),
        ("King Jr.'s", "Y ER Z"),
        ("the U.S.'s", "EH S IH Z"),
        ("example.com's", "K AA M Z"),
        ("chapter 3'll", "TH R IY AH L"),
    ],
)
def test_an_ending_joins_what_a_number_or_a_short_form_stands_for(text, last):
    assert spoken(text).endswith(f"{last} .")


@pytest.mark.parametrize("text", ["Hello Мир", "你好", "こんにちは hello"])
def test_other_scripts_are_refused(text):
    with pytest.raises(CraftError) as failure:
        to_utterance(text)
    assert failure.value.code == "language_unsupported"


def test_long_quotations_get_their_pauses():
    assert ", G OW HH OW M N AW ," in spoken("He said “go home now” and left.")
    assert "," not in spoken("The “best” thing.")


@pytest.mark.parametrize("text", ["", "   ", "?!", "😀😀", "—"])
def test_text_without_words_is_refused(text):
    with pytest.raises(CraftError) as failure:
        to_utterance(text)
    assert failure.value.code == "text_unspeakable"


@pytest.mark.parametrize(
    ("word", "arpabet"),
    [
        ("cat's", "K AE1 T S"),
        ("voice's", "V OY1 S IH0 Z"),
        ("dogs'", "D AO1 G Z"),
        ("narrating", "N EH1 R EY2 T IH0 NG"),
        ("unzipped", "AH0 N Z IH1 P T"),
        ("read-only", "R IY1 D OW1 N L IY0"),
        ("re-enter", "R IY2 EH1 N T ER0"),
        ("do-re-mi", "D UW1 R EY1 M IY1"),
        ("A-list", "EY1 L IH1 S T"),
        ("wi-fi", "W AY1 F AY2"),
        ("T‑shirt", "T IY1 SH ER2 T"),
        ("voice-over", "V OY1 S OW1 V ER0"),
        ("café", "K AH0 F EY1"),
        ("NAÏVE", "N AY2 IY1 V"),
        ("’twas", "T W AH1 Z"),
    ],
)
def test_words_beyond_the_dictionary_follow_their_stem(word, arpabet):
    assert arpabet_of(fold(word)) == arpabet


@pytest.mark.parametrize(
    ("word", "spelled"),
    [
        ("Diyarbakır", "diyarbakir"),
        ("Łódź", "lodz"),
        ("Ħamrun", "hamrun"),
        ("Əliyev", "aliyev"),
        ("Straße", "strasse"),
    ],
)
def test_letters_of_other_alphabets_are_spelled_as_without_them(word, spelled):
    assert fold(word) == spelled
    assert to_utterance(f"{word} is here.").words[0].text == word


def test_the_before_a_vowel_and_lone_capitals():
    the_apple, apple, the_pear, pear = words_to_phonemes(["the", "apple", "the", "pear"])
    assert the_apple.phonemes == ("DH", "IY") and the_pear.phonemes == ("DH", "AH")
    usa = words_to_phonemes(["The", "U", "S", "A"])
    assert [p.phonemes for p in usa[1:]] == [("Y", "UW"), ("EH", "S"), ("EY",)]
    for article in ("A dog", "THIS IS A TEST", "Tale of A Dog"):
        place = article.split().index("A")
        assert words_to_phonemes(article.split())[place].phonemes == ("AH",)
    for letter in ("plan A failed", "an A", "Vitamin A", "A B C"):
        place = letter.split().index("A")
        assert words_to_phonemes(letter.split())[place].phonemes == ("EY",)


def test_the_dictionary_loads_quickly():
    def load() -> int:
        lexicon.cache_clear()
        return len(lexicon())

    assert load() > 120_000
    assert takes_under(1.0, load)


@pytest.mark.parametrize(
    ("word", "arpabet"),
    [
        ("glimmerwood", "G L IH1 M ER0 W UH2 D"),
        ("cyberpunk", "S AY1 B ER0 P AH2 NG K"),
        ("nobody'll", "N OW1 B AA2 D IY2 AH0 L"),
        ("rock'n'roll", "R AA1 K AH0 N R OW1 L"),
        ("xkcd", "EH1 K S K EY1 S IY1 D IY1"),
        ("www", "D AH1 B AH0 L Y UW0 D AH1 B AH0 L Y UW0 D AH1 B AH0 L Y UW0"),
    ],
)
def test_words_nobody_wrote_down(word, arpabet):
    assert arpabet_of(word) == arpabet


@pytest.mark.parametrize(
    ("drawn", "plain"),
    [
        ("Nooooo", "no"),
        ("sooooo", "so"),
        ("NOOO", "no"),
        ("Yesss", "yes"),
        ("Hellooooo", "hello"),
        ("realllly", "really"),
        ("goooood", "good"),
        ("coool", "cool"),
        ("stoooop", "stop"),
        ("Hmmmmm", "hmm"),
        ("Grrrrrr", "grr"),
        ("GRRR", "grr"),
        ("Brrr", "brr"),
        ("Zzzzzz", "zzz"),
        ("Pssst", "psst"),
        ("Pffft", "pfft"),
        ("Shhhhh", "shh"),
        ("Mmmmm", "mmm"),
        ("Aaaargh", "argh"),
    ],
)
def test_letters_drawn_out(drawn, plain):
    assert plain in lexicon()
    assert spoken(f"She said {drawn} to us.") == spoken(f"She said {plain} to us.")


def test_only_letters_written_too_often_are_drawn_out():
    assert arpabet_of("tsk") == "T IH1 S K"
    assert not any(map(drawn_out, lexicon().words()))
    assert not any(map(drawn_out, ["viii", "xxx", "www", "bookkeeper", "aaaa"]))


def test_an_unknown_word_costs_milliseconds_and_then_nothing():
    unknown = iter(["zanthoriel", "mirrabuck", "thunderglim", "quellidor", "snorvaki"])
    arpabet_of("blorptastic")
    assert takes_under(0.5, lambda: arpabet_of(next(unknown)))
    assert takes_under(0.001, lambda: arpabet_of("zanthoriel"))


def test_a_very_long_word_is_still_spoken():
    assert len(arpabet_of("la" * 100).split()) > 50
