"""Judges with known errors on a scripted server: votes, orders, resuming, failures, costs."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from known_judges import FAST, always_first, reply_by, right_except, seen, write_pairs
from scripted import Reply, refused, said, scripted_server

import votewise
from shell import process
from votewise.cli.printing.judge import print_plan
from votewise.errors import BadInputError
from votewise.judge import JudgeModel
from votewise.storage.journal import journal_records


def judged(pairs: Path, url: str, *models: str, **options: Any) -> votewise.JudgeResult:
    return votewise.judge(pairs, judge=models or ("m",), base_url=url, **FAST | options)


def rows_of(result: votewise.JudgeResult) -> dict[tuple[str, int, str, int], str]:
    """(judge, pair, order, repeat) -> which answer the label names: good, poor or tie."""
    found = {}
    for row in result.votes.to_pylist():
        text = {"a": row["response_a"], "b": row["response_b"]}.get(row["label"], "tie")
        key = (row["annotator"], int(row["prompt"].split()[1]), row["order"], row["repeat"])
        assert key not in found
        found[key] = text.split()[0]
    return found


def test_votes_say_what_each_judge_said_in_both_orders(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 6)
    rules = {"fair": right_except(2, 5), "biased": always_first, "ties": lambda pair, first: "tie"}
    with scripted_server(reply_by(**rules)) as server:
        result = judged(pairs, server.url, *rules, out=tmp_path / "votes.jsonl")
        assert len(server.requests) == 36
        assert all(request["temperature"] == 0 for request in server.requests)
    said_ = rows_of(result)
    for pair in range(6):
        for order in ("given", "swapped"):
            assert said_["fair", pair, order, 1] == ("poor" if pair in (2, 5) else "good")
            first = (pair % 2 == 0) == (order == "given")
            assert said_["biased", pair, order, 1] == ("good" if first else "poor")
            assert said_["ties", pair, order, 1] == "tie"
    assert set(result.votes["reason"].to_pylist()) == {"Because."}
    assert [(c.votes, c.unreadable, c.failed, c.open) for c in result.counts] == [(12, 0, 0, 0)] * 3


def test_the_audit_reads_the_votes_with_the_judges_positions(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 40)
    rules = {"fair": right_except(2), "good": right_except(7, 11), "biased": always_first}
    with scripted_server(reply_by(**rules)) as server:
        judged(pairs, server.url, *rules, out=tmp_path / "votes.parquet")
    audit = votewise.audit(tmp_path / "votes.parquet")
    assert audit.votes.reading is not None
    assert (audit.votes.reading.format, audit.votes.reading.kept, audit.votes.reading.rejected) == ("plain", 240, 0)
    assert audit.votes.n_pairs == 40
    rows = {row["annotator"]: row for row in audit.reliability.annotators.to_pylist()}
    assert rows["biased"]["flag"] == "position-biased"
    assert rows["fair"]["reliability"] > 0.85 > 0.7 > rows["biased"]["reliability"]
    # Two orders of one judge are one vote's worth.
    assert audit.votes.weight is not None
    assert audit.votes.weight.sum() == pytest.approx(120)


def test_repeats_are_kept_apart(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 3)
    with scripted_server(reply_by(m=right_except())) as server:
        result = judged(pairs, server.url, repeats=2, out=tmp_path / "votes.jsonl")
        assert {request["seed"] for request in server.requests} == {0, 1}
    assert len(rows_of(result)) == 12
    votes = votewise.read_votes(tmp_path / "votes.jsonl")
    assert len(votes) == 12
    assert set(result.votes["weight"].to_pylist()) == {0.25}


def test_one_order_shows_pairs_as_they_are_given(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 4)
    with scripted_server(reply_by(m=right_except())) as server:
        result = judged(pairs, server.url, one_order=True)
        assert sorted(seen(request) for request in server.requests) == [(i, i % 2 == 0) for i in range(4)]
    assert set(result.votes["order"].to_pylist()) == {"given"}


def test_a_reply_without_a_verdict_is_asked_for_once_more_and_then_counted(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 4)

    def reply(request: dict[str, Any], before: int) -> Reply:
        pair, first = seen(request)
        second = request["seed"] != 0
        if pair == 1 or (pair == 2 and not second):
            return said("On the one hand", reason="length")
        return said(f"Verdict: {1 if first else 2}")

    with scripted_server(reply) as server:
        result = judged(pairs, server.url, out=tmp_path / "votes.jsonl")
        again = [request for request in server.requests if request["seed"] != 0]
        assert sorted(seen(request)[0] for request in again) == [1, 1, 2, 2]
        assert all(request["temperature"] == 0.5 for request in again)
        assert (result.counts[0].votes, result.counts[0].unreadable) == (6, 2)
        before = len(server.requests)
        assert judged(pairs, server.url, out=tmp_path / "votes.jsonl").counts == result.counts
        assert len(server.requests) == before
    assert "On the one hand" in (tmp_path / "votes.jsonl.journal").read_text(encoding="utf-8")
    assert {pair for _, pair, _, _ in rows_of(result)} == {0, 2, 3}


def test_a_failed_question_is_no_vote_and_is_asked_again_by_the_next_run(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 3)
    broken = threading.Event()
    broken.set()
    fair = reply_by(m=right_except())

    def reply(request: dict[str, Any], before: int) -> Reply:
        return refused(400, "too long") if broken.is_set() and seen(request)[0] == 1 else fair(request, 0)

    with scripted_server(reply) as server:
        result = judged(pairs, server.url, out=tmp_path / "votes.jsonl")
        assert (result.counts[0].votes, result.counts[0].failed) == (4, 2)
        assert result.errors == {"status 400: too long": 2}
        broken.clear()
        before = len(server.requests)
        healed = judged(pairs, server.url, out=tmp_path / "votes.jsonl")
        assert len(server.requests) == before + 2
    assert (healed.counts[0].votes, healed.counts[0].failed, healed.resumed) == (6, 0, 4)


def test_a_judge_that_hangs_fails_alone(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 3)
    never = threading.Event()
    fair = reply_by(good=right_except(), slow=right_except())

    def reply(request: dict[str, Any], before: int) -> Reply:
        found = fair(request, before)
        return replace(found, wait=never) if request["model"] == "slow" and seen(request)[0] > 0 else found

    with scripted_server(reply) as server:
        result = judged(pairs, server.url, "good", "slow", timeout=0.3, retries=0)
        never.set()
    good, slow = result.counts
    assert good.votes == 6
    assert slow.votes <= 2
    assert slow.failed + slow.open == 6 - slow.votes


def test_a_judge_that_cannot_be_asked_stops_alone(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 3)
    fair = reply_by(good=right_except())

    def reply(request: dict[str, Any], before: int) -> Reply:
        return refused(404, "no such model") if request["model"] == "gone" else fair(request, before)

    with scripted_server(reply) as server:
        result = judged(pairs, server.url, "good", "gone", out=tmp_path / "votes.jsonl")
        assert list(result.stopped) == ["gone"]
        assert "no such model" in result.stopped["gone"]
        assert [c.votes for c in result.counts] == [6, 0]
        with pytest.raises(BadInputError, match="no such model"):
            judged(pairs, server.url, "gone")


def test_a_new_judge_and_a_new_rubric_ask_only_what_is_new(tmp_path: Path) -> None:
    pairs, out = write_pairs(tmp_path / "pairs.jsonl", 3), tmp_path / "votes.jsonl"
    (tmp_path / "rubric.txt").write_text("The shorter one is better.", encoding="utf-8")
    with scripted_server(reply_by(m=right_except(), n=always_first)) as server:
        first = judged(pairs, server.url, "m", out=out)
        judged(pairs, server.url, "m", "n", out=out)
        assert [request["model"] for request in server.requests[6:]] == ["n"] * 6
        judged(pairs, server.url, "m", out=out, rubric=tmp_path / "rubric.txt")
        assert len(server.requests) == 18
        assert "The shorter one is better." in server.requests[-1]["messages"][0]["content"]
        assert judged(pairs, server.url, "m", out=out).votes.equals(first.votes)
        judged(pairs, server.url, "m", out=out, repeats=2)
        assert len(server.requests) == 24
        judged(pairs, server.url, "m", out=out, restart=True)
        assert len(server.requests) == 30


def test_an_interrupted_run_resumes_and_ends_with_the_same_file(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 6)

    class Stop:
        def stage(self, description: str) -> None: ...
        def step(self, what: str, steps: int, movement: float) -> None: ...
        def rows(self, done: int, total: int | None) -> None: ...
        def count(self, what: str, done: int, total: int, tokens: int, seconds: float) -> None:
            assert total == 24
            if done == 7:
                raise KeyboardInterrupt

    with scripted_server(reply_by(m=right_except(1), n=always_first)) as server:
        judged(pairs, server.url, "m", "n", out=tmp_path / "whole.jsonl")
        with pytest.raises(KeyboardInterrupt):
            judged(pairs, server.url, "m", "n", out=tmp_path / "votes.jsonl", progress=Stop())
        assert not (tmp_path / "votes.jsonl").exists()
        result = judged(pairs, server.url, "m", "n", out=tmp_path / "votes.jsonl")
        # 24 + 24, and what was on its way when the run was stopped.
        assert len(server.requests) <= 48 + 8
    assert result.resumed >= 7
    assert (tmp_path / "votes.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


@pytest.mark.slow
def test_a_killed_run_resumes_and_ends_with_the_same_file(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 8)
    hold = threading.Event()
    fair = reply_by(m=right_except(1))

    def reply(request: dict[str, Any], before: int) -> Reply:
        found = fair(request, before)
        return found if len(server.requests) < 7 or hold.is_set() else replace(found, wait=hold)

    words = ["judge", str(pairs), "--judge", "m", "--concurrency", "2", "--out", str(tmp_path / "votes.jsonl")]
    with scripted_server(reply) as server:
        command = process(*words, "--base-url", server.url)
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        journal = tmp_path / "votes.jsonl.journal"
        for _ in range(600):
            if journal.exists() and journal.read_bytes().count(b"\n") >= 6:
                break
            time.sleep(0.1)
        running.send_signal(signal.SIGKILL)
        running.wait()
        hold.set()
        assert not (tmp_path / "votes.jsonl").exists()
        before = len(server.requests)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        assert len(server.requests) - before <= 16 - 5
        judged(pairs, server.url, out=tmp_path / "whole.jsonl")
    assert (tmp_path / "votes.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_not_a_single_vote_is_an_error(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 2)
    with (
        scripted_server(lambda request, _: said("hm")) as server,
        pytest.raises(
            BadInputError,
            match=r"not a single vote on 2 pairs: no reply has a verdict; .* in v\.jsonl\.journal",
        ),
    ):
        judged(pairs, server.url, out=tmp_path / "v.jsonl")


def test_cost_is_counted_and_limited(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 10)
    # A reply has 1 token in and 10 out: 1 + 100 = 101 millionths of 10^4 each.
    priced = JudgeModel("m", "m", price_in=1e4, price_out=1e5)
    options: dict[str, Any] = {**FAST, "concurrency": 1, "max_tokens": 10, "out": tmp_path / "votes.jsonl"}
    with scripted_server(reply_by(m=right_except())) as server:
        one = 1e-2 + 1.0
        planned = votewise.judge(pairs, judge=replace(priced, base_url=server.url), dry_run=True, **options)
        assert planned.counts[0].open == 20
        assert planned.cost is not None
        assert not server.requests
        result = votewise.judge(pairs, judge=replace(priced, base_url=server.url), **options | {"max_cost": 12.0})
        assert result.over_budget
        assert result.cost == pytest.approx(one * len(server.requests))
        assert 0 < result.cost <= 12.0
        assert result.counts[0].open == 20 - len(server.requests)
        whole = votewise.judge(pairs, judge=replace(priced, base_url=server.url), **options)
        assert not whole.over_budget
        assert len(server.requests) == 20
        assert whole.cost == pytest.approx(20 * one)
    with pytest.raises(BadInputError, match="prices of m are not known"):
        votewise.judge(pairs, judge="m", max_cost=1.0)


def test_pairs_of_votes_are_judged_once_each_and_keep_their_names(tmp_path: Path) -> None:
    rows = [
        {"pair": "p", "prompt": "question 0", "response_a": "good answer to 0", "response_b": "poor answer to 0"},
        {"pair": "p", "prompt": "question 0", "response_a": "poor answer to 0", "response_b": "good answer to 0"},
        {"pair": "q", "prompt": "question 1", "response_a": "poor answer to 1", "response_b": "good answer to 1"},
    ]
    people = [row | {"annotator": f"w{i}", "label": "a", "gold": "ba"[i % 2]} for i, row in enumerate(rows)]
    people[0]["gold"], people[1]["gold"] = "a", "b"
    with scripted_server(reply_by(m=right_except())) as server:
        result = votewise.judge(people, judge="m", base_url=server.url, **FAST)
        assert len(server.requests) == 4
    assert sorted(result.votes["pair"].to_pylist()) == ["p", "p", "q", "q"]
    shown = {row["response_a"]: row["gold"] for row in result.votes.to_pylist()}
    assert shown == {"good answer to 0": "a", "poor answer to 0": "b", "poor answer to 1": "b", "good answer to 1": "a"}
    asked = result.job.pairs
    assert (asked.vote_pair.tolist(), asked.vote_sign.tolist()) == ([0, 0, 1], [1, -1, 1])


def test_the_jury_is_measured_against_gold_and_people(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 40)
    rules = {"fair": right_except(2, 5), "biased": always_first}
    with scripted_server(reply_by(**rules)) as server:
        bare = judged(pairs, server.url, *rules, out=tmp_path / "votes.jsonl")
        assert bare.worth is not None
        assert bare.worth.together is None
        assert {judge.name: judge.first.value for judge in bare.worth.judges} == {"fair": 0.5, "biased": 1.0}
        assert (tmp_path / "votes-report.html").read_text(encoding="utf-8").count("fair") > 0
        people = [
            {"prompt": f"question {i}", "response_a": f"good answer to {i}", "response_b": f"poor answer to {i}"}
            | {"annotator": who, "label": "a"}
            for i in range(40)
            for who in ("ann", "ben", "fair")
        ]
        found = votewise.judge(people, judge=list(rules), base_url=server.url, **FAST)
        assert found.worth is not None
        assert found.worth.reference == "people"
        assert {judge.name: judge.reliability.value for judge in found.worth.judges}["fair"] == 38 / 40
        assert found.worth.together is not None
        assert found.worth.together.best_name == "fair"
        silent = judged(pairs, server.url, *rules, out=tmp_path / "silent.jsonl", report=False)
    assert silent.worth is None
    assert not (tmp_path / "silent-report.html").exists()


def test_families_that_share_errors_are_worth_less(tmp_path: Path) -> None:
    wrong = list(range(12)), list(range(20, 32))
    rules = {"gpt-a": right_except(*wrong[0]), "gpt-b": right_except(*wrong[0]), "claude-c": right_except(*wrong[1])}
    rows = [
        {
            "prompt": f"question {i}",
            "response_a": f"good answer to {i}",
            "response_b": f"poor answer to {i}",
            "gold": "a",
        }
        for i in range(60)
    ]
    with scripted_server(reply_by(**rules)) as server:
        worth = votewise.judge(rows, judge=list(rules), base_url=server.url, **FAST).worth
    assert worth is not None
    assert worth.together is not None
    assert {judge.name: judge.reliability.value for judge in worth.judges} == pytest.approx(dict.fromkeys(rules, 0.8))
    # Errors of the first two correlate with 1, those of the third with -12 / 48 (both wrong never, each in a fifth).
    phi = (1 - 0.25 - 0.25) / 3
    assert worth.together.correlation.value == pytest.approx(phi)
    assert worth.together.kish.value == pytest.approx(3 / (1 + 2 * phi))
    assert worth.together.within > 0.8 > worth.together.across
    assert worth.together.worth.value < 2.6
    assert set(worth.together.cheapest) & {"claude-c"}


@pytest.mark.slow
def test_a_judge_on_this_machine_is_asked_in_both_orders_and_once_more(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from small import language_model

    model = language_model(tmp_path / "model", chat=True, max_position_embeddings=2048)
    pairs = write_pairs(tmp_path / "pairs.jsonl", 2)
    with pytest.raises(BadInputError, match="not a single vote on 2 pairs: no reply has a verdict"):
        votewise.judge(
            pairs, judge=str(model), backend="transformers", max_tokens=4, device="cpu", out=tmp_path / "v.jsonl"
        )
    records = journal_records(tmp_path / "v.jsonl")
    assert len(records) == 4
    assert all(record["tries"] == 2 and len(record["texts_before"]) == 1 for record in records.values())


def test_equal_answers_and_other_shapes(tmp_path: Path) -> None:
    table = [
        {"prompt": "question 0", "chosen": "good answer to 0", "rejected": "poor answer to 0"},
        {"prompt": "question 1", "chosen": "good answer to 1", "rejected": "poor answer to 1"},
    ]
    talk = pa.table(
        {
            "prompt": [[{"role": "user", "content": "question 0"}]],
            "response_a": [[{"role": "assistant", "content": "good answer to 0"}]],
            "response_b": [[{"role": "assistant", "content": "poor answer to 0"}]],
        }
    )
    pq.write_table(talk, tmp_path / "talk.parquet")
    with scripted_server(reply_by(m=right_except())) as server:
        both = votewise.judge(table, judge="m", base_url=server.url, **FAST)
        assert set(rows_of(both).values()) == {"good"}
        found = votewise.judge(
            tmp_path / "talk.parquet", judge="m", base_url=server.url, out=tmp_path / "talk-votes.jsonl", **FAST
        )
    assert found.votes["response_a"][0].as_py() == [{"role": "assistant", "content": "good answer to 0"}]
    assert len(votewise.read_votes(tmp_path / "talk-votes.jsonl")) == 2
    same = [{"prompt": "x", "response_a": "one", "response_b": "one"}]
    with pytest.raises(BadInputError, match="no pairs left to judge"):
        votewise.judge(same, judge="m")
    with pytest.raises(BadInputError, match="response_a"):
        votewise.judge([{"prompt": "x", "text": "one"}], judge="m")


@pytest.mark.parametrize("report", [True, False])
def test_a_dry_run_lists_every_file_that_a_run_would_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], report: bool
) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", 4)
    options: dict[str, Any] = {"out": Path("votes.jsonl"), "report": report}
    planned = votewise.judge(pairs, judge="m", dry_run=True, **options)
    print_plan(planned, report=report)
    listed = capsys.readouterr().out.split("Would be written: ")[1].split()
    with scripted_server(reply_by(m=right_except())) as server:
        written = judged(pairs, server.url, **options | {"out": tmp_path / "votes.jsonl"}).files
    assert {name.rstrip(",") for name in listed} == {file.name for file in written}
