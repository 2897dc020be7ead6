"""`report` on results with one wrong type at each of their places: refused in one line or shown, never a traceback.

    python -m tests.benchmarks.attack_files

Takes about a minute.
"""

import os
import tempfile
from collections import Counter
from pathlib import Path

from tests.attack.test_files import READ, results, spoil

if __name__ == "__main__":
    total: Counter[bool] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        made = results(Path(folder))
        os.chdir(made)
        for name in READ:
            found = spoil(made, name)
            total += found
            print(f"{name}: {found.total()} changes, {found[True]} refused in one line, {found[False]} shown")
        os.chdir("/")
    print(f"{total.total()} changes, {total[True]} refused, {total[False]} shown, no traceback")
