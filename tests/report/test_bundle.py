"""The charting library is bundled once and kept; nothing that was meddled with is put into a page."""

from __future__ import annotations

from pathlib import Path

import pytest
import vl_convert

from votewise.report import page


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOTEWISE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def anew() -> str:
    page._bundle.cache_clear()
    return page._bundle()


def test_the_bundle_is_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = anew()
    assert "vegaEmbed" in first
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda **_: pytest.fail("bundled again"))
    assert anew() == first


@pytest.mark.parametrize("spoilt", [b"alert(1)", b"\xff\xfe", b""], ids=["changed", "no text", "empty"])
def test_a_spoilt_bundle_is_made_anew(cache: Path, spoilt: bytes) -> None:
    first = anew()
    (kept,) = cache.iterdir()
    kept.write_bytes(spoilt)
    assert anew() == first
    assert kept.read_text(encoding="utf-8") == first


def test_a_page_needs_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VOTEWISE_CACHE", str(tmp_path / "file"))
    assert "vegaEmbed" in anew()
    monkeypatch.delenv("VOTEWISE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert "vegaEmbed" in anew()
