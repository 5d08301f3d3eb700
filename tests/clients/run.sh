#!/bin/sh
# Tries the server with programs of others: starts it on a free port of the loopback with a data folder of its own, runs
# them, stops it. QUARTERDECK_BIN names the built server.
set -eu
cd "$(dirname "$0")"
bin=${QUARTERDECK_BIN:-../../target/debug/quarterdeck}
if ! command -v npm >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nodejs npm
    else
        echo "Node 18 or newer with npm is needed to try the server with other programs: install nodejs and npm" >&2
        exit 1
    fi
fi
npm ci --no-audit --no-fund --silent

home=$(mktemp -d "${TMPDIR:-/tmp}/quarterdeck-clients-XXXXXX")
chmod 755 "$home"
unset DATABASE_URL
server=
ended() {
    status=$?
    trap - EXIT
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    rm -rf "$home"
    exit "$status"
}
trap ended EXIT
trap 'exit 130' INT TERM

"$bin" --data "$home/data" --log warn tenant create clients --currency USD --timezone UTC >/dev/null
"$bin" --data "$home/data" --log warn serve --listen 127.0.0.1:0 >"$home/out" &
server=$!
url=
for _ in $(seq 300); do
    url=$(sed -n 's/.*GraphQL at \(http[^)]*\)).*/\1/p' "$home/out")
    [ -n "$url" ] && break
    kill -0 "$server" || exit 1
    sleep 0.1
done
[ -n "$url" ] || { echo "the server did not say where it serves" >&2; exit 1; }
node audits.mjs "$url"
