"""What products send and get: the JSON bodies of the API, which its OpenAPI document describes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from votewise.collect.asking import ComparisonRequest, GivenAnswer
from votewise.collect.states import Choice, State
from votewise.collect.voting import GivenVote

LARGEST = 2**31 - 1


def _storable(text: str) -> str:
    """The text, if a database can keep it: PostgreSQL keeps no NUL, and no database half a character."""
    if "\0" in text:
        raise ValueError("holds the character NUL")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds half of a surrogate pair")
    return text


Words = Annotated[str, AfterValidator(_storable)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]


class Body(BaseModel):
    """A body in which every field is known."""

    model_config = ConfigDict(extra="forbid")


class MessageBody(Body):
    """An earlier message of a conversation."""

    role: Name
    content: Words


class AnswerBody(Body):
    """What a model answered."""

    model: Name = Field(description="The model's name in collect.toml.")
    content: Words
    tokens_in: Count | None = None
    tokens_out: Count | None = None

    def given(self) -> GivenAnswer:
        """The same for the database."""
        return GivenAnswer(self.model, self.content, self.tokens_in, self.tokens_out)


class FailureBody(Body):
    """A model that failed for good."""

    failed: Literal[True]


class VoteBody(Body):
    """What the person said."""

    choice: Choice
    strength: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="How clearly; 1 is least.")
    reasons: Annotated[list[Name], Field(max_length=50)] = []
    ms_visible: Count | None = Field(None, description="Milliseconds for which both answers were seen.")
    at: Annotated[float, Field(ge=0, le=4e9, allow_inf_nan=False)] | None = Field(
        None, description="When, in seconds since 1970, for votes of the past; now by default."
    )

    def given(self) -> GivenVote:
        """The same for the database."""
        return GivenVote(self.choice, self.strength, tuple(self.reasons), self.ms_visible, self.at)


class ComparisonBody(Body):
    """A comparison: a prompt with both answers, or without answers, where the service draws the models and the sides."""

    client_key: Name = Field(description="Your name for it. Sent again, the same comparison is found and none is made.")
    user: Name = Field(description="Who votes, as you call the person.")
    prompt: Words
    system: Words | None = None
    history: Annotated[list[MessageBody], Field(max_length=1000)] = []
    left: AnswerBody | None = None
    right: AnswerBody | None = None
    draw_sides: bool = Field(False, description="Whether to draw on which side each of your answers is shown.")
    vote: VoteBody | None = Field(None, description="The vote, where there is one already.")

    def request(self) -> ComparisonRequest:
        """The same for the database, without the vote."""
        return ComparisonRequest(
            client_key=self.client_key,
            user=self.user,
            content=self.prompt,
            system=self.system,
            history=tuple(message.model_dump() for message in self.history),
            left=self.left.given() if self.left else None,
            right=self.right.given() if self.right else None,
            draw_sides=self.draw_sides,
        )

    def longest(self) -> int:
        """Characters of the longest text."""
        texts = [self.prompt, self.system or "", *(message.content for message in self.history)]
        texts += [one.content for one in (self.left, self.right) if one]
        return max(map(len, texts))


class ComparisonBatch(Body):
    """Many comparisons."""

    comparisons: Annotated[list[ComparisonBody], Field(min_length=1)]


class NamedVoteBody(VoteBody):
    """A vote in a batch."""

    comparison: Name = Field(description="The id of the comparison.")


class VoteBatch(Body):
    """Many votes."""

    votes: Annotated[list[NamedVoteBody], Field(min_length=1)]


class ComparisonState(BaseModel):
    """A comparison. Keep the models' names on your server: people who know them vote for names."""

    id: str
    client_key: str
    state: State
    purpose: str
    left_model: str
    right_model: str
    choice: Choice | None


class EntryOutcome(BaseModel):
    """What became of one entry of a batch: its comparison's id and state, or why it was refused."""

    index: int
    id: str | None = None
    state: State | None = None
    error: str | None = None


class BatchOutcomes(BaseModel):
    """What became of the entries of a batch, in their order."""

    outcomes: list[EntryOutcome]
    refused: int


class SettingsBody(BaseModel):
    """The settings that a product needs."""

    consent: str
    config_version: int
    models: dict[str, str] = Field(description="Each model's role: a, b or probe.")
    batch: int
    characters: int
    undo_seconds: float


class Refusal(BaseModel):
    """Why a request was refused, in one line."""

    error: str


def said(faults: Any) -> str:
    """The faults of a body in one line, without its values, which may be long and private."""
    lines = [".".join(str(part) for part in fault["loc"]) + ": " + str(fault["msg"]) for fault in faults]
    more = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + more
