"""What a campaign needs from time to time: leases ended, beliefs refitted to the votes, audits drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sqlalchemy import Connection, exists, func, select, update

from votewise.arrays import Ints, Signs
from votewise.collect.annotators_judged import judge_annotators
from votewise.collect.assignment import draw_audits, pair_states
from votewise.collect.database import reading, retried
from votewise.collect.folder import Collection
from votewise.collect.leases import count_pairs, expire_leases, lock_campaign, sign_of
from votewise.collect.pair_beliefs import PairBeliefs
from votewise.collect.schema import annotator, campaign, campaign_pair, comparison, pair, vote
from votewise.inference.priors import Beta

REFIT_SECONDS = 10.0
"""How old beliefs are at most while votes come in."""


class Upkeep:
    """Keeps the campaign of a collection, and the prior of the last refit, from which the next one starts.

    Args:
        collection: the collection.
        rng: draws the audits.
    """

    def __init__(self, collection: Collection, rng: np.random.Generator | None = None) -> None:
        self.collection = collection
        self._rng = np.random.default_rng() if rng is None else rng
        self._prior: Beta | None = None

    def __call__(self) -> None:
        """Do what is due."""
        if self._wants_refit():
            self.refit()
        retried(self.collection.engine, self._tidy)

    def refit(self) -> None:
        """Fit reliabilities to all votes but audit votes, and write down what follows."""
        with reading(self.collection.engine) as connection:
            people, pairs, arrays = _votes(connection)
            rows = connection.execute(select(annotator)).all()
        before = {row.person_id: row for row in rows}
        start = PairBeliefs(
            margin=np.zeros(len(pairs)),
            log_odds=np.zeros(len(pairs)),
            reliability=np.array([before[person].reliability for person in people], np.float64),
            low=np.zeros(len(people)),
            high=np.zeros(len(people)),
            prior=self._prior,
        )
        found = start.refitted(*arrays, [before[person].group_name for person in people])
        self._prior = found.prior
        counts = np.bincount(arrays[0], minlength=len(pairs))

        def written(connection: Connection) -> None:
            lock_campaign(connection)
            self._write(connection, found, people, {pair: int(n) for pair, n in zip(pairs, counts, strict=True)})

        retried(self.collection.engine, written)

    def _write(self, connection: Connection, found: PairBeliefs, people: list[int], fitted: dict[int, int]) -> None:
        rule = self.collection.settings.campaign.rule
        for person, *values in zip(people, found.reliability, found.low, found.high, found.shared, strict=True):
            named = dict(zip(("reliability", "low", "high", "shared"), map(float, values), strict=True))
            connection.execute(update(annotator).where(annotator.c.person_id == person).values(**named))
        judge_annotators(connection, rule)
        log_odds = dict(zip(fitted, found.log_odds.tolist(), strict=True))
        columns = (campaign_pair.c[name] for name in ("pair_id", "want", "votes", "state", "log_odds"))
        rows = connection.execute(select(*columns)).all()
        for row in rows:
            mine = log_odds.get(row.pair_id, 0.0)
            state = str(pair_states(rule, np.array([mine]), np.array([row.votes - row.want + rule.want]))[0])
            if state != row.state or mine != row.log_odds:
                this = campaign_pair.c.pair_id == row.pair_id
                connection.execute(update(campaign_pair).where(this).values(log_odds=mine, state=state))
        # Somebody voted while the fit ran.
        changed = [row.pair_id for row in rows if row.votes != fitted.get(row.pair_id, 0)]
        count_pairs(connection, rule, changed)
        now = self.collection.clock()
        connection.execute(update(campaign).values(fitted_votes=found.fitted, fitted_at=now))

    def _wants_refit(self) -> bool:
        with reading(self.collection.engine) as connection:
            there = connection.execute(select(campaign)).first()
            if there is None:
                return False
            votes = int(connection.execute(select(func.coalesce(func.sum(campaign_pair.c.votes), 0))).scalar_one())
        if votes == 0 or votes == there.fitted_votes:
            return False
        old = there.fitted_at is None or self.collection.clock() - there.fitted_at >= REFIT_SECONDS
        return old or replace(PairBeliefs.before_votes(np.zeros(0), 0), fitted=there.fitted_votes).wants_refit(votes)

    def _tidy(self, connection: Connection) -> None:
        there = lock_campaign(connection)
        if there is None:
            return
        expire_leases(connection, self.collection, all_of_them=there.state == "closed")
        self._draw_audits(connection)

    def _draw_audits(self, connection: Connection) -> None:
        """Draw audits among pairs that are finished for the first time, by votes that cannot be undone any more."""
        rule = self.collection.settings.campaign.rule
        undoable = exists().where(comparison.c.pair_id == campaign_pair.c.pair_id, comparison.c.state == "voted")
        new = campaign_pair.c.state != "open", campaign_pair.c.propensity.is_(None), ~undoable
        rows = connection.execute(select(campaign_pair.c.pair_id, campaign_pair.c.votes).where(*new)).all()
        if not rows:
            return
        drawn, propensity = draw_audits(rule, np.array([row.votes for row in rows], np.int64), self._rng)
        for row, one, probability in zip(rows, drawn.tolist(), propensity.tolist(), strict=True):
            this = campaign_pair.c.pair_id == row.pair_id
            values = {"propensity": probability, "drawn": one, "waiting": one}
            connection.execute(update(campaign_pair).where(this).values(**values))


def _votes(connection: Connection) -> tuple[list[int], list[int], tuple[Ints, Ints, Signs]]:
    """The annotators, the pairs with votes, and the pair, annotator and sign of each vote that counts."""
    people = list(connection.execute(select(annotator.c.person_id).order_by(annotator.c.person_id)).scalars())
    rows = connection.execute(
        select(
            comparison.c.pair_id,
            comparison.c.person_id,
            vote.c.choice,
            (comparison.c.left_answer == pair.c.answer_1).label("as_stored"),
        )
        .join(vote, vote.c.comparison_id == comparison.c.id)
        .join(pair, pair.c.id == comparison.c.pair_id)
        .join(annotator, annotator.c.person_id == comparison.c.person_id)
        .join(campaign_pair, campaign_pair.c.pair_id == comparison.c.pair_id)
        .where(comparison.c.purpose == "main", comparison.c.state.in_(["voted", "final"]))
        .order_by(comparison.c.id)
    ).all()
    pairs = sorted({row.pair_id for row in rows})
    pair_code = {number: code for code, number in enumerate(pairs)}
    person_code = {number: code for code, number in enumerate(people)}
    arrays = (
        np.array([pair_code[row.pair_id] for row in rows], np.int32),
        np.array([person_code[row.person_id] for row in rows], np.int32),
        np.array([sign_of(row.choice, as_stored=row.as_stored) for row in rows], np.int8),
    )
    return people, pairs, arrays
