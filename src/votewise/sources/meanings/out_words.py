"""Words that speak of rows which are no votes."""

from __future__ import annotations

import re

FOREIGN = frozenset((
    "verworfen", "entwurf", "übersprungen", "abgebrochen", "abgelehnt", "gelöscht",
    "descartado", "descartada", "borrador", "omitido", "omitida", "cancelado", "cancelada", "rechazado", "rechazada",
    "brouillon", "ignoré", "annulé", "rejeté", "abandonné", "supprimé", "rascunho", "pulado", "rejeitado",
    "scartato", "bozza", "saltato", "annullato", "rifiutato", "overgeslagen", "verworpen", "odrzucone", "pominięte", "szkic",
    "черновик", "пропущено", "отклонено", "отменено", "удалено",
    "草稿", "跳过", "已跳过", "丢弃", "已丢弃", "作废", "已取消",
    "下書き", "スキップ", "破棄", "건너뜀", "폐기", "초안",
))  # fmt: skip
"""Discarded, draft, skipped, cancelled and rejected in other languages."""
OUT = FOREIGN | frozenset((
    "discarded", "discard", "draft", "skipped", "skip", "cancelled", "canceled", "rejected", "deleted", "invalid", "pending",
    "expired", "in progress", "not started", "unsubmitted", "abandoned", "failed", "spam", "withdrawn", "timed out",
    "timeout", "returned",
    "superseded", "outdated", "obsolete", "replaced", "removed", "disqualified", "screened out", "retracted",
    "unlabeled", "unlabelled", "incomplete", "ignore", "ignored", "aborted", "voided", "void", "error", "not completed",
    "trashed", "excluded", "flagged for removal", "ungültig", "ausstehend", "unvollständig", "inválido", "pendiente",
    "incompleto", "invalide", "en attente", "incomplet", "无效", "無効",
))  # fmt: skip
"""Values of a status with which a row is not a vote."""
SURELY_OUT = FOREIGN | frozenset((
    "discarded", "draft", "skipped", "cancelled", "canceled", "abandoned", "timed out", "withdrawn", "ignore", "ignored",
    "unsubmitted", "not submitted", "not completed", "aborted", "timeout", "trashed", "voided", "flagged for removal",
))  # fmt: skip
"""Values that speak of a row that is not a vote, whatever the column is called."""


def status_word(value: str) -> str:
    """A status as it is looked up here: ``TIMED_OUT`` and ``Timed-out`` are ``timed out``.

    >>> status_word("Status.TIMED_OUT"), status_word("in-progress ")
    ('timed out', 'in progress')
    """
    return " ".join(re.sub("[-_]", " ", value).casefold().split()).rpartition(".")[2]
