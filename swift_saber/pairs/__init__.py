"""From clips to preference pairs: candidates are sampled, judged, scored, and chosen from."""
