"""A table's rows with their columns as attributes, the form in which every page and chart reads them."""

from collections.abc import Iterator
from typing import Any

import pandas as pd


def rows_of(table: pd.DataFrame) -> Iterator[Any]:
    """Yield a table's rows as named tuples, without its index.

    A row is Any: what a column holds is known when the program runs, and pandas' own types allow every cell everything.
    """
    yield from table.itertuples(index=False)
