"""Records that people have looked at: what is shown to whom, what they said of it, how far they agree, what follows."""
