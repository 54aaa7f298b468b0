from __future__ import annotations

import json

from studio.trust.labels import book_label, speech_label, voice_hash


def test_machines_and_people_can_read_it() -> None:
    label = speech_label("v_0123456789abcdefghjk", "k" * 64)
    aigc = json.loads(label["AIGC"])
    assert (aigc["Label"], aigc["ContentProducer"], aigc["ProduceID"]) == ("1", "VoxTale", "k" * 64)
    assert "artificial intelligence" in label["comment"] and "人工智能生成合成" in label["comment"]
    assert all(isinstance(value, str) for value in label.values())


def test_it_does_not_give_the_voice_away() -> None:
    label = speech_label("v_0123456789abcdefghjk", "key")
    assert "v_0123456789abcdefghjk" not in json.dumps(label)
    assert label["voice_sha256"] == speech_label("v_0123456789abcdefghjk", "other")["voice_sha256"]
    assert label["voice_sha256"] != speech_label("v_0123456789abcdefghjx", "key")["voice_sha256"]


def test_books_are_labelled_and_name_a_voice_only_where_one_reads() -> None:
    heard = voice_hash("v_0123456789abcdefghjk")
    label = book_label(heard, "p" * 64)
    assert json.loads(label["AIGC"])["ProduceID"] == "p" * 64
    assert label["voice_sha256"] == heard == speech_label("v_0123456789abcdefghjk", "key")["voice_sha256"]
    assert "voice_sha256" not in book_label("", "p" * 64)
