"""The results of ``sk-fer search`` as a table and a file."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

from sk_fer._cli._console import console, say
from sk_fer._cli._outputs import write_file
from sk_fer._cli._search_space import short_names
from sk_fer.model_selection._journal import read_fits


def save_results(results: pd.DataFrame, file: Path) -> None:
    """Print the candidates and write them to a file."""
    say("\n[bold]Accuracy over the folds[/]")
    console.print(_candidates_table(results))
    write_file(file, lambda path: results.to_csv(path, index=False))


def finished_results(folder: Path, names: Mapping[str, str]) -> pd.DataFrame | None:
    """Return the scores in a journal, or None if no fit has finished.

    There is a row for each candidate and, with halving, number of epochs. `names` has descriptions
    of candidates by their hashes, which are clearer than those in the journal.
    """
    fits = list(read_fits(folder))
    if not fits:
        return None
    table = pd.DataFrame(
        {
            "candidate": candidate,
            "params": names.get(candidate, short_names(text)),
            "n_resources": n_epochs,
            "score": result["test_scores"],
            "seconds": result["fit_time"],
        }
        for candidate, text, n_epochs, result in fits
    )
    rows = table.groupby(["candidate", "n_resources"], dropna=False, as_index=False, sort=False)
    results = rows.agg(
        params=("params", "first"),
        n_finished_folds=("score", "size"),
        mean_test_score=("score", "mean"),
        std_test_score=("score", partial(np.std, ddof=0)),
        mean_fit_time=("seconds", "mean"),
    )
    ranks = results["mean_test_score"].rank(ascending=False, method="min")
    results = results.drop(columns="candidate").assign(rank_test_score=ranks.astype(int))
    return results if results["n_resources"].notna().all() else results.drop(columns="n_resources")


def _candidates_table(results: pd.DataFrame) -> Table:
    """Return the candidates, the best first. With halving, those with more epochs come first."""
    table = Table(box=box.SIMPLE)
    for name in ("rank", "mean", "spread", "seconds per fit"):
        table.add_column(name, justify="right")
    more = {"epochs": "n_resources", "folds": "n_finished_folds"}
    more = {name: column for name, column in more.items() if column in results}
    for name in more:
        table.add_column(name, justify="right")
    table.add_column("parameters", overflow="fold")
    one_fold = "split0_test_score" in results and "split1_test_score" not in results
    order = [each for each in ("n_resources", "mean_test_score") if each in results]
    for row in results.sort_values(order, ascending=False).to_dict("records"):
        failed = pd.isna(row["mean_test_score"])
        numbers = [
            f"{row['rank_test_score']}",
            "failed" if failed else f"{row['mean_test_score']:.1%}",
            "-" if failed or one_fold else f"{row['std_test_score']:.1%}",
            f"{row['mean_fit_time']:.1f}",
        ]
        numbers += [f"{row[column]}" for column in more.values()]
        table.add_row(*numbers, escape(row["params"]))
    return table
