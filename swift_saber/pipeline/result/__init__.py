"""What a run leaves for people and for training: the dataset, its card, the report."""
