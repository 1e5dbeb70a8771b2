"""Profiles say what they can be and refuse the rest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from votewise.errors import BadInputError
from votewise.simulate import KINDS, Profile, read_profile
from votewise.simulate.profiles import draw_annotators


def test_shares_hold_to_the_annotator() -> None:
    drawn = draw_annotators(Profile(spammers=0.1, adversaries=0.05, position_biased=0.2, tired=0.15), 200, 1)
    assert np.bincount(drawn.kind, minlength=len(KINDS)).tolist() == [100, 20, 10, 40, 30]
    assert (drawn.reliability[drawn.kind == 1] == 0.5).all()
    assert len(np.unique(np.diff(np.flatnonzero(drawn.kind)))) > 1, "who is of which kind is not random"


def test_adversaries_flip_the_reliability() -> None:
    drawn = draw_annotators(Profile(reliability=0.9, adversaries=0.5), 10, 1)
    np.testing.assert_allclose(np.sort(drawn.reliability), [0.1] * 5 + [0.9] * 5)


def test_reliabilities_may_be_given_one_by_one() -> None:
    profile = Profile(reliability=[0.9, 0.3, 0.6])
    assert profile.annotators == 3
    assert draw_annotators(profile, 3, 0).reliability.tolist() == [0.9, 0.3, 0.6]


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_files_are_read_and_settings_replace_what_they_say(tmp_path: Path, suffix: str) -> None:
    settings = {"reliability": "beta:8,2", "spammers": 0.1, "votes_per_annotator": [5, 50], "votes_per_pair": 2}
    path = tmp_path / f"annotators{suffix}"
    text = json.dumps(settings)
    if suffix == ".yaml":
        text = "# annotators\n" + "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
    path.write_text(text, "utf-8")
    found = read_profile(path, spammers=0.2, tired=None)
    assert found == Profile(reliability="beta:8,2", spammers=0.2, votes_per_annotator=(5, 50), votes_per_pair=2)
    assert read_profile(None) == Profile()


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("annotators.yaml", "spamers: 0.1", "unknown setting 'spamers'"),
        ("annotators.yaml", "- 1", "holds no settings"),
        ("annotators.yaml", "a: [", "not a profile"),
        ("annotators.yaml", "a: !!python/object/apply:os.getcwd []", "not a profile"),
        ("annotators.json", "{", "not a profile"),
        ("missing.yaml", None, "cannot be read"),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, name: str, text: str | None, problem: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(BadInputError, match=problem) as error:
        read_profile(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"noise": 0.6},
        {"noise": "much"},
        {"spammers": -0.1},
        {"spammers": 0.6, "tired": 0.6},
        {"reliability": "beta:0,1"},
        {"reliability": [0.5, 1.5]},
        {"reliability": []},
        {"reliability": ["x"]},
        {"reliability": [0.9, 0.8, 0.7], "spammers": 0.1},
        {"reliability": [0.9, 0.8, 0.7], "annotators": 2},
        {"reliability": [0.9, 0.8]},
        {"annotators": 2},
        {"annotators": 0},
        {"votes_per_pair": 0},
        {"votes_per_pair": 1.5},
        {"votes_per_annotator": (0, 5)},
        {"votes_per_annotator": (9, 5)},
        {"votes_per_annotator": (1, 2, 3)},
        {"votes_per_annotator": "1..5"},
    ],
)
def test_impossible_profiles_are_refused(settings: dict) -> None:
    with pytest.raises(BadInputError) as error:
        Profile(**settings)
    assert "\n" not in str(error.value)
