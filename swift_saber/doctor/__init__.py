"""What is wrong with machine, packages, settings and model, before a long run."""
