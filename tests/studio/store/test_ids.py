from __future__ import annotations

import pytest

from studio.errors import StudioError
from studio.store.ids import PREFIXES, check_id, check_take_key, new_id


@pytest.mark.parametrize("kind", PREFIXES)
def test_new_ids_pass_their_own_check(kind: str) -> None:
    made = {new_id(kind) for _ in range(100)}
    assert len(made) == 100
    assert all(check_id(kind, name) == name for name in made)


BAD = [
    "",
    "..",
    "../x",
    "v_",
    "v_%2e%2e",
    "C:\\x",
    "con",
    "v_" + "a" * 21,
    "v_" + "A" * 20,
    "v_" + "a" * 20 + "\n",
]


@pytest.mark.parametrize("value", [*BAD, "v_" + "ａ" * 20, "\0", "x" * 300, None, 7])
def test_foreign_ids_are_nobodys(value: object) -> None:
    with pytest.raises(StudioError) as caught:
        check_id("voice", value)
    assert (caught.value.code, caught.value.status) == ("voice_unknown", 404)
    with pytest.raises(StudioError, match="take_unknown"):
        check_take_key(value)


def test_kinds_are_told_apart() -> None:
    with pytest.raises(StudioError, match="job_unknown"):
        check_id("job", new_id("voice"))
