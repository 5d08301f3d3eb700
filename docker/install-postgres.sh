#!/bin/sh
# Installs PostgreSQL's server from the system's packages when it is missing, and makes no default cluster.
set -eu

found() {
    command -v postgres >/dev/null 2>&1 && return 0
    ls /usr/lib/postgresql/*/bin/postgres /opt/homebrew/opt/postgresql*/bin/postgres \
        /usr/local/opt/postgresql*/bin/postgres >/dev/null 2>&1 && return 0
    command -v pg_config >/dev/null 2>&1 && [ -x "$(pg_config --bindir)/postgres" ]
}

found && exit 0
if command -v apt-get >/dev/null 2>&1; then
    install='mkdir -p /etc/postgresql-common && { grep -qs "^create_main_cluster" /etc/postgresql-common/createcluster.conf || echo "create_main_cluster = false" >>/etc/postgresql-common/createcluster.conf; } && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql'
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
