#!/bin/sh
# Tries the server with tokens of a real OpenID provider, on the loopback. QUARTERDECK_BIN names the built server.
set -eu
cd "$(dirname "$0")"
npm ci --no-audit --no-fund --silent
unset DATABASE_URL
exec node provider.mjs "${QUARTERDECK_BIN:-../../../target/debug/quarterdeck}"
