"""What the tests of fit say, in sentences: what is wrong, who is concerned, what to do, and what could have been seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from votewise.annotators.fit_tests import FitTest, FitTests
from votewise.inference.diagnostic import Diagnostic

SHORT = {
    "copying": "if a third of the annotators copied",
    "difficulty": "if pairs differed much",
    "side": "if one vote in ten followed the side",
}
ALTERNATIVE = {
    "copying": "a third of the annotators repeated one source that is right on 60% of the pairs",
    "difficulty": "pairs differed much in difficulty (log-odds of a right vote times a log-normal number, sigma 1)",
    "side": "one vote in ten went to the response shown first whatever the answers were",
}
"""What each test's power is about, in a few words and exactly."""

QUESTION = {
    "copying": "Do annotators agree more than their reliabilities explain?",
    "difficulty": "Do pairs differ in difficulty?",
    "side": "Do votes depend on what was shown first?",
}
"""What each test asks."""


def fit_findings(found: FitTests) -> Iterator[Diagnostic]:
    """A warning for the first test that found something, a note for further ones, and a note on what was tested."""
    if not found.tests:
        yield Diagnostic(
            "fit-untested", "info", f"Whether the model describes these votes was not tested: {found.untested}."
        )
        return
    warned = False
    for test in found.tests:
        if test.warns:
            text = _MESSAGES[test.name](test)
            if warned and test.name == "difficulty":
                text += " Copying alone has the same effect: look at that first."
            yield Diagnostic(f"fit-{test.name}", "info" if warned else "warning", text)
            warned = True
    yield Diagnostic("fit-tests", "info", tested(found))


def tested(found: FitTests) -> str:
    """What was tested with which p values, and what could have been seen."""
    parts = []
    for test in found.tests:
        seen = "" if test.power is None else f" ({SHORT[test.name]}, noticed {share_noticed(test)} of the time)"
        parts.append(f"{test.name} p = {test.p_value:.3g}{seen}")
    return (
        f"Tested on {found.votes:,} votes whether the model describes them: {'; '.join(parts)}. Warnings allow for the "
        "number of tests: any false alarm has a probability of 5%."
    )


def share_noticed(test: FitTest) -> str:
    """The power of a test as a share in per cent; a dash where it was not measured."""
    return "–" if test.power is None else f"{test.power:.0%}"


def _copying(test: FitTest) -> str:
    stand_out = f", most of all {_listed(test.concerned)}" if test.concerned else "; no two stand out by themselves"
    return (
        f"Some annotators agree with one another more often than their reliabilities explain (p = {test.p_value:.3g})"
        f"{stand_out}. They may copy, use one tool, or share a mistake; reliability and confidence are then too high. Read "
        "votes that they share; if they do not judge independently, audit again with them as a group: --group "
        "NAME=PATTERN, in Python groups={NAME: PATTERN}."
    )


def _difficulty(test: FitTest) -> str:
    return (
        f"Pairs differ in difficulty (p = {test.p_value:.3g}): on some, votes agree more than reliabilities explain, on "
        "others less. This concerns every pair: confidence is too high on hard pairs and too low on easy ones. Use it to "
        "rank votes, not as a probability, and collect more votes on open pairs."
    )


def _side(test: FitTest) -> str:
    stand_out = (
        f", most of all those of {_listed(test.concerned)}" if test.concerned else ", a little for many annotators"
    )
    return (
        f"Votes depend on which response was shown first more than the answers explain (p = {test.p_value:.3g}){stand_out}. "
        "Show responses in random order, and to some annotators in the other order."
    )


_MESSAGES = {"copying": _copying, "difficulty": _difficulty, "side": _side}


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{'; '.join(names[:-1])}; and {names[-1]}"
