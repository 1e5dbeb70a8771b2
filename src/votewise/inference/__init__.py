"""The mathematics: pure functions of arrays, without input or output."""
