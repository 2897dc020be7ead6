"""Scores of models' answers on benchmarks (benchmarks/), and what they rest on."""
