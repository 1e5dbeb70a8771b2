"""Defaults that more than one part needs, written once. A default of one function alone is in its signature."""

from __future__ import annotations

LEVEL = 0.95
"""Probability with which an interval holds the truth."""

RELIABILITY = 0.9
"""Reliability that all annotators start from where no prior says otherwise [RE-PO]."""

RELIABLE_FROM = 0.7
"""Reliability from which an annotator is called reliable."""

THRESHOLD = 0.5
"""Attentiveness from which a user is called attentive."""

SIMULATED_USERS = 400
"""Users that are simulated."""

SIMULATED_ATTENTIVENESS = "beta:6,2"
"""Prior that their attentiveness is drawn from."""

SIMULATED_COMPARISONS_PER_USER = 50
"""Comparisons that each of them sees."""

MIN_CONFIDENCE = 0.5
"""Votes of at least this confidence are kept."""

INFORMED = 0.8
"""An interval of at least this share of the prior's width says more about the prior than about the annotator or user."""

BATCH_SIZE = 16
"""Texts that a model reads at a time."""

CONCURRENCY = 8
"""Requests that are sent to a server at a time."""

TIMEOUT = 120.0
"""Seconds to wait for an answer of a server."""

RETRIES = 6
"""How often a failed request is sent to a server again."""

ANSWER_TOKENS = 512
"""Length limit of a generated answer."""

JUDGE_TOKENS = 1024
"""Length limit of a language model's reply when it judges a contest."""
