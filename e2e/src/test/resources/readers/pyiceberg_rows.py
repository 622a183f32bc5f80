"""Prints a table's rows, id, name and town parted by bars, as PyIceberg reads them.

Arguments: the table's metadata file and, for an earlier state, the id of a snapshot.
"""

import sys

from pyiceberg.table import StaticTable

table = StaticTable.from_metadata(sys.argv[1])
snapshot = int(sys.argv[2]) if len(sys.argv) > 2 else None
rows = table.scan(snapshot_id=snapshot).to_arrow()
for row in rows.sort_by("id").to_pylist():
    print(row["id"], row["name"], row.get("town"), sep="|")
