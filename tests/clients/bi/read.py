"""DuckDB reads every BI view, finds the figures that psql found, and cannot write."""

import sys

import duckdb
import duckdb_extension_postgres_scanner
from pathlib import Path

url, figures = sys.argv[1], Path(sys.argv[2]).read_text()
package = Path(duckdb_extension_postgres_scanner.__file__).parent
extension = next(package.rglob("postgres_scanner.duckdb_extension"))

db = duckdb.connect(config={"autoinstall_known_extensions": "false"})
db.execute(f"LOAD '{extension}'")
db.execute(f"ATTACH '{url}' AS quarterdeck (TYPE postgres, SCHEMA 'bi')")

views = [name for (name,) in db.execute(
    "SELECT table_name FROM duckdb_columns() WHERE database_name = 'quarterdeck' AND schema_name = 'bi' "
    "GROUP BY table_name ORDER BY table_name").fetchall()]
assert len(views) >= 18, views
for view in views:
    rows = db.execute(f"SELECT COLUMNS(*)::VARCHAR FROM quarterdeck.bi.{view}").fetchall()
    print(f"{view}: {len(rows)} rows")
    assert rows, view

sums = db.execute(
    "SELECT status, count(*), coalesce(sum(amount_minor), 0) FROM quarterdeck.bi.deal_now GROUP BY status ORDER BY status")
found = "".join(f"{status} {count} {total}\n" for status, count, total in sums.fetchall())
assert found == figures, (found, figures)

as_of = "SELECT count(*) FROM bi.deal_as_of(now() - interval ''90 days'', bi.position_at(now()))"
(count,) = db.execute(f"SELECT * FROM postgres_query('quarterdeck', '{as_of}')").fetchone()
assert count > 0, count

for attempt in (
    "DELETE FROM quarterdeck.bi.deal_now",
    "CREATE TABLE quarterdeck.bi.mine (id integer)",
    "CALL postgres_execute('quarterdeck', 'SET default_transaction_read_only = off; CREATE TEMP TABLE mine (id int)')",
):
    try:
        db.execute(attempt)
    except duckdb.Error:
        continue
    raise AssertionError(f"DuckDB could: {attempt}")
