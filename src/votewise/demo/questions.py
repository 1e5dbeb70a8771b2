"""Questions with one right and one wrong answer that a reader can easily check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DRAWS = 400
"""Random questions generated in each domain that is not a fixed list, repetitions included."""


@dataclass(frozen=True)
class Question:
    """A prompt with its ``right`` and ``wrong`` answers, and the reason (``why``) that a careful annotator might give."""

    domain: str
    prompt: str
    right: str
    wrong: str
    why: str


def make_questions(rng: np.random.Generator, size: int) -> list[Question]:
    """Up to ``size`` different questions, in random order, spread over the domains as evenly as possible."""
    stocks = {
        "capitals": _capitals(),
        "spelling": _spelling(),
        "arithmetic": _distinct(_arithmetic, rng),
        "calendar": _distinct(_calendar, rng),
        "units": _distinct(_units, rng),
        "comparing": _distinct(_comparing, rng),
    }
    chosen: list[Question] = []
    for left, stock in zip(range(len(stocks), 0, -1), stocks.values(), strict=True):
        order = rng.permutation(len(stock))
        chosen += [stock[i] for i in order[: (size - len(chosen)) // left]]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def _distinct(make: Callable[[np.random.Generator], Question], rng: np.random.Generator) -> list[Question]:
    questions = [make(rng) for _ in range(DRAWS)]
    return list({question.prompt: question for question in questions}.values())


def _arithmetic(rng: np.random.Generator) -> Question:
    x, y = (int(n) for n in rng.integers(12, 99, 2))
    symbol, value = [("+", x + y), ("-", x - y), ("×", x * y)][rng.integers(3)]
    slip = int(rng.choice([-10, -1, 1, 10]))
    return Question(
        "arithmetic",
        f"What is {x} {symbol} {y}?",
        f"{x} {symbol} {y} = {value}",
        f"{x} {symbol} {y} = {value + slip}",
        f"I worked it out: {value}.",
    )


def _calendar(rng: np.random.Generator) -> Question:
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    start, step = int(rng.integers(7)), int(rng.integers(3, 40))
    right = (start + step) % 7
    wrong = (right + int(rng.choice([-1, 1]))) % 7
    return Question(
        "calendar",
        f"Today is {days[start]}. Which day of the week will it be in {step} days?",
        f"It will be a {days[right]}.",
        f"It will be a {days[wrong]}.",
        f"{step} days are {step // 7} weeks and {step % 7} days.",
    )


def _units(rng: np.random.Generator) -> Question:
    large, small, factor = [
        ("hours", "minutes", 60),
        ("days", "hours", 24),
        ("kilometres", "metres", 1000),
        ("dozens", "pieces", 12),
        ("kilograms", "grams", 1000),
        ("weeks", "days", 7),
    ][rng.integers(6)]
    n = int(rng.integers(2, 60))
    wrong_factor = {60: 100, 24: 12, 1000: 100, 12: 10, 7: 5}[factor]
    return Question(
        "units",
        f"How many {small} are {n} {large}?",
        f"{n} {large} are {n * factor:,} {small}.",
        f"{n} {large} are {n * wrong_factor:,} {small}.",
        f"{factor:,} {small} each.",
    )


def _comparing(rng: np.random.Generator) -> Question:
    whole = int(rng.integers(0, 20))
    long, short = int(rng.integers(11, 90)), int(rng.integers(2, 10))
    while long // 10 >= short:  # the number with more digits is the smaller one, which makes it tempting
        long, short = int(rng.integers(11, 90)), int(rng.integers(2, 10))
    larger, smaller = f"{whole}.{short}", f"{whole}.{long}"
    return Question(
        "comparing",
        f"Which number is larger, {' or '.join(sorted([larger, smaller]))}?",
        f"{larger} is larger.",
        f"{smaller} is larger.",
        f"{larger} is {whole}.{short}0, more than {smaller}.",
    )


def _capitals() -> list[Question]:
    rows = """
        Australia Canberra Sydney|Brazil Brasília Rio|Canada Ottawa Toronto|Turkey Ankara Istanbul
        Switzerland Bern Zurich|Morocco Rabat Casablanca|Vietnam Hanoi Danang|Pakistan Islamabad Karachi
        Hungary Budapest Debrecen|China Beijing Shanghai|Nigeria Abuja Lagos|Kenya Nairobi Mombasa
        Ecuador Quito Guayaquil|Kazakhstan Astana Almaty|Scotland Edinburgh Glasgow|Italy Rome Milan
        Spain Madrid Barcelona|Germany Berlin Munich|Poland Warsaw Kraków|Portugal Lisbon Porto
        Japan Tokyo Osaka|Austria Vienna Salzburg|Egypt Cairo Alexandria|Syria Damascus Aleppo
        Libya Tripoli Benghazi|Malta Valletta Sliema|Cameroon Yaoundé Douala|Russia Moscow Kazan
        Ukraine Kyiv Odesa|Greece Athens Thessaloniki|Sweden Stockholm Gothenburg|Norway Oslo Bergen
        Denmark Copenhagen Aarhus|Finland Helsinki Tampere|Croatia Zagreb Split|Romania Bucharest Cluj
        Colombia Bogotá Medellín|Peru Lima Cusco|Chile Santiago Valparaíso|Cuba Havana Trinidad
    """
    cards = [card.split() for line in rows.split("\n") for card in line.split("|") if card.strip()]
    return [
        Question(
            "capitals",
            f"What is the capital of {country}?",
            f"The capital of {country} is {right}.",
            f"The capital of {country} is {wrong}.",
            f"It is {right}; {wrong} is another city.",
        )
        for country, right, wrong in cards
    ]


def _spelling() -> list[Question]:
    words = """
        separate seperate|necessary neccessary|accommodate accomodate|definitely definately|rhythm rythm
        receive recieve|believe beleive|occurred occured|embarrass embarass|millennium millenium
        cemetery cemetary|calendar calender|government goverment|environment enviroment|tomorrow tommorow
        beginning begining|independent independant|existence existance|privilege priviledge|publicly publically
        grammar grammer|library libary|February Febuary|Wednesday Wensday|weird wierd
        foreign foriegn|height heigth|truly truely|until untill|argument arguement
        knowledge knowlege|parallel paralell|possession posession|professor proffesor|questionnaire questionaire
        restaurant restaraunt|surprise suprise|successful succesful|vacuum vaccum|unfortunately unfortunatly
    """
    cards = [card.split() for line in words.split("\n") for card in line.split("|") if card.strip()]
    return [
        Question(
            "spelling",
            f"Which spelling is right, {' or '.join(sorted([right, wrong]))}?",
            f"It is spelled {right}.",
            f"It is spelled {wrong}.",
            f"{right} is how the dictionary has it.",
        )
        for right, wrong in cards
    ]
