from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.illustration.settings import PaintingSettings
from studio.errors import StudioError
from studio.settings import Settings
from studio.store.database import Database
from studio.store.stories import StoryStore
from studio.trust import quota as module
from studio.trust.quota import DemoQuota


def quota(tmp_path: Path, public_demo: bool = True) -> DemoQuota:
    pages = {"demo_pages_per_client": 3, "demo_pages_per_day": 4}
    settings = Settings(public_demo=public_demo, demo_chars_per_client=100, demo_chars_per_day=150, **pages)
    return DemoQuota(Database(tmp_path / "studio.db"), settings)


def test_a_visitor_has_a_day_s_share(tmp_path: Path) -> None:
    demo = quota(tmp_path)
    demo.spend("ann", 60)
    with pytest.raises(StudioError) as caught:
        demo.spend("ann", 50)
    assert (caught.value.code, caught.value.status) == ("demo_quota_client", 429)
    assert caught.value.facts == {"chars": 50, "used": 60, "limit": 100}
    demo.spend("ann", 40)  # the refused text was not counted


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("testclient", "elsewhere", False),
    ],
)
def test_who_owns_a_whole_network_is_one_visitor(tmp_path: Path, one: str, other: str, same: bool) -> None:
    demo = quota(tmp_path)
    assert (demo.visitor(one) == demo.visitor(other)) is same


def test_all_visitors_share_the_day(tmp_path: Path) -> None:
    demo = quota(tmp_path)
    demo.spend("ann", 100)
    with pytest.raises(StudioError, match="demo_quota_day"):
        demo.spend("bob", 60)
    demo.spend(demo.visitor(None), 50)


def test_pages_are_counted_beside_characters(tmp_path: Path) -> None:
    demo = quota(tmp_path)
    demo.spend("ann", 100)
    demo.spend_pages("ann", 3)
    with pytest.raises(StudioError) as caught:
        demo.spend_pages("ann", 1)
    assert (caught.value.code, caught.value.facts) == (
        "demo_pages_client",
        {"pages": 1, "used": 3, "limit": 3},
    )
    with pytest.raises(StudioError, match="demo_pages_day"):
        demo.spend_pages("bob", 2)
    demo.spend_pages("bob", 1)


def test_tomorrow_is_another_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = quota(tmp_path)
    demo.spend("ann", 100)
    monkeypatch.setattr(module, "now", lambda: datetime.now(UTC) + timedelta(days=1))
    demo.spend("ann", 100)


def test_nobody_can_tell_tomorrow_who_was_here_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = quota(tmp_path)
    database = demo._database
    ann = demo.visitor("1.1.1.1")
    assert ann == demo.visitor("1.1.1.1") == DemoQuota(database, demo._settings).visitor("1.1.1.1")
    assert ann not in (demo.visitor("2.2.2.2"), hashlib.sha256(b"1.1.1.1").hexdigest()[:32])
    StoryStore(database).insert("st_1", style="ink", seed=1, painting=PaintingSettings(), visitor=ann)
    StoryStore(database).insert("st_2", style="ink", seed=1, painting=PaintingSettings(), visitor=None)
    demo.spend(ann, 60)
    monkeypatch.setattr(module, "now", lambda: datetime.now(UTC) + timedelta(days=1))
    assert demo.visitor("1.1.1.1") != ann
    assert ann not in "\n".join(database._connection.iterdump())
    rows = database.rows("SELECT visitor FROM stories ORDER BY id")
    assert [row["visitor"] for row in rows] == [module.EARLIER, None]


def test_only_a_demo_is_closed(tmp_path: Path) -> None:
    home = quota(tmp_path, public_demo=False)
    home.refuse_in_demo()
    with pytest.raises(StudioError, match="demo_closed"):
        quota(tmp_path).refuse_in_demo()
