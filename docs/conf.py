"""Configuration of the documentation site.

    pip install -e ".[docs]" && sphinx-build -W --keep-going docs docs/_build/html

The build runs the examples on drawn faces, and requires no network.
"""

import os

import sk_fer
from sk_fer import __version__

os.environ.pop("SK_FER_DATA", None)  # the examples then use drawn faces

project = "sk_fer"
author = "The sk_fer developers"
project_copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "auto_examples/*.ipynb", "auto_examples/*.md5"]
templates_path = ["_templates"]
myst_heading_anchors = 3
smartquotes = False
toc_object_entries_show_parents = "hide"

autodoc_inherit_docstrings = False  # methods of torch are not documented again
autodoc_typehints = "none"  # the docstrings describe the types
autosummary_generate = True
autosummary_context = {
    "of_sk_fer": sk_fer.__all__,
    "data": {
        "sk_fer.estimators": {"NETWORKS": "The table of networks by name."},
        "sk_fer.metrics": {
            "SCORERS": "Scorers by name, for searches and cross-validation. They take a fitted "
            "classifier, images, and labels or soft targets. Larger values are better."
        },
        "sk_fer.persistence": {
            "SKOPS_TRUSTED": "The names of types that skops must trust to load our estimators."
        },
    },
}
autosummary_imported_members = True
autosummary_ignore_module_all = False
numpydoc_show_class_members = False  # the templates list them

# All references to objects of sk_fer must lead to a page. Those to other packages are not links.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!sk_fer\b).*")]
suppress_warnings = ["ref.term"]  # of the glossary of scikit-learn

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    # Those that are left out take minutes, or write a file that is given as an argument.
    "filename_pattern": r"examples/(?!cross_dataset|nested_cv|optuna_study|predicted_faces"
    r"|score_folder_dask|transfer)",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": False,
    "only_warn_on_example_error": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "capture_repr": (),
    "show_memory": False,
    "min_reported_time": 1,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "sk_fer"
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
}
html_sidebars = {"index": [], "getting_started": []}
html_show_sourcelink = False


def skip_other_packages(app, what, name, obj, skip, options):
    """Leave out the methods that scikit-learn, torch and skorch document."""
    module = getattr(getattr(obj, "fget", obj), "__module__", None) or "sk_fer"
    return skip or not module.startswith("sk_fer")


def setup(app):
    """Connect the function that chooses the members of classes."""
    app.connect("autodoc-skip-member", skip_other_packages)
