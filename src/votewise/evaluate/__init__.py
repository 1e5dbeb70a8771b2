"""How good is a model? Win rates with intervals, by a reward model, a language model or verdicts that are there already."""
