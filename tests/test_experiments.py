"""The experiments that train: what they have in common, and each of them from beginning to end in a very small world."""

import importlib
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
pytestmark = pytest.mark.filterwarnings("ignore")
"""Warnings of other libraries; these tests are about our own."""

TEXTS = pa.table({name: [f"{name} {i}" for i in range(400)] for name in ("prompt", "response_a", "response_b")})
TRUTH = np.where(np.arange(400) % 3 > 0, 1, -1).astype(np.int8)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    return importlib.import_module


@pytest.fixture
def worlds(load: Any) -> ModuleType:
    return load("worlds")


@pytest.fixture
def run(load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run a script with its arguments and settings; returns its page."""

    def found(name: str, *words: str, pairs: int = 96, chart: bool = True, **settings: Any) -> str:
        module = load(name)
        for key, value in settings.items():
            monkeypatch.setattr(module, key, value)
        sizes = [] if name == "time_overhead" else ["--pairs", str(pairs), "--texts", "2000", "--draws", "1"]
        monkeypatch.setattr("sys.argv", [f"{name}.py", *sizes, "--workers", "1", "--out", str(tmp_path), *words])
        module.main()
        assert not chart or (tmp_path / f"{name}.svg").stat().st_size > 1000
        return (tmp_path / f"{name}.md").read_text()

    return found


# Juries


def test_a_jury_says_how_often_it_is_right_and_where_to_ask_people(load: Any) -> None:
    juries = load("juries")
    world = juries.one_world(0, 1_500)
    assert 1.8 < world.kish < 2.6
    # Standard error of a share of 1,200 pairs: .011 at most; of the fit with 300 gold about .02.
    assert abs(world.said["true model"] - world.right["true model"]) < 0.05
    assert world.said[juries.METHODS[2]] - world.right[juries.METHODS[2]] > 0.08
    # With 50 gold the standard deviation is .04, over three worlds .025; unshrunk reliabilities say .044 too much.
    few = f"jury model, {juries.GOLD[0]} gold"
    worlds = [world, *(juries.one_world(seed, 1_500) for seed in (1, 2))]
    assert abs(np.mean([one.said[few] - one.right[few] for one in worlds])) < 0.08
    random, _, model = (world.used[use, 300][0] for use in juries.USES)
    assert model > random


def test_how_sure_a_jury_is_has_an_interval(load: Any) -> None:
    low, high = load("jury_intervals").one_jury(0, 60)
    assert 0.5 < low < high <= 1
    assert high - low > 0.02


def test_leaving_out_others_uncertainty_makes_intervals_narrower(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    crowds = load("large_crowds_in_groups")
    monkeypatch.setattr(crowds, "ANNOTATORS", 60)
    monkeypatch.setattr(crowds, "MEMBERS", 20)
    small = crowds.one_data_set(0, (20, 3))
    assert small["alone width"] == small["all width"]
    monkeypatch.setattr(crowds.shared_error_scores, "MOST_PARAMETERS", 1)
    large = crowds.one_data_set(0, (20, 3))
    assert large["alone width"] < large["all width"] == small["all width"]


# Campaigns


def test_what_fixed_redundancy_needs_lies_between_the_numbers_that_were_tried(load: Any) -> None:
    campaigns = load("campaigns")
    # The log of the error falls by 1/2 a vote: exp(-1.5), exp(-2.5), ...
    right = [1 - np.exp(-number / 2) for number in campaigns.FIXED]
    for votes in (3.0, 6.2, 12.0, 14.0):
        assert campaigns.fixed_votes_for(1 - np.exp(-votes / 2), right) == pytest.approx(votes)


def test_the_jackknife_of_a_mean_is_its_standard_error(load: Any) -> None:
    values = np.array([1.0, 4.0, 2.0, 8.0])
    mean, error = load("campaigns").with_error(lambda used: float(values[used].mean()), 4)
    assert mean == pytest.approx(3.75)
    assert error == pytest.approx(values.std(ddof=1) / 2)


def test_a_campaign_is_the_same_world_under_every_rule(load: Any) -> None:
    campaigns = load("campaigns")
    world, rule = next(iter(campaigns.WORLDS)), next(iter(campaigns.RULES))
    stop, fixed = (campaigns.one_campaign((world, how, 0), 60) for how in (rule, 12))
    assert fixed.votes == 12
    assert stop.votes < 8
    assert stop.checked.audits > 0


# Groups


def test_annotators_who_err_together_are_believed_as_often_as_they_are_right(load: Any) -> None:
    """Of a data set, said less right has a standard deviation of .01 and the mean error of the group one of .02."""
    together = load("err_together")
    names = list(together.WORLDS)
    judges, copies = (together.one_data_set(0, world) for world in (names[0], names[-1]))
    for found in (judges, copies):
        assert found["without"]["said"] - found["without"]["right"] > 0.08
        assert abs(found["with"]["said"] - found["with"]["right"]) < 0.045
        assert abs(found["with"]["error together"]) < 0.09
    assert 1.5 < judges["with"]["effective"] < 3.0
    assert copies["with"]["effective"] < 1.1


# What they have in common


def test_win_rate_is_half_the_gain_above_a_half(worlds: ModuleType) -> None:
    after, before = np.random.default_rng(0).random((2, 50))
    assert worlds.win_rate(after, before) == pytest.approx(0.5 + (after - before).mean() / 2)
    assert worlds.win_rate(np.ones(3), np.zeros(3)) == 1
    assert worlds.win_rate(before, before) == pytest.approx(0.5)


@pytest.mark.parametrize("noise", [0, 0.1, 0.4])
def test_a_crowd_is_wrong_as_often_as_told(worlds: ModuleType, noise: float) -> None:
    reliability = worlds.mixed_annotators(noise, seed=3)
    assert len(reliability) == worlds.ANNOTATORS
    assert 1 - reliability.mean() == pytest.approx(noise)
    assert ((reliability >= 0) & (reliability <= 1)).all()
    assert (reliability.std() > noise / 2) == (noise > 0)


def test_votes_of_a_better_crowd_are_wrong_where_those_of_a_worse_one_are(worlds: ModuleType) -> None:
    better, worse = (worlds.vote(TEXTS, TRUTH, worlds.mixed_annotators(noise), seed=1) for noise in (0.1, 0.3))
    np.testing.assert_array_equal(better.votes.annotator, worse.votes.annotator)
    assert set(np.bincount(better.votes.annotator)) == {10}
    assert (worse.correct <= better.correct).all()
    np.testing.assert_array_equal(worse.votes.sign == TRUTH, worse.correct)
    # 400 votes, each wrong with 0.3 on average: outside of 5 standard deviations once in two million seeds.
    assert abs(1 - worse.correct.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 400)


def test_without_names_the_votes_are_the_same(worlds: ModuleType) -> None:
    cast = worlds.vote(TEXTS, TRUTH, worlds.mixed_annotators(0.2), seed=1)
    alone = worlds.nameless(cast)
    np.testing.assert_array_equal(alone.votes.sign, cast.votes.sign)
    assert alone.votes.n_annotators == 1
    assert alone.reliability == pytest.approx([cast.correct.mean()])


def test_copies_are_everybody_on_everything(worlds: ModuleType) -> None:
    cast = worlds.vote_on_copies(TEXTS, TRUTH, np.array([1.0, 0.0]))
    assert len(cast.votes) == 800
    np.testing.assert_array_equal(cast.correct, cast.votes.annotator == 0)
    np.testing.assert_array_equal(cast.votes.sign[cast.votes.annotator == 1], -TRUTH)


def test_intervals_are_students(worlds: ModuleType) -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 7)
    found = worlds.interval(values)
    low, high = stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), low, high))
    assert f"{worlds.Interval(0.123, 0.1, 0.15):+}" == "+12.3 (+10.0 to +15.0)"
    assert f"{worlds.interval([0.5])}" == worlds.plus_minus([0.5]) == "50.0"


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([0.1, 0.11, 0.12], "holds"),
        ([-0.1, -0.11, -0.12], "the opposite"),
        ([-0.1, 0.1, 0], "undecided"),
        ([1], "undecided"),
    ],
)
def test_verdicts(worlds: ModuleType, values: list[float], word: str) -> None:
    assert worlds.verdict(values) == word


def test_what_needs_no_run_of_its_own(load: Any) -> None:
    noise = load("noise")
    assert (
        noise.as_run(noise.CLEAN, 40) == noise.as_run(noise.RDPO, 0) == noise.as_run(noise.PLAIN, 0) == (noise.PLAIN, 0)
    )
    told, wrong = noise.as_run(noise.SMOOTHED, 20)
    assert (told.settings["label_smoothing"], wrong) == (0.2, 20)
    assert noise.as_run(noise.HOLDER, 0) == (noise.HOLDER, 0)


def test_clicks_of_some_users_keep_their_texts(load: Any) -> None:
    clicks = load("clicks")
    found = clicks.click(TEXTS, TRUTH, 20, "two-point:0.5,0,1", 0)
    casual, attentive = found.rho < 0.5, found.rho > 0.5
    assert set(np.bincount(found.cast.votes.annotator)) == {20}
    part = clicks.only(found.cast, attentive)
    assert part.correct.all()
    assert len(part.votes) == 20 * attentive.sum()
    whole = dict(zip(TEXTS["prompt"].to_pylist(), TRUTH.tolist(), strict=True))
    shown = [whole[text] for text in part.votes.texts["prompt"].to_pylist()]
    np.testing.assert_array_equal(shown, part.truth)
    np.testing.assert_array_equal(part.votes.sign, part.truth)
    np.testing.assert_array_equal(part.reliability, np.ones(attentive.sum()))
    assert not clicks.oracle(found.rho, attentive.mean())[casual].any()


def test_attentive_users_are_kept(load: Any) -> None:
    clicks = load("clicks")
    better = np.where(np.random.default_rng(0).random(6000) < 0.9, 1, -1).astype(np.int8)
    texts = pa.table({name: [f"{i}" for i in range(6000)] for name in TEXTS.column_names})
    found = clicks.click(texts, better, 60, "two-point:0.4,0.1,0.95", 0)
    # 100 clicks a user tell 0.1 from 0.95 at a win rate of 0.9 by more than eight standard deviations.
    assert (found.kept[0.4] <= (found.rho > 0.5)).all()
    assert np.corrcoef(found.estimate, found.rho)[0, 1] > 0.9


# From beginning to end


@pytest.mark.slow
def test_noise(run: Any) -> None:
    page = run("noise", "--losses", "dpo", "--noise", "40")
    assert "dpo, Hölder-DPO" in page
    assert "RE-DPO over rDPO" in page
    assert "undecided" in page


@pytest.mark.slow
def test_reliability_recovery(run: Any) -> None:
    page = run("reliability_recovery", NOISE=(40,), START=(0.8,))
    assert "annotator 2" in page
    assert "votewise, prior fitted" in page


@pytest.mark.slow
def test_ablation(run: Any) -> None:
    page = run("ablation", PAPER={(0.9, 0.1): 35.5, (0.9, 1.0): 31.1}, STARTS=(0.9,), RATES=(0.1, 1.0))
    assert "as published, eta_0 0.9, alpha 1" in page


@pytest.mark.slow
def test_lowest_confidence(run: Any, tmp_path: Path) -> None:
    page = run("lowest_confidence", DATA=tmp_path / "absent", AMONG=(5, 10, 20))
    assert "Skipped" in page
    assert "least 20, %" in page


@pytest.mark.slow
def test_users_filter(run: Any) -> None:
    page = run(
        "users_filter", "--users", "8", "--priors", "Beta(6, 2)", "--texts", "20000", pairs=64, GAPS=("not trained",)
    )
    assert "filter + weighted" in page
    assert "strong against not trained" in page


@pytest.mark.slow
def test_time_overhead(run: Any) -> None:
    assert "RE-cpo" in run("time_overhead", "--steps", "1", LOSSES=("cpo",), PAIRS=64)


@pytest.mark.slow
def test_a_model_of_ones_own(run: Any, tmp_path: Path) -> None:
    from tiny import make_model, make_tokenizer

    make_model().save_pretrained(tmp_path / "model")
    make_tokenizer().save_pretrained(tmp_path / "model")
    rows = [{"prompt": f"w{i // 2} ", "chosen": f"w{i % 7}", "rejected": f"w{1 + i % 5} w3"} for i in range(60)]
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    own = ["--model", str(tmp_path / "model"), "--data", str(data), "--max-steps", "2"]
    assert "Accuracy of the implicit reward" in run("noise", "--losses", "simpo", "--noise", "40", *own)


def test_a_file_that_cannot_be_read_is_one_line(run: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="absent"):
        run("noise", "--model", "none", "--data", str(tmp_path / "absent.jsonl"))
    with pytest.raises(SystemExit, match="go together"):
        run("noise", "--model", "none")


# Policies side by side


@pytest.fixture
def side(load: Any) -> ModuleType:
    return load("side_by_side")


@pytest.mark.parametrize("name", ["linear", "power law", "network"])
def test_a_small_policy_starts_as_the_reference(load: Any, name: str) -> None:
    judged = load("small_worlds").SmallWorld(name, 0, pairs=50).policies(2).judge()
    np.testing.assert_allclose(judged.kl, 0, atol=1e-6)
    np.testing.assert_allclose(judged.win_rate, 0.5, atol=1e-6)


def test_a_language_model_is_scored_as_it_scores_itself(load: Any) -> None:
    """Against the model's own logits, one answer at a time and without padding; gradients, too."""
    import torch

    from votewise.demo.tiny_model import EOS

    world = load("fact_worlds").FactWorld(0, 40, 2000)
    policies = world.policies(2)
    first, second = policies.answers(torch.arange(8))
    texts, model, own = world.world.cast.votes.texts, world.world.model, []
    for answers, column in ((first, "response_a"), (second, "response_b")):
        for i in range(8):
            text = f"{texts['prompt'][i].as_py()}{texts[column][i].as_py()}{EOS}"
            ids = torch.tensor([world.world.tokenizer(text)["input_ids"]])
            log_p = model(ids).logits.log_softmax(-1)[0]
            own.append(sum(log_p[at - 1, ids[0, at]] for at in range(ids.shape[1] - 3, ids.shape[1])))
            np.testing.assert_allclose(answers.logp[:, i].detach(), float(own[-1]), rtol=1e-4)
            np.testing.assert_allclose(answers.reference[:, i], float(own[-1]), rtol=1e-4)
    weight = torch.arange(1.0, 17)
    model.zero_grad()
    (torch.stack(own) @ weight).backward()
    (torch.cat([first.logp, second.logp], 1) @ weight).sum().backward()
    for name, parameter in model.named_parameters():
        for run in policies.stacked[name].grad:
            np.testing.assert_allclose(run, parameter.grad, rtol=1e-3, atol=1e-4)
    judged = policies.judge()
    np.testing.assert_allclose(judged.kl, 0, atol=1e-6)
    np.testing.assert_allclose(judged.win_rate, 0.5, atol=1e-6)


@pytest.mark.parametrize("loss", ["dpo", "ipo"])
def test_one_annotator_who_is_often_wrong_costs_no_more_than_without_beliefs(
    load: Any, side: ModuleType, loss: str
) -> None:
    """40% wrong: beliefs that confirmed themselves once cost IPO twelve points of win rate here. Gains differ by 1.5 points
    between worlds, and five standard errors of the mean of two are 5.3: a false alarm in a million."""
    gained = []
    for seed in (0, 1):
        world = load("small_worlds").SmallWorld("linear", seed)
        one = next(iter(side.CROWDS))
        runs = [side.Run("", "plain", 0.01, 0.4, one), side.Run("", "weighted", 0.01, 0.4, one, "first")]
        plain, ours = side.train(world, runs, loss=loss).win_rate
        gained.append(ours - plain)
    assert np.mean(gained) > -0.053


def test_simpo_learns_from_one_annotator_whose_votes_are_all_right(load: Any, side: ModuleType) -> None:
    """Its margins are large from the start and say nothing; beliefs that took them for evidence once cost twelve points of
    win rate here, and now cost two. Gains differ by one point between worlds: a false alarm in a million."""
    gained = []
    for seed in (0, 1):
        world = load("small_worlds").SmallWorld("network", seed)
        one = next(iter(side.CROWDS))
        runs = [side.Run("", "plain", 3.0, 0.0, one), side.Run("", "weighted", 3.0, 0.0, one, "first")]
        plain, ours = side.train(world, runs, loss="simpo").win_rate
        gained.append(ours - plain)
    assert np.mean(gained) > -0.055


@pytest.mark.parametrize("per_pair", [1, 3])
def test_side_by_side_votes_are_everybodys_share(load: Any, side: ModuleType, per_pair: int) -> None:
    world = load("small_worlds").SmallWorld("linear", 0, pairs=400)
    crowd = next(name for name, size in side.CROWDS.items() if size == (40, per_pair))
    votes, reliability = side.cast(world, 0.36, crowd)
    assert set(np.bincount(votes.annotator)) == {400 * per_pair // 40}
    assert len(set(zip(votes.pair.tolist(), votes.annotator.tolist(), strict=True))) == 400 * per_pair
    wrong = (votes.sign != world.truth[votes.pair]).mean()
    # 400 votes or more: five standard errors, a false alarm in a million.
    assert wrong == pytest.approx(0.36, abs=5 * 0.48 / np.sqrt(400 * per_pair))
    assert 1 - reliability.mean() == pytest.approx(0.36)


def test_side_by_side_runs_are_runs_by_themselves(load: Any, side: ModuleType) -> None:
    """And plain training on clean labels is one line of torch."""
    import torch

    world = load("small_worlds").SmallWorld("linear", 1, pairs=256)
    one, crowd, _ = side.CROWDS
    runs = [
        side.Run("plain", "plain", 0.1, 0.0, one),
        side.Run("ours", "weighted", 0.3, 0.3, crowd, "first"),
        side.Run("published", "gibbs", 0.3, 0.3, crowd, "current"),
        side.Run("score", "score", 0.1, 0.3, one),
        side.Run("score", "score", 0.1, 0.3, crowd, "first"),
        side.Run("told", "weighted", 0.3, 0.3, crowd, "true"),
        side.Run("coins", "weighted", 0.3, 0.3, crowd, "two coins"),
    ]
    together = side.train(world, runs, epochs=2)
    for i, run in enumerate(runs):
        alone = side.train(world, [run], epochs=2)
        np.testing.assert_allclose([values[i] for values in together], [values[0] for values in alone], atol=1e-5)

    x = world._drawn[0]
    weights = torch.zeros(x.shape[-1], requires_grad=True)
    optimizer = torch.optim.AdamW([weights], lr=world.rate, weight_decay=0.0)
    steps = list(side.batches(256, 2, 1))
    for step, (_, pairs) in enumerate(steps):
        optimizer.param_groups[0]["lr"] = world.rate * (0.5 + 0.5 * np.cos(np.pi * step / len(steps)))
        sign = torch.tensor(world.truth[pairs].astype(np.float32))
        loss = -torch.nn.functional.logsigmoid(0.1 * sign * ((x[pairs, 0] - x[pairs, 1]) @ weights)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    policies = world.policies(1)
    policies.layers[0].data = weights.detach()[None, :, None]
    np.testing.assert_allclose([v[0] for v in policies.judge()], [v[0] for v in together], atol=1e-4)


@pytest.mark.parametrize("crowd", [0, 2])
def test_of_ipo_side_by_side_believes_what_the_trainer_does(
    side: ModuleType, load: Any, crowd: int, tmp_path: Path
) -> None:
    """The same confidences step by step: of a crowd by a running variance of the squares, of one annotator by the filter."""
    import torch

    from votewise.train import RobustPreferenceConfig, ScoredAnswers, TrainingBeliefs
    from votewise.train.batch_votes import BatchVotes

    world = load("small_worlds").SmallWorld("linear", 2, pairs=120)
    named = list(side.CROWDS)[crowd]
    votes, reliability = side.cast(world, 0.3, named)
    args = RobustPreferenceConfig(str(tmp_path), preference_loss="ipo", beta=0.2, use_cpu=True, bf16=False)
    rows: Any = SimpleNamespace(side=np.ones(120), pair=np.arange(120), share=None, weight=None)
    trainer = BatchVotes(rows, TrainingBeliefs(votes, args.belief_settings()), args, args.loss())
    run = side.Run("ours", "weighted", 0.2, 0.3, named, "first")
    ours = side.Beliefs(run, votes, reliability, side.make_losses("ipo", 0.2))
    rng = np.random.default_rng(0)
    for pairs in np.split(rng.permutation(120), 6):
        logp = torch.tensor(rng.standard_normal((2, 20)), dtype=torch.float32)
        answers = [ScoredAnswers(part, torch.zeros(20), torch.ones(20)) for part in logp]
        losses, side_by_side = args.loss()(*answers), side.make_losses("ipo", torch.tensor([[0.2]]))(*answers)
        np.testing.assert_allclose(side_by_side.margin[0], losses.margin, rtol=1e-6)
        margins = losses.margin.double().numpy()
        weight = trainer.confidence(losses, pairs.tolist())
        np.testing.assert_allclose(ours.confidence(pairs, margins, margins), weight, atol=1e-6)
        residuals = (weight * losses.forward + (1 - weight) * losses.reverse).double().numpy()
        trainer.absorb(pairs.tolist(), margins, residuals)
        ours.absorb(pairs, margins, residuals)
        assert ours.learnt.variance == trainer.beliefs.variance > 0
        assert ours.mean_trust == trainer.trust < 1


def test_two_coins_are_told_apart_before_training(side: ModuleType, load: Any) -> None:
    from votewise import estimate_two_coins

    world = load("small_worlds").SmallWorld("linear", 3, pairs=1200)
    crowd = next(name for name in side.CROWDS if "three" in name)
    votes, reliability = side.cast(world, 0.36, crowd)
    run = side.Run("coins", "weighted", 0.1, 0.36, crowd, "two coins")
    beliefs = side.Beliefs(run, votes, reliability, side.make_losses("dpo", 0.1))
    pairs, margins = np.arange(1200), np.zeros(1200)
    before = beliefs.confidence(pairs, margins, margins)
    np.testing.assert_array_equal(before, estimate_two_coins(votes).p_a)
    beliefs.absorb(pairs, 9 * world.truth)
    np.testing.assert_array_equal(beliefs.confidence(pairs, 5 * world.truth, margins), before)
    # A majority of three votes is right 0.70 of the time: five standard errors above it.
    assert ((before > 0.5) == (world.truth > 0)).mean() > 0.70 + 5 * np.sqrt(0.7 * 0.3 / 1200)


def test_the_easiest_pairs_are_those_of_models_that_saw_others(
    side: ModuleType, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from votewise.train.selective import easiest

    easy = load("easiest_pairs")
    world = load("small_worlds").SmallWorld("linear", 4, pairs=600)
    one = next(iter(side.CROWDS))
    runs = [side.Run("easiest", "plain", beta, 0.2, one) for beta in (0.1, 1.0)]
    (losses,) = easy.held_out_losses(world, runs[:1])
    votes, _ = side.cast(world, 0.2, one)
    wrong = votes.sign != world.truth
    # A model that saw 300 other pairs does not fit a wrong vote: losses of 120 and 480 votes, five standard errors apart.
    assert stats.ttest_ind(losses[wrong], losses[~wrong], equal_var=False).statistic > 5
    taken: list[Any] = []
    real = side.Training.train

    def train(self: Any, steps: Any) -> Any:
        taken.append(steps)
        return real(self, steps)

    monkeypatch.setattr(side.Training, "train", train)
    judged = easy.train_easiest(world, runs, 2)
    assert len(taken) == 6 + 1
    half = easiest(losses, 0.5)
    for epoch in (0, 1):
        found = np.concatenate([pairs for number, pairs in taken[-1] if number == epoch])
        np.testing.assert_array_equal(found, half)
    assert (judged.accuracy > 0.6).all()


def test_the_best_beta_and_what_others_lose(load: Any) -> None:
    values = np.array([[[0.5, 0.7], [0.8, 0.8], [0.7, 0.7], [0.6, 0.6]]] * 3)
    curve = load("frontier_tables").Curve((0.01, 0.03, 0.1, 0.3), *values)
    assert curve.best == 1
    assert curve.off(1) == pytest.approx(0.2)
    assert curve.off(2) == pytest.approx(0.2)
    assert curve.off(3) == 0.0


def test_frontier(run: Any, load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parts = load("frontier_cells")
    methods = {
        name for world in ("facts", "linear") for names in parts.cells(world, "dpo", 1).values() for name in names
    }
    assert methods == set(parts.METHODS)
    monkeypatch.setattr(load("side_by_side"), "BATCH", 32)
    monkeypatch.setattr(parts, "BETAS", (0.1, 0.3))
    words = ("--worlds", "linear", "--keep", str(tmp_path / "kept"))
    page = run("frontier", *words, pairs=64, SCALES={"dpo": 1.0, "cpo": 1.0})
    assert "DPO, 4 epochs, one annotator." in page
    assert "CPO, one epoch, 40 annotators, one vote a pair." in page
    for name in ("votewise score", "Selective DPO", "two-coin annotators"):
        assert f"| {name} |" in page
    assert page.startswith("DPO: share of the gap between plain training and clean labels that is closed")
    # Nothing is measured again where results are kept, and the page is the same.
    again = run("frontier", *words, pairs=64, SCALES={"dpo": 1.0, "cpo": 1.0}, train=None)
    assert again == page


def test_pretrained_world(load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From votes about made-up arguments to a page, with a model of 20,000 weights in the place of a pre-trained one."""
    world = load("arguments_world")
    source = tmp_path / "votes.parquet"
    rng = np.random.default_rng(0)
    rows = []
    for question in range(4):
        for side in ("yes", "no"):
            texts = {f"{'good' if good else 'bad'} reason {i} for {side}": good for i, good in enumerate([1, 0] * 3)}
            for number, (one, two) in enumerate((a, b) for a in texts for b in texts if texts[a] != texts[b]):
                gold = "a" if texts[one] else "b"
                for voter in rng.choice(12, 3, replace=False):
                    label = gold if rng.random() < 0.8 else "b" if gold == "a" else "a"
                    pair = {"pair": f"{question}{side}{number}", "prompt": f"Q{question} Stance: {side}", "gold": gold}
                    rows.append(pair | {"response_a": one, "response_b": two, "annotator": f"w{voter}", "label": label})
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.Table.from_pylist(rows), source)
    corpus = world.read_corpus(source)
    assert (len(corpus.argument), len(corpus.pairs), len(corpus.votes)) == (48, 144, 432)
    make = load("train_real_votes").make_model
    votes = load("train_real_votes").read_votes(source)
    make(votes, tmp_path / "model", width=16)
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    file = tmp_path / "model" / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"chat_template": template}))
    reader = world.Reader(tmp_path / "model", corpus)
    _is_the_model(reader, corpus, tmp_path / "model", world)
    for module in ("pretrained", "arguments_world"):
        monkeypatch.setattr(load(module), "DATA", source)
    monkeypatch.setattr(world.read_corpus, "__defaults__", (source,))
    words = [
        "--model",
        str(tmp_path / "model"),
        "--keep",
        str(tmp_path / "kept"),
        "--out",
        str(tmp_path),
        "--workers",
        "1",
    ]
    monkeypatch.setattr("sys.argv", ["pretrained.py", *words, "--rate", "0.01", "--draws", "2"])
    load("pretrained").main()
    page = (tmp_path / "pretrained.md").read_text()
    assert page.startswith("Win rate on held-out debates")
    assert "| votewise, all votes |" in page
    kept = (tmp_path / "kept" / "0-1-0.01.jsonl").read_text()
    load("pretrained").main()
    assert (tmp_path / "kept" / "0-1-0.01.jsonl").read_text() == kept


def _is_the_model(reader: Any, corpus: Any, folder: Path, world: Any) -> None:
    """The log-probabilities of the last layer are the whole model's, given that only words of the arguments occur."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    before, answer = world.Reader._tokens(tokenizer, corpus.prompt[5], corpus.argument[5])
    with torch.no_grad():
        logits = model(torch.tensor([before + answer])).logits[0, len(before) - 1 : -1]
        found = reader.logp(reader.layer, torch.tensor([5]))
    words = sorted(
        {
            token
            for p, a in zip(corpus.prompt, corpus.argument, strict=True)
            for token in world.Reader._tokens(tokenizer, p, a)[1]
        }
    )
    log_p = logits[:, words].log_softmax(-1)
    expected = sum(float(row[words.index(token)]) for row, token in zip(log_p, answer, strict=True))
    assert float(found) == pytest.approx(expected, abs=1e-4)


def test_filter_error(run: Any) -> None:
    page = run("filter_error", "--facts", "0", chart=False)
    assert page.startswith("Mean error of the reliability at 0, 10, 20, 30 and 40% wrong votes:")
    assert "| power law |" in page
