#!/bin/sh
# Installs PostgreSQL's server from the system's packages when it is missing, and makes no default cluster.
set -eu

# What the program asks of an installation: version 15 or newer, and these programs.
fits() {
    for program in postgres initdb pg_ctl pg_dump pg_restore; do
        [ -x "$1/$program" ] || return 1
    done
    major=$("$1/postgres" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
    [ "${major:-0}" -ge 15 ]
}

found() {
    postgres=$(command -v postgres 2>/dev/null) && fits "$(dirname "$(readlink -f "$postgres")")" && return 0
    command -v pg_config >/dev/null 2>&1 && fits "$(pg_config --bindir)" && return 0
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin; do
        fits "$folder" && return 0
    done
    return 1
}

found && exit 0
if command -v apt-get >/dev/null 2>&1; then
    install=$(cat "$(dirname "$0")/install-with-apt.sh")
elif command -v dnf >/dev/null 2>&1; then
    install='dnf install -y -q postgresql-server'
elif command -v brew >/dev/null 2>&1; then
    install='brew install postgresql@17'
else
    echo "PostgreSQL 15 or newer is needed: install its server with this system's package manager" >&2
    exit 1
fi
case "$install" in
brew*) ;;
*)
    if [ "$(id -u)" != 0 ]; then
        echo "PostgreSQL 15 or newer is needed: run as root: $install" >&2
        exit 1
    fi
    ;;
esac
echo "Installing PostgreSQL from the system's packages" >&2
sh -c "$install"
found || {
    echo "This system's packages hold no PostgreSQL 15 or newer: install one from https://www.postgresql.org/download/" >&2
    exit 1
}
