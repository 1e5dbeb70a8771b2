"""What a collection holds, and how far it can be trusted: ``votewise collect status``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from votewise.errors import NotIdentifiableError, needs

if TYPE_CHECKING:
    import os

    from votewise.collect.campaign_status import CampaignCounts
    from votewise.collect.folder import Collection
    from votewise.collect.gathered_counts import Gathered
    from votewise.users.known_win_rates import GivenWinRate


@dataclass(frozen=True)
class CollectStatus:
    """The state of a collection.

    Attributes:
        gathered: what there is, counted.
        attentiveness: the mean attentiveness of the people; None where it is unknown.
        flags: people by flag: new, inattentive, unsure, attentive; empty where the attentiveness is unknown.
        unknown: why the attentiveness is unknown, in one line; None where it is known.
        campaign: pairs, annotators and accuracy of the campaign; None where there is none.
    """

    gathered: Gathered
    attentiveness: float | None
    flags: dict[str, int]
    unknown: str | None
    campaign: CampaignCounts | None = None

    def summary(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**asdict(self), "votes": self.gathered.votes}


def collect_status(folder: str | os.PathLike[str], *, win_rate: GivenWinRate | None = None) -> CollectStatus:
    """Count what a collection holds, and estimate how attentive its people are.

    Args:
        folder: the folder that ``collect_init`` made.
        win_rate: the share of prompts on which the answer of the model of role a is truly better than that of role b, as
            ``filter_clicks`` takes it; None where it is unknown. The win rates over the probe are estimated. Without it, the
            attentiveness is unknown: the same clicks may come from careful people and close models, or from careless ones.

    Raises:
        BadInputError: the folder cannot be opened, or a win rate out of range.
    """
    with needs("collect", "collecting"):
        from votewise.collect.campaign_status import count_campaign, judged_other_models
        from votewise.collect.database import reading
        from votewise.collect.folder import open_collection
        from votewise.collect.gathered_counts import count_gathered

    collection = open_collection(Path(folder))
    try:
        with reading(collection.engine) as connection:
            gathered = count_gathered(connection)
            campaign = count_campaign(connection)
            others = campaign is not None and judged_other_models(connection)
        if win_rate is None:
            return CollectStatus(gathered, None, {}, "no win rate of the two models is given", campaign)
        if not gathered.votes:
            return CollectStatus(gathered, None, {}, "there are no votes yet", campaign)
        if others:
            why = "annotators judged answers of other models, whose win rates are not given"
            return CollectStatus(gathered, None, {}, why, campaign)
        return replace(_with_attentiveness(collection, gathered, win_rate), campaign=campaign)
    finally:
        collection.close()


def _with_attentiveness(collection: Collection, gathered: Gathered, win_rate: GivenWinRate) -> CollectStatus:
    from votewise.collect.gathered_counts import url_of
    from votewise.workflows.filter_clicks import filter_clicks

    a, b = (made.name for role in "ab" if (made := collection.settings.model_of(role)))
    # With probes there are three models, and a win rate belongs to two of them.
    rates: Any = {f"{a}:{b}": win_rate} if gathered.probes else win_rate
    model = None if gathered.probes else a
    try:
        found = filter_clicks(url_of(collection, "comparisons"), win_rate=rates, model=model, keep=1.0)
    except NotIdentifiableError as error:
        return CollectStatus(gathered, None, {}, str(error))
    cells = found.attentiveness.cells
    users = cells["users"].to_numpy()
    mean = float((cells["attentiveness"].to_numpy() * users).sum() / users.sum())
    flags: Counter[str] = Counter()
    for flag, number in zip(found.flags, users, strict=True):
        flags[flag] += int(number)
    return CollectStatus(gathered, mean, dict(flags), None)
