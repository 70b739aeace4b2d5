"""Puts this folder on the path, for the tests to import ``warc_bytes``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
