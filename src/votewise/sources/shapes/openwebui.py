"""Open WebUI's feedback export: thumbs up and down on the answers to one message, by several models or regenerated."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from votewise.errors import many
from votewise.sources.answer_lists.rankings import NOTE
from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.format import Format
from votewise.sources.nested import get, moment, named, text
from votewise.sources.rows import Rows
from votewise.sources.texts.chat_history import ChatAnswer, answers_to, prompt_of, rated_answer
from votewise.sources.vote_texts import VoteTexts


@dataclass
class Feedback:
    """One row: who rated which answer how, the ids of the answers beside it, and of each comparison the texts or None."""

    row: int
    user: str
    up: bool
    model: str
    siblings: list[str]
    chat: str
    message: str
    time: float | None
    changed: float | None
    reason: str | None
    others: list[str | None] = field(default_factory=list)
    texts: list[dict[str, Any] | None] = field(default_factory=list)


def read_openwebui(rows: Rows) -> Canonical:
    """Read one vote per sibling: a thumb up prefers the rated answer to it, a thumb down the sibling.

    Where a user has rated both answers of a pair, that is one vote: for the liked one, or a tie where both are liked or both
    are not. Each regeneration is an answer of its own. Of two ratings of one answer by one user the later counts. The texts
    come from the chat's snapshot; where it lacks them, the pair is named by the message and the models.
    """
    kept = VoteTexts(rows)
    given, skipped = _feedback(rows, kept)
    kept.finish()
    latest: dict[tuple[str, str, str], Feedback] = {}
    for item in given:
        key = (item.user, item.chat, item.message or f"row {item.row}")
        before = latest.get(key)
        if before is None or (item.changed or 0) >= (before.changed or 0):
            latest[key] = item
    rated = {key: item.up for key, item in latest.items()}
    votes: list[dict[str, Any]] = []
    fates: Counter[str] = Counter(revised=len(given) - len(latest))
    done: set[tuple[str, str, frozenset[str]]] = set()
    for item in sorted(latest.values(), key=lambda item: item.row):
        for place, other in enumerate(item.others):
            pair = (item.user, item.chat, frozenset((item.message, other or "")))
            if other is not None and pair in done:
                fates["seen"] += 1
                continue
            done.add(pair)
            votes.append(_vote(rows, item, place, rated, fates))
    rows.meanings.update({name: fates[name] for name in ("both_bad", "both_good") if fates[name]})
    notes = (
        [f"Skipped: {many(skipped, 'entry', 'entries')}, without a rating, or without another model to compare with."]
        if skipped
        else []
    )
    if fates["several"]:
        notes.append(NOTE)
    if fates["revised"]:
        notes.append(
            f"Skipped: {many(fates['revised'], 'entry', 'entries')}: the user rated the same answer again later."
        )
    if fates["seen"]:
        notes.append(f"One vote each: {many(fates['seen'], 'pair')} of which a user rated both answers.")
    if fates["no text"]:
        notes.append(f"Without texts, because the snapshot lacks an answer: {many(fates['no text'], 'vote')}.")
    return from_votes(rows, votes, shown=False, skipped=skipped + fates["revised"] + fates["seen"], notes=notes)


def _vote(
    rows: Rows, item: Feedback, place: int, rated: dict[tuple[str, str, str], bool], fates: Counter[str]
) -> dict[str, Any]:
    """The vote between a rated answer and one beside it, which the same user may have rated too."""
    other, sibling = item.others[place], item.siblings[place]
    label = "a" if item.up else "b"
    if other is not None and rated.get((item.user, item.chat, other)) == item.up:
        label = "tie"
        fates["both_good" if item.up else "both_bad"] += 1
    rows.tell("data", f"rating {1 if item.up else -1}", label)
    vote = {
        "row": item.row, "annotator": item.user, "label": label, "model_a": item.model, "model_b": sibling,
        "time": item.time, "reason": item.reason,
    }  # fmt: skip
    if len(item.siblings) > 1:
        vote["judgement"] = str(item.row)
        fates["several"] += 1
    texts = item.texts[place]
    if texts is None:
        fates["no text"] += 1
        names = (item.chat, item.message or f"row {rows.source.number(item.row)}", item.model, sibling)
        again = item.siblings[:place].count(sibling)
        return vote | {"pair": "/".join((*names, str(again + 1)) if again else names)}
    return vote | texts


def _feedback(rows: Rows, kept: VoteTexts) -> tuple[list[Feedback], int]:
    """The entries with a rating and a sibling, and how many have neither."""
    users, data = rows.annotator("user_id").to_pylist(), rows.values("data")
    meta, snapshots, times, changes = (
        rows.values(name) if rows.has(name) else [None] * len(rows)
        for name in ("meta", "snapshot", "created_at", "updated_at")
    )
    found, skipped = [], 0
    for i in rows.kept().tolist():
        rating, model, siblings = (get(data[i], key) for key in ("rating", "model_id", "sibling_model_ids"))
        if rating is None or not siblings:
            skipped += 1
            continue
        if not _usable(rows, i, rating, model, siblings):
            continue
        fine, time = moment(rows, i, times[i], "created_at")
        _, changed = moment(rows, i, changes[i], "updated_at") if fine else (False, None)
        if not fine:
            continue
        chat, message = (named(get(meta[i], key)) or "" for key in ("chat_id", "message_id"))
        changed = time if changed is None else changed
        item = Feedback(
            i, users[i], int(rating) == 1, str(model), list(map(str, siblings)), chat, message, time, changed,
            _reason(data[i]),
        )  # fmt: skip
        others = answers_to(snapshots[i], message, item.siblings)
        asked, rated = prompt_of(snapshots[i], message), rated_answer(snapshots[i], message)
        item.others = [None if other is None else other.id for other in others]
        item.texts = [_texts(asked, rated, other, kept) for other in others]
        found.append(item)
    return found, skipped


def _texts(prompt: Any, rated: ChatAnswer | None, other: ChatAnswer | None, kept: VoteTexts) -> dict[str, Any] | None:
    """The texts of a comparison; None where the snapshot lacks some."""
    if other is None or rated is None or rated.messages is None or prompt is None:
        return None
    return kept.keep({"prompt": prompt, "response_a": rated.messages, "response_b": other.messages})


def _usable(rows: Rows, row: int, rating: Any, model: Any, siblings: Any) -> bool:
    if rating not in (1, -1, "1", "-1") or isinstance(rating, bool):
        rows.reject(row, "unknown rating", column="data.rating", value=rating, expected="1 or -1")
    elif named(model) is None:
        rows.reject(row, "does not name a model", column="data.model_id", value=model, expected="a name")
    elif not isinstance(siblings, list) or not all(named(s) for s in siblings):
        rows.reject(row, "is not a list of models", column="data.sibling_model_ids", value=siblings, expected="names")
    else:
        return True
    return False


def _reason(data: Any) -> str | None:
    parts = [text(get(data, key)) for key in ("reason", "comment")]
    return ": ".join(part for part in parts if part) or None


OPENWEBUI = Format(
    "openwebui",
    "Open WebUI's feedback export",
    (("user_id",), ("data",), ("meta", "snapshot")),
    read_openwebui,
    own_status=True,
    leaves_texts=True,
)
