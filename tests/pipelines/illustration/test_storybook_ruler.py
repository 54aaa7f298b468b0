from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from pipelines.illustration.layout import Look, arrange, boxes  # noqa: E402
from pipelines.training import storybook_ruler  # noqa: E402
from pipelines.training.storybook_ruler import (  # noqa: E402
    CANVAS,
    NOBODY,
    WINDOW,
    Asked,
    Ruler,
    Windows,
    ruler_loss,
    shown_in,
    train_ruler,
    true_renders,
)
from pipelines.training.storybook_scenes import SUBJECTS, held_out, held_out_scenes  # noqa: E402


def test_it_scores_what_it_is_told() -> None:
    torch.manual_seed(0)
    ruler = Ruler().eval()
    pictures = torch.rand(3, 3, 256, 256)
    with torch.no_grad():
        subjects, places, palettes = ruler(pictures)
    who = torch.full((3, 3), -1)
    who[:, :2] = subjects.topk(2, 1).indices
    score = ruler.measure(pictures, Asked(who, places.argmax(1), (palettes.argmax(1) + 1) % 6))
    assert (score.subject, score.place, score.palette) == (1.0, 1.0, 0.0)
    who[:, 0] = subjects.argmin(1)
    assert ruler.measure(pictures, Asked(who, places.argmax(1), palettes.argmax(1))).subject == 0.0


def test_a_window_in_a_picture_is_read_as_it_is_alone() -> None:
    torch.manual_seed(0)
    ruler = Ruler().eval()
    picture = torch.rand(1, 3, 96, 96)
    with torch.no_grad():
        whole = ruler.read(picture)[0]
        alone = ruler.read(picture[:, :, 16 : 16 + WINDOW, 24 : 24 + WINDOW])[0]
    assert whole.shape[2:] == (7, 7) and alone.shape[2:] == (1, 1)
    # The outermost edges of the window alone have no neighbour to differ from.
    assert torch.allclose(whole[0, :, 2, 3], alone[0, :, 0, 0], atol=0.05)


def test_windows_show_what_they_are_said_to_show() -> None:
    windows = Windows(seed=1, pool=12)
    windows.render(20)
    assert len(windows.scenes) == 12
    assert not any(held_out(a.look.subject, s.place) for s in windows.scenes for a in s.actors)
    views, who, place, palette = windows.batch(64)
    assert views.shape == (64, 3, WINDOW, WINDOW) and views.abs().max() < 2.5
    assert ((place >= 0) == (palette >= 0)).all() and 0 < (place >= 0).sum() < 32
    known = {SUBJECTS.index(actor.look.subject) for scene in windows.scenes for actor in scene.actors}
    assert set(who.tolist()) <= known | {-1, NOBODY} and NOBODY in who
    scene = arrange("meadow", "day", [Look("fox")], seed=2)
    box = boxes(scene, CANVAS)[0]
    long = max(box.right - box.left, box.bottom - box.top)
    middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    for size, expected in ((1.2, SUBJECTS.index("fox")), (0.5, NOBODY), (1.7, -1), (2.5, NOBODY)):
        half = size * long / 2
        window = (middle[0] - half, middle[1] - half, 2 * half)
        assert shown_in(window, scene) == expected
    assert shown_in((middle[0] + long, middle[1], long), scene) == NOBODY


def test_it_learns_and_is_kept_and_made_anew_when_it_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = Windows(seed=3, pool=24)
    windows.render(24)
    batch = windows.batch(96)
    monkeypatch.setattr(storybook_ruler, "BATCH", 24)
    fresh = Ruler().train()
    before = ruler_loss(fresh, *batch).item()
    trained = train_ruler(steps=25, seed=3, log=lambda line: None)
    assert ruler_loss(trained.train(), *batch).item() < before - 0.3
    made = []
    monkeypatch.setattr(storybook_ruler, "train_ruler", lambda log: made.append(1) or trained.eval())
    path = tmp_path / "runs" / "ruler.safetensors"
    scenes = held_out_scenes(2, 1)
    pictures = true_renders(scenes)
    first = Ruler.ready(path)(pictures)[0]
    assert torch.equal(Ruler.ready(path)(pictures)[0], first) and made == [1]
    path.write_bytes(b"broken")
    Ruler.ready(path)
    assert made == [1, 1] and Asked.of(scenes).who[0, 0] == SUBJECTS.index(scenes[0].actors[0].look.subject)
