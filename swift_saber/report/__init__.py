"""What people look at: answers and scores on one page that needs no network."""
