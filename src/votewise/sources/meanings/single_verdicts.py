"""Verdicts on one answer each (KTO, ratings, thumbs): they are no comparisons, and are refused with a sentence."""

from __future__ import annotations

import re

from votewise.sources.answer_lists.answer_orders import ANSWERS
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

ONE = (*ANSWERS, "model_response", "model_output", "assistant", "conversations", "conversation", "transcript")
VERDICT = re.compile(
    r"((human|user|overall|quality|safety|star)_)?(stars?|grade|points|mark|label|labels|rating|ratings|score|scores|thumbs?(_up|_down)?|feedback|liked?|vote|verdict"
    r"|desirable|is_(good|safe|correct|desirable)|good|axes|helpfulness|quality|correctness|kto_tag)"
)
SCORE = re.compile(r"score|rating|helpfulness|quality|correctness")
"""Names of verdicts that are numbers, of which a higher one is better."""
OTHER = re.compile(r".*(_(a|b|0|1|2|left|right)|\d)|reply|other")
"""Names of columns that may hold a second answer."""
INSIDE = ("axes", "rating", "score", "overall")


def refuse_single_verdicts(rows: Rows) -> None:
    """Refuse a table with one answer per row and a verdict on it; called where no format fits."""
    names = {plain_name(name): name for name in rows.table.column_names}
    answers = [name for name in ONE if name in names]
    verdicts = [name for name in names if VERDICT.fullmatch(name) and name not in answers]
    others = [name for name in names if OTHER.fullmatch(name) and name not in answers]
    if len(answers) != 1 or others:
        return
    kind = rows.head.schema.field(names[answers[0]]).type
    inside = [kind.field(i).name for i in range(kind.num_fields)] if hasattr(kind, "num_fields") else []
    if not verdicts and not set(INSIDE) & set(inside):
        return
    scored = next((rows.source_column(names[name]) for name in verdicts if SCORE.search(name)), None)
    raise rows.fail(
        "holds single verdicts on one answer each (KTO, ratings, thumbs), which are not comparisons",
        expected="two answers to one prompt per row, such as chosen and rejected"
        + (f"; {column_option('scores', scored)} compares the answers to one prompt by it" if scored else ""),
    )


def refuse_other_exports(rows: Rows) -> None:
    """Refuse Label Studio's tables of which no column names an answer: its JSON export says what they mean.

    Raises:
        BadInputError: with what to export instead.
    """
    if rows.has("annotation_id", "annotator", "lead_time"):
        raise rows.fail(
            "may be Label Studio's CSV or JSON-MIN export, and no column names the better answer",
            expected="its export as JSON; --columns label=NAME where a column does",
        )
