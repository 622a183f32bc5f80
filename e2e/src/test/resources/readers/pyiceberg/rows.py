"""Writes the rows of tables, id, name and town parted by bars, as PyIceberg reads them.

Arguments: a file to write, then the tables' metadata files. Each table's rows follow a line that
begins with a #.
"""

import sys

from pyiceberg.table import StaticTable

with open(sys.argv[1], "w", encoding="utf-8") as out:
    for metadata in sys.argv[2:]:
        print("#", metadata, file=out)
        rows = StaticTable.from_metadata("file://" + metadata).scan().to_arrow()
        for row in rows.sort_by("id").to_pylist():
            print(row["id"], row["name"], row["town"] or "null", sep="|", file=out)
