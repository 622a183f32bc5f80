"""Uses a lake's Iceberg catalog as anybody would: makes a table, writes, changes and reads it.

Arguments: a file to write what was read to, the catalog's address, a token.
"""

import json
import sys

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.types import StringType

out, uri, token = sys.argv[1:]
catalog = load_catalog("tonle", **{"type": "rest", "uri": uri, "token": token})
catalog.create_namespace("lab")
first = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", "b", "c"]})
table = catalog.create_table("lab.people", schema=first.schema)
table.append(first)
before = table.current_snapshot().snapshot_id
table.append(pa.table({"id": pa.array([4], pa.int64()), "name": ["d"]}))
table.upsert(pa.table({"id": pa.array([3], pa.int64()), "name": ["C"]}), join_cols=["id"])
with table.update_schema() as update:
    update.add_column("town", StringType())
table.append(pa.table({"id": pa.array([5], pa.int64()), "name": ["e"], "town": ["Rome"]}))


def names(scan):
    return [row["name"] for row in scan.to_arrow().sort_by("id").to_pylist()]


again = catalog.load_table("lab.people")
read = {
    "all": names(again.scan()),
    "filtered": names(again.scan(row_filter="id > 2")),
    "towns": [row["town"] for row in again.scan(row_filter="town is not null").to_arrow().to_pylist()],
    "before": names(again.scan(snapshot_id=before)),
    "tables": [name for _, name in catalog.list_tables("lab")],
    "gc": again.properties["gc.enabled"],
}
with open(out, "w", encoding="utf-8") as file:
    json.dump(read, file)
