#!/bin/sh
# Copies the primary once, then follows it.
set -eu
PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"
export PGPASSWORD
until [ -s "$PGDATA/PG_VERSION" ]; do
  pg_basebackup -h postgres -U firn -D "$PGDATA" -X stream -R || { rm -rf "${PGDATA:?}"/*; sleep 2; }
done
chmod 700 "$PGDATA"
exec postgres
