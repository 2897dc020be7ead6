"""Scores of models' answers on EmoBench-M, EMER, MER-UniBench and SABER-Test, and what they rest on."""
