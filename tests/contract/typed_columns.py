"""Columns of every type that a Parquet file can hold, with metadata, for a table of votes or clicks."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa

Make = Callable[[int, random.Random], pa.Array]


def of(kind: pa.DataType, make: Callable[[random.Random], Any]) -> Make:
    """Values of a type, one in five missing."""
    return lambda n, dice: pa.array([make(dice) if dice.random() < 0.8 else None for _ in range(n)], kind)


def categories(kind: pa.DataType, values: pa.Array, *, ordered: bool) -> Make:
    """Categories, one of which occurs in no row."""

    def make(n: int, dice: random.Random) -> pa.Array:
        codes = [dice.randrange(len(values) - 1) if dice.random() < 0.8 else None for _ in range(n)]
        return pa.DictionaryArray.from_arrays(pa.array(codes, kind), values, ordered=ordered)

    return make


def whole(low: int, high: int) -> Callable[[random.Random], int]:
    return lambda dice: dice.choice([low, high, dice.randint(low, high)])


def word(dice: random.Random) -> str:
    return dice.choice(["x", "", "=1+1", "naïve\n", "a,b", "\u202e"])


def uuids(n: int, dice: random.Random) -> pa.Array:
    return pa.array([dice.randbytes(16) for _ in range(n)], pa.uuid())


SIZES = pa.array(["small", "middle", "large", "never"])
DAY = dt.date(2024, 2, 29)
NOON = dt.datetime(2024, 2, 29, 12, 0, 0)

TYPED: dict[str, Make] = {
    "c_null": lambda n, _: pa.nulls(n),
    "c_bool": of(pa.bool_(), lambda dice: dice.random() < 0.5),
    **{f"c_int{b}": of(getattr(pa, f"int{b}")(), whole(-(2 ** (b - 1)), 2 ** (b - 1) - 1)) for b in (8, 16, 32, 64)},
    **{f"c_uint{b}": of(getattr(pa, f"uint{b}")(), whole(0, 2**b - 1)) for b in (8, 16, 32, 64)},
    "c_float16": of(pa.float16(), lambda dice: dice.choice([0.5, -2.0])),
    "c_float32": of(pa.float32(), lambda dice: dice.choice([0.25, -1.5])),
    "c_decimal": of(pa.decimal128(20, 3), lambda dice: decimal.Decimal(dice.randint(-9999, 9999)).scaleb(-3)),
    "c_text": of(pa.string(), word),
    "c_long_text": of(pa.large_string(), word),
    "c_binary": of(pa.binary(), lambda dice: dice.randbytes(3)),
    "c_fixed": of(pa.binary(2), lambda dice: dice.randbytes(2)),
    "c_day": of(pa.date32(), lambda dice: DAY + dt.timedelta(dice.randrange(400))),
    "c_clock": of(pa.time64("us"), lambda dice: dt.time(dice.randrange(24), 1, 2, 3)),
    "c_seconds": of(pa.timestamp("ms"), lambda dice: NOON + dt.timedelta(hours=dice.randrange(400))),
    "c_zone": of(pa.timestamp("us", "Europe/Berlin"), lambda dice: NOON + dt.timedelta(hours=dice.randrange(400))),
    "c_nanos": of(pa.timestamp("ns", "UTC"), lambda dice: NOON + dt.timedelta(hours=dice.randrange(400))),
    "c_span": of(pa.duration("ms"), lambda dice: dt.timedelta(milliseconds=dice.randrange(10**6))),
    "c_category": categories(pa.int8(), SIZES, ordered=False),
    "c_ordered": categories(pa.int32(), SIZES, ordered=True),
    "c_class": of(pa.int64(), lambda dice: dice.randrange(3)),
    "c_list": of(pa.list_(pa.int16()), lambda dice: [dice.randrange(9) for _ in range(dice.randrange(3))]),
    "c_long_list": of(pa.large_list(pa.string()), lambda dice: [word(dice)]),
    "c_couple": of(pa.list_(pa.float32(), 2), lambda dice: [0.5, float(dice.randrange(9))]),
    "c_object": of(pa.struct([("a", pa.int8()), ("b", pa.list_(pa.struct([("c", pa.string())])))]),
                   lambda dice: {"a": dice.randrange(9), "b": [{"c": word(dice)}]}),
    "c_map": of(pa.map_(pa.string(), pa.int32()), lambda dice: [("k", dice.randrange(9))]),
    "c_uuid": uuids,
}  # fmt: skip

FEATURES = json.dumps({"info": {"features": {"c_class": {"names": ["no", "yes", "maybe"], "_type": "ClassLabel"}}}})


def with_typed_columns(table: pa.Table, dice: random.Random, *, some: int | None = None) -> pa.Table:
    """The table with some of these columns, or all, anywhere among its own, and with metadata."""
    names = dice.sample(list(TYPED), some or len(TYPED))
    fields, columns = list(table.schema), list(table.columns)
    for name in names:
        place, array = dice.randint(0, len(fields)), TYPED[name](len(table), dice)
        columns.insert(place, pa.chunked_array([array]))
        fields.insert(place, pa.field(name, array.type, metadata={"unit": "kg"} if dice.random() < 0.3 else None))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, {"huggingface": FEATURES, "mine": "yes"}))
