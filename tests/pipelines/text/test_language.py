import unicodedata

import pytest

from pipelines.text.language import detect_language, spoken_languages


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello there.", "en"),
        ("A naïve café in Zürich", "en"),
        ("It costs $5", "en"),
        ("42", "en"),
        ("½", "en"),
        ("The angle α is small.", "en"),
        ("Diyarbakır, Hawaiʻi, Kʼicheʼ, Łódź and Ħamrun", "en"),
        ("The ǃXóõ say ɹɛd.", "other"),
        ("你好，世界。", "zh"),
        ("他叫𠮷田。", "other"),  # beyond every dictionary
        ("今天是2024年", "zh"),
        ("我喜欢 Python", "mixed"),
        ("My name is 王芳.", "mixed"),
        ("こんにちは", "ja"),
        ("東京へ行きます", "ja"),
        ("人々はPythonが好き。", "ja"),
        ("ｶﾀｶﾅ", "ja"),
        ("東京。", "zh"),  # no letter tells
        ("人々", "other"),
        ("안녕하세요", "ko"),
        ("2024년 한국 中國 news ㅋㅋ", "ko"),
        (unicodedata.normalize("NFD", "안녕"), "ko"),
        ("ㅋㅋㅋ", "other"),
        ("안녕 こんにちは", "other"),
        ("こんにちは Привет", "other"),
        ("Привет, мир", "other"),
        ("مرحبا", "other"),
        ("Le chat est sur la table dans la cuisine.", "other"),
        ("Der Hund ist nicht mit dem Kind in das Haus gegangen.", "other"),
        ("El perro y la casa son para los amigos.", "other"),
        ("We had dinner in Los Angeles with El Greco and La La Land on TV.", "en"),
        ("Vincent van Gogh, Leonardo da Vinci and Charles de Gaulle", "en"),
        ("", "none"),
        (" \n ", "none"),
        ("😀👍🏽", "none"),
        ("?! ... ---", "none"),
        ("***", "none"),
    ],
)
def test_language(text, language):
    assert detect_language(text) == language


def test_what_a_voice_must_speak():
    assert spoken_languages("mixed") == {"en", "zh"}
    assert spoken_languages("ja") == {"ja"}
