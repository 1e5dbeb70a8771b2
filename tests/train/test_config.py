"""Settings: which are refused and how, what is passed on, and that the parsers of the command line accept them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from tiny import make_config
from transformers import HfArgumentParser
from trl import DPOConfig

from votewise.errors import BadInputError
from votewise.inference.priors import Beta
from votewise.train import PreferenceLoss, RobustPreferenceConfig, ScoredAnswers
from votewise.train.config_checks import SCORED
from votewise.train.losses import LOSSES
from votewise.train.objectives import DPO_OBJECTIVES, NOISE_OBJECTIVES, OBJECTIVES
from votewise.train.running_beliefs import BeliefSettings

REFUSED = [
    (
        {"preference_loss": "kto"},
        r"preference_loss, got 'kto' \(expected dpo, ipo, simpo, cpo, dpo_norm or a function\)",
    ),
    ({"objective": "robust"}, r"objective, got 'robust' \(expected plain or smoothed or gibbs or weighted"),
    ({"objective": "rdpo", "preference_loss": "ipo"}, r"objective=rdpo \(expected preference_loss=dpo, not ipo\)"),
    ({"objective": "holder", "preference_loss": "simpo"}, r"objective=holder \(expected preference_loss=dpo"),
    ({"beta": 0.0}, r"beta, got 0.0 \(expected above 0\)"),
    ({"beta": -1.0}, r"beta, got -1.0"),
    ({"beta": float("nan")}, r"beta, got nan"),
    ({"beta": float("inf")}, r"beta, got inf"),
    ({"simpo_gamma": -0.1}, r"simpo_gamma, got -0.1 \(expected at least 0\)"),
    ({"cpo_alpha": -0.1}, r"cpo_alpha, got -0.1 \(expected at least 0\)"),
    ({"holder_gamma": 0.0}, r"holder_gamma, got 0.0 \(expected above 0\)"),
    ({"reliability_init": 1.0}, r"reliability_init, got 1.0 \(expected above 0 and below 1\)"),
    ({"reliability_init": 0.0}, r"reliability_init, got 0.0"),
    ({"reliability_init": "high"}, r"reliability_init, got 'high'"),
    ({"reliability_momentum": 0.0}, r"reliability_momentum, got 0.0 \(expected above 0 and at most 1\)"),
    ({"reliability_momentum": 1.5}, r"reliability_momentum, got 1.5"),
    ({"reliability_update": "batch"}, r"reliability_update, got 'batch' \(expected step or epoch or frozen\)"),
    ({"reliability_margins": "last"}, r"reliability_margins, got 'last' \(expected first or current\)"),
    ({"one_row_per": "user"}, r"one_row_per, got 'user' \(expected pair or vote\)"),
    ({"beliefs_use": "never"}, r"beliefs_use, got 'never' \(expected start or fixed\)"),
    ({"beliefs_use": "fixed"}, r"beliefs_use=fixed \(expected beliefs, a folder of `votewise audit`\)"),
    ({"reliability_prior": "gauss"}, r"reliability_prior, got 'gauss' \(expected fit, none or beta:C,D"),
    ({"reliability_prior": "beta:5"}, r"reliability_prior, got 'beta:5'"),
    ({"reliability_prior": "beta:5,-2"}, r"prior Beta\(5.0, -2.0\) \(expected d > 0\)"),
    ({"temperature": "0"}, r"temperature, got '0' \(expected fit or a number above 0\)"),
    ({"temperature": "hot"}, r"temperature, got 'hot'"),
    ({"temperature": float("inf")}, r"temperature, got inf"),
    ({"label_smoothing": 0.5}, r"label_smoothing, got 0.5 \(expected at least 0 and below 0.5\)"),
    ({"label_smoothing": -0.1}, r"label_smoothing, got -0.1"),
    ({"sft_weight": -1.0}, r"sft_weight, got -1.0 \(expected at least 0\)"),
    ({"sft_weight": 1.0, "preference_loss": "cpo"}, r"sft_weight, got 1.0 \(expected cpo_alpha, which weights"),
    (
        {"simpo_gamma": 0.5},
        r"simpo_gamma has no effect with preference_loss=dpo, got 0.5 \(expected preference_loss=simpo",
    ),
    ({"cpo_alpha": 0.5, "preference_loss": "simpo"}, "cpo_alpha has no effect with preference_loss=simpo"),
    ({"cpo_per_token": False}, "cpo_per_token has no effect with preference_loss=dpo"),
    ({"holder_gamma": 1.0}, r"holder_gamma has no effect with objective=weighted.*expected objective=holder"),
    ({"ropo_alpha": 6.0}, r"ropo_alpha has no effect with objective=weighted.*expected objective=ropo"),
    ({"ropo_alpha": 0.0, "objective": "ropo"}, r"ropo_alpha, got 0.0 \(expected above 0\)"),
    ({"objective": "ropo", "preference_loss": "cpo"}, r"objective=ropo \(expected preference_loss=dpo, not cpo\)"),
    ({"drdpo_beta": 2.0}, r"drdpo_beta has no effect with objective=weighted.*expected objective=drdpo"),
    ({"drdpo_beta": -1.0, "objective": "drdpo"}, r"drdpo_beta, got -1.0 \(expected above 0\)"),
    (
        {"objective": "drdpo", "per_device_train_batch_size": 1, "gradient_accumulation_steps": 8},
        r"objective=drdpo has no effect with per_device_train_batch_size=1.*expected at least 2",
    ),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED, ids=[str(s) for s, _ in REFUSED])
def test_bad_values_are_refused_with_a_message(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=message):
        make_config(tmp_path, **settings)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_good_values_pass(loss: str, objective: str, tmp_path: Path) -> None:
    if (objective in DPO_OBJECTIVES and loss != "dpo") or (objective == "score" and loss not in SCORED):
        return
    noise = 0.3 if objective in NOISE_OBJECTIVES else 0.0
    config = make_config(tmp_path, preference_loss=loss, objective=objective, label_smoothing=noise)
    assert config.loss().name == loss
    assert isinstance(config, DPOConfig)


def test_edges_that_are_allowed(tmp_path: Path) -> None:
    config = make_config(tmp_path, reliability_momentum=1, label_smoothing=0.0, sft_weight=0)
    assert (config.reliability_momentum, config.sft_weight) == (1, 0)
    assert make_config(tmp_path, preference_loss="simpo", simpo_gamma=0).simpo_gamma == 0
    assert make_config(tmp_path, preference_loss="cpo", cpo_alpha=0.0).cpo_alpha == 0


def test_the_strength_has_a_default_for_each_loss(tmp_path: Path) -> None:
    assert [make_config(tmp_path, preference_loss=loss).beta for loss in LOSSES] == [0.1, 0.1, 2.0, 0.1, 5.0]
    assert make_config(tmp_path, preference_loss="simpo", beta=0.5).beta == 0.5


def test_losses_get_their_parameters(tmp_path: Path) -> None:
    import torch

    chosen, rejected = (
        ScoredAnswers(torch.tensor([x]), torch.zeros(1), torch.tensor([n])) for x, n in ((-4.0, 2), (-9.0, 3))
    )
    simpo = make_config(tmp_path, preference_loss="simpo", beta=1.5, simpo_gamma=0.25).loss()
    torch.testing.assert_close(simpo(chosen, rejected).forward, -torch.nn.functional.logsigmoid(torch.tensor([1.25])))
    for per_token, likelihood in ((True, -2.0), (False, -4.0)):
        cpo = make_config(tmp_path, preference_loss="cpo", beta=0.2, cpo_alpha=0.5, cpo_per_token=per_token).loss()
        expected = -torch.nn.functional.logsigmoid(torch.tensor([1.0])) - 0.5 * likelihood
        torch.testing.assert_close(cpo(chosen, rejected).forward, expected)


def test_beliefs_get_their_settings(tmp_path: Path) -> None:
    config = make_config(
        tmp_path,
        reliability_init=0.8,
        reliability_update="epoch",
        reliability_margins="current",
        reliability_momentum=0.2,
        reliability_prior="beta:4,1.5",
        temperature="2.5",
        allow_worse_than_chance=True,
    )
    assert config.belief_settings() == BeliefSettings(
        init=0.8,
        update="epoch",
        margins="current",
        momentum=0.2,
        prior=Beta(4.0, 1.5),
        temperature=2.5,
        allow_worse_than_chance=True,
    )
    assert make_config(tmp_path).belief_settings() == BeliefSettings(one_annotator="filter")
    without = make_config(tmp_path, preference_loss="simpo").belief_settings()
    assert without == BeliefSettings(one_annotator="filter", reference=False)
    for settings in ({"objective": "gibbs"}, {"preference_loss": own_loss}):
        assert make_config(tmp_path, **settings).belief_settings().one_annotator == "em"


def test_the_objective_by_default_is_the_losss(tmp_path: Path) -> None:
    assert make_config(tmp_path).objective == "weighted"
    assert make_config(tmp_path, preference_loss="simpo").objective == "weighted"
    assert make_config(tmp_path, preference_loss="cpo").objective == "score"
    for settings in ({"reliability_margins": "current"}, {"reliability_update": "frozen"}, {"temperature": "1.0"}):
        assert make_config(tmp_path, preference_loss="cpo", **settings).objective == "weighted"


def test_a_prior_of_none(tmp_path: Path) -> None:
    assert make_config(tmp_path, reliability_prior="none").belief_settings().prior is None


def own_loss(preferred: ScoredAnswers, others: ScoredAnswers) -> Any:
    return -(preferred.logp - others.logp)


def test_a_function_as_loss(tmp_path: Path) -> None:
    config = make_config(tmp_path, preference_loss=own_loss)
    assert config.loss().loss is own_loss
    assert config.loss().name == "own_loss"
    assert config.loss().reference
    assert json.loads(config.to_json_string())["preference_loss"] == "own_loss"
    whole = PreferenceLoss("mine", own_loss, reference=False)
    assert make_config(tmp_path, preference_loss=whole).loss() is whole


def test_the_command_line_can_set_everything(tmp_path: Path) -> None:
    arguments = ["--output_dir", str(tmp_path), "--preference_loss", "cpo", "--beta", "1.5", "--use_cpu", "True"]
    arguments += [
        "--bf16",
        "False",
        "--temperature",
        "2",
        "--reliability_prior",
        "beta:5,2",
        "--cpo_per_token",
        "False",
    ]
    (config,) = HfArgumentParser(RobustPreferenceConfig).parse_args_into_dataclasses(arguments)
    assert (config.preference_loss, config.beta, config.cpo_per_token) == ("cpo", 1.5, False)
    assert config.belief_settings().temperature == 2.0
    assert config.belief_settings().prior == Beta(5, 2)


def test_every_setting_is_explained() -> None:
    inherited = {field.name for field in dataclasses.fields(DPOConfig)}
    own = [field for field in dataclasses.fields(RobustPreferenceConfig) if field.name not in inherited - {"beta"}]
    assert len(own) >= 16
    for field in own:
        assert len(field.metadata["help"]) > 20, field.name


def test_defaults_are_trls() -> None:
    """Except the strength, which depends on the loss, and settings that `votewise train` chooses if they are not given."""
    ours = {field.name: field for field in dataclasses.fields(RobustPreferenceConfig)}
    assert ours["precompute_ref_log_probs"].default is None
    for field in dataclasses.fields(DPOConfig):
        if field.name not in ("beta", "precompute_ref_log_probs"):
            assert ours[field.name].default == field.default, field.name
