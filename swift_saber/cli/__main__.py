"""python -m swift_saber.cli COMMAND, where the command swift-saber is not on the path."""

import sys

from swift_saber.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
