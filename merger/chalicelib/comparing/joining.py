"""The feeds joined on their key: the rows of any of them, and for each row which feeds have it."""

from collections.abc import Mapping, Sequence

import numpy as np

from chalicelib.feed_masks import FEEDS
from chalicelib.tables import NULL, Ints, Table, on_common_names, widened


def join(feeds: Mapping[str, Table], *, measures: Sequence[str]) -> Table:
    """All keys of all feeds: the measures in the declared order, null where the feed lacks the key, and FEEDS."""
    tables = on_common_names(list(feeds.values()))
    keys = _union([table.keys for table in tables])
    masks = np.zeros(len(keys), dtype=np.int64)
    columns: dict[str, Ints] = {}
    for bit, table in enumerate(tables):
        if len(table) == len(keys):
            masks |= 1 << bit
            columns |= table.values
            continue
        places, _ = Table(names=table.names, keys=keys, values={}).find(table.keys)
        masks[places] |= 1 << bit
        for measure, numbers in table.values.items():
            columns[measure] = np.full(len(keys), NULL, dtype=np.int64)
            columns[measure][places] = widened(numbers)  # null of a smaller type is another number
    values = {measure: columns[measure] for measure in measures} | {FEEDS: masks}
    return Table(names=tables[0].names, keys=keys, values=values)


def _union(many: Sequence[Ints]) -> Ints:
    """Ascending keys of all; the first array itself where the others have no more."""
    first, *others = sorted(many, key=len, reverse=True)
    for keys in others:
        _, here = Table(names=(), keys=first, values={}).find(keys)
        if not here.all():
            fresh = keys[~here]
            first = np.insert(first, np.searchsorted(first, fresh), fresh)
    return first
