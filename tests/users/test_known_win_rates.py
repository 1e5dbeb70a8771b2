"""How a win rate may be given, and what is refused because clicks cannot determine it."""

from __future__ import annotations

import pytest

from votewise.errors import BadInputError, NotIdentifiableError
from votewise.inference.priors import Beta
from votewise.users.known_win_rates import Bounds, GoldSample, WinRates, parse_win_rates


def test_a_number_is_kept() -> None:
    rates = WinRates.of(0.8, ["x", "y"])
    assert rates.value.tolist() == [0.8, 0.8]
    assert not rates.fitted.any()


def test_a_gold_sample_is_a_beta_prior() -> None:
    gold, beta = WinRates.of(GoldSample(160, 200), [""]), WinRates.of(Beta(161, 41), [""])
    for name in ("value", "fitted", "low", "high", "a", "b"):
        assert getattr(gold, name)[0] == getattr(beta, name)[0]
    assert gold.fitted.all()


@pytest.mark.parametrize(("prior", "low", "high"), [(Beta(8, 2), 0.5, 1.0), (Beta(2, 8), 0.0, 0.5)])
def test_a_prior_keeps_to_its_side(prior: Beta, low: float, high: float) -> None:
    rates = WinRates.of(prior, [""])
    assert low <= rates.low[0] < rates.value[0] < rates.high[0] <= high


def test_domains_have_their_own() -> None:
    rates = WinRates.of({"code": 0.9, "prose": Bounds(0.55, 0.7)}, ["prose", "code"])
    assert rates.fitted.tolist() == [True, False]
    assert rates.value[1] == 0.9


@pytest.mark.parametrize("rate", [None, 0.5, 0.5004, Beta(5, 5)])
def test_what_clicks_cannot_tell_is_refused(rate: object) -> None:
    with pytest.raises(NotIdentifiableError):
        WinRates.of(rate, [""])  # type: ignore[arg-type]


def test_bounds_around_a_half_are_refused() -> None:
    with pytest.raises(NotIdentifiableError, match="one side"):
        Bounds(0.4, 0.6)


@pytest.mark.parametrize("rate", [1.2, -0.1, True, "0.8", float("nan")])
def test_no_win_rates(rate: object) -> None:
    with pytest.raises(BadInputError, match="win rate"):
        WinRates.of(rate, [""])  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [(-1, 5), (6, 5), (0, 0)])
def test_no_gold_samples(arguments: tuple[int, int]) -> None:
    with pytest.raises(BadInputError, match="gold sample"):
        GoldSample(*arguments)


@pytest.mark.parametrize("given", [{"code": 0.8}, {"code": 0.8, "prose": 0.7, "art": 0.9}])
def test_every_domain_needs_one(given: dict) -> None:
    with pytest.raises(BadInputError, match="one for each domain"):
        WinRates.of(given, ["code", "prose"])


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("0.8", 0.8),
        (["0.8"], 0.8),
        ("160/200", GoldSample(160, 200)),
        (["beta:8,2"], Beta(8, 2)),
        ("0.55..0.7", Bounds(0.55, 0.7)),
        (0.8, 0.8),
        (Beta(8, 2), Beta(8, 2)),
        (["code=0.7", "a=b=beta:8,2"], {"code": 0.7, "a=b": Beta(8, 2)}),
        ("code=0.7", {"code": 0.7}),
        ({"code": "160/200", "prose": 0.7}, {"code": GoldSample(160, 200), "prose": 0.7}),
    ],
)
def test_texts_are_read_as_what_they_mean(given: object, meant: object) -> None:
    assert parse_win_rates(given) == meant  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["code=0.7", "code=0.8"], "a domain given twice"),
        (["0.7", "0.8"], "given twice"),
        ("often", "not a win rate, got 'often'"),
        ("1/2/3", "not a win rate"),
        ("beta:1", "not a win rate"),
    ],
)
def test_other_texts_are_refused(given: object, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parse_win_rates(given)  # type: ignore[arg-type]
