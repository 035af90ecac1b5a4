"""``sk-fer data``: what a data set contains, without a training."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table
from sklearn.utils import Bunch

from sk_fer._cli import _options as opt
from sk_fer._cli._console import console, say
from sk_fer._cli._data import Source, read_bunch
from sk_fer._cli._outputs import check_output, output_folder, write_figure
from sk_fer._cli._report import show_format
from sk_fer.datasets._read_images import SizesDifferError

EXAMPLES = """
Examples:

sk-fer data fer2013.csv

sk-fer data RAF-DB/basic --out rafdb-description
"""

SHEET = "contact_sheet.png"

# The size for images of different sizes, which are compared for copies and shown.
_SIDE = 64
_MOST_SIZES = 6


def data(
    data: opt.Data = None,
    data_format: opt.Format = "auto",
    ferplus: opt.Ferplus = None,
    classes: opt.Classes = None,
    image_size: opt.ImageSize = None,
    color: opt.Color = False,
    skip_bad: opt.SkipBad = False,
    seed: opt.Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            parser=opt.local_path,
            help="Folder for a contact sheet, a PNG file with some images of each class.",
        ),
    ] = None,
    force: opt.Force = False,
) -> None:
    """Describe a data set without training a model: its classes, splits, sizes, copies and groups.

    Sentences that begin with ! say what looks wrong. Images of different sizes are resized to 64 x
    64 pixels to be compared, unless --image-size is given.
    """
    from sk_fer.inspection import ContactSheetDisplay
    from sk_fer.model_selection import describe_faces

    source = Source(
        data, ferplus, classes, image_size, skip_bad, seed=seed, color=color, format=data_format
    )
    if out is not None:
        check_output(out, [SHEET], force=force)
    try:
        bunch = read_bunch(source)
    except SizesDifferError:
        bunch = read_bunch(replace(source, image_size=_SIDE))
    show_description(source.name, bunch, describe_faces(bunch))
    if out is None:
        return
    from matplotlib.figure import Figure

    with output_folder(out):
        figure = Figure(layout="constrained")
        display = ContactSheetDisplay.from_bunch(bunch, random_state=seed, ax=figure.subplots())
        height, width = display.sheet.shape[:2]
        figure.set_size_inches(1.2 + width / 100, height / 100)
        write_figure(out / SHEET, figure)
    say(escape(f"Wrote {out / SHEET}"))


def show_description(name: str, bunch: Bunch, description: Bunch) -> None:
    """Print the description of a data set."""
    shape = " x ".join(map(str, description.image_shape))
    say(f"[bold]{escape(name)}[/]: {len(bunch.images):,} images of {shape} in memory")
    show_format(bunch.format)
    table = Table(box=box.SIMPLE, show_footer=True, footer_style="bold")
    table.add_column("class", footer="all")
    for split in description.counts.columns:
        table.add_column(split, footer=f"{description.counts[split].sum():,}", justify="right")
    for label, row in description.counts.iterrows():
        table.add_row(escape(str(label)), *(f"{count:,}" for count in row))
    console.print(table)
    if description.file_sizes:
        sizes = [f"{h} x {w} ({n:,})" for (h, w), n in description.file_sizes.items()]
        more = f" and {len(sizes) - _MOST_SIZES:,} others" if len(sizes) > _MOST_SIZES else ""
        say(f"Files (height x width): {', '.join(sizes[:_MOST_SIZES])}{more} pixels.")
        kinds = [f"{kind} ({n:,})" for kind, n in description.file_kinds.items()]
        say(escape(f"Formats and depths: {', '.join(kinds)}."))
    if description.groups:
        groups = description.groups
        say(
            f"Groups: {groups['n_groups']:,} of the kind {groups['kind']}, with "
            f"{groups['smallest']:,} to {groups['largest']:,} images (median "
            f"{groups['median']:g})."
        )
    else:
        say("Groups: none; the persons are not known.")
    if not description.duplicates.groups:
        say(description.duplicates.summary)
    for sentence in description.suspicious:
        say(escape(f"! {sentence}"))
