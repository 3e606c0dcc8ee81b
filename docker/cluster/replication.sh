#!/bin/sh
# Lets the standby in, and has each commit wait for it from the next start on.
set -eu
echo 'host replication firn all scram-sha-256' >> "$PGDATA/pg_hba.conf"
psql -U firn -d firn -c "ALTER SYSTEM SET synchronous_standby_names = '*'"
