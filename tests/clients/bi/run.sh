#!/usr/bin/env bash
# psql and DuckDB read what a BI login may read, over the loopback, from a demonstration on a PostgreSQL of its own.
#   tests/clients/bi/run.sh PROGRAM        PROGRAM is a built quarterdeck
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
program="$(realpath "${1:?the program is missing: run make bi-clients}")"

folder="$(mktemp -d)"
chmod 755 "$folder" # PostgreSQL may run as another user
server=""
leave() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    rm -rf "$folder"
}
trap leave EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/requirements.txt"

unset DATABASE_URL
export QUARTERDECK_DATA="$folder/data" QUARTERDECK_LOG=warn
listen="$("$folder/venv/bin/python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print("127.0.0.1:%d" % s.getsockname()[1])')"
"$program" demo --no-serve
"$program" serve --listen 127.0.0.1:0 --bi-listen "$listen" >"$folder/serving" &
server=$!
for _ in $(seq 300); do
    grep -q http "$folder/serving" && break
    kill -0 "$server"
    sleep 0.1
done
url="$("$program" bi grant --tenant demo --login demo_bi | grep ^postgresql://)"

psql="psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1"
sums="SELECT status, count(*), coalesce(sum(amount_minor), 0) FROM bi.deal_now GROUP BY status ORDER BY status"
$psql --field-separator ' ' --command "$sums" "$url" | tee "$folder/psql"
test -s "$folder/psql"
$psql --command "DELETE FROM bi.deal_now" "$url" 2>"$folder/refused" && { echo "psql could delete" >&2; exit 1; }
grep -Eq 'permission denied|read-only transaction' "$folder/refused"

"$folder/venv/bin/python" "$here/read.py" "$url" "$folder/psql"
"$program" bi revoke --login demo_bi
$psql --command "SELECT 1" "$url" 2>/dev/null && { echo "a revoked login still reads" >&2; exit 1; }
echo "psql and DuckDB read the same figures, and write nothing"
