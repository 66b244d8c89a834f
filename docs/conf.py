"""How the site is built: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from rethinkdb.version import __version__  # noqa: E402  # the path must be set first

project = "rethinkdb-loops"
author = "the rethinkdb-loops contributors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
extensions += ["sphinx.ext.viewcode", "sphinx_copybutton"]
extensions += [
    "command_line",
    "commands",
    "docstrings",
    "layers",
    "loop_reference",
]  # ours, in _ext
exclude_patterns = ["_build", "_ext"]

# What a program prints is marked as such, and has no button: nobody wants to paste it.
copybutton_selector = "div:not(.highlight-output) > div.highlight > pre"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Docstrings write `names` in single backticks, and are read in editors as much as here.
default_role = "literal"

# Annotations say `Connection`, and each loop has one: the link goes to the first.
suppress_warnings = ["ref.python"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
add_module_names = False
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"rethinkdb-loops {release}"
# Each page has a button that shows its Markdown.
html_copy_source = True
html_sourcelink_suffix = ""
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"top_of_page_buttons": ["view"]}
