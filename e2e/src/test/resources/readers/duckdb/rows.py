"""Writes the rows of tables, id, name and town parted by bars, as DuckDB's Iceberg reader has them.

Arguments: a file to write, then the tables' metadata files. Each table's rows follow a line that
begins with a #. The extensions are those of the package index, so that nothing is downloaded here.
"""

import importlib
import pathlib
import sys

import duckdb

connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
for extension in ("avro", "iceberg"):
    package = importlib.import_module("duckdb_extension_" + extension)
    file = next(pathlib.Path(package.__file__).parent.rglob("*.duckdb_extension"))
    connection.execute(f"LOAD '{file}'")
with open(sys.argv[1], "w", encoding="utf-8") as out:
    for metadata in sys.argv[2:]:
        print("#", metadata, file=out)
        rows = connection.execute(
            "SELECT id, name, town FROM iceberg_scan(?) ORDER BY id", [metadata]
        )
        for id, name, town in rows.fetchall():
            print(id, name, town or "null", sep="|", file=out)
