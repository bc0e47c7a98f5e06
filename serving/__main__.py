"""``python -m serving``: the same as the console script ``serving``."""

import sys

from serving.cli import main

sys.exit(main())
