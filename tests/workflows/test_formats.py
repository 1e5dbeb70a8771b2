import votewise
from votewise.sources import FORMATS


def test_formats_are_a_table() -> None:
    table = votewise.formats()
    assert table.column_names == ["name", "description"]
    assert table["name"].to_pylist() == list(FORMATS)
    assert all(table["description"].to_pylist())
