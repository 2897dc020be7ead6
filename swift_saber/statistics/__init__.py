"""How sure a number is: bootstrap intervals, and how far raters agree."""
