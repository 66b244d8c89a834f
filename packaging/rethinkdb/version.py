"""The version of the shim: the driver's, or the one that a library of yours insists on."""

from __future__ import annotations

import os
import re
from pathlib import Path

_DRIVER = Path(__file__).parents[2] / "rethinkdb" / "version.py"

_stated = re.findall(r'^__version__ = "(.+)"$', _DRIVER.read_text("utf-8"), re.MULTILINE)

__version__ = os.environ.get("SHIM_VERSION") or _stated[0]
