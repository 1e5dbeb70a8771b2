"""Lists of answers in one row -> comparisons that come from one judgement."""
