#!/bin/sh
# Makes the passwords, keys and the certificate of compose.cluster.yaml in docker/cluster/secrets, once. As root: Firn's files belong to
# the user of its container (1000), and nobody else may read them.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "docker/cluster/secrets is there already." >&2; exit 1; }
umask 077
mkdir secrets
cd secrets
random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
random > postgres.password
random > s3.user
random > s3.password
printf '%s\n%s\n' "$(cat s3.user)" "$(cat s3.password)" > s3.key
head -c 32 /dev/urandom | base64 > secret.key
cat > firn.config.json <<JSON
{
  "host": "0.0.0.0",
  "allowPlainHttpBeyondLoopback": true,
  "trustedProxies": ["172.31.88.0/24"],
  "publicUrl": "https://${FIRN_HOST:-localhost}",
  "metadata": { "engine": "postgres", "url": "postgres://firn:$(cat postgres.password)@postgres/firn" },
  "blobs": { "engine": "s3", "endpoint": "http://bucket:9000", "bucket": "firn", "accessKeyFile": "/run/secrets/s3.key" },
  "secretKeyFile": "/run/secrets/secret.key",
  "drainSeconds": 5
}
JSON
openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=${FIRN_HOST:-localhost}" -keyout key.pem -out cert.pem
cat cert.pem key.pem > certificate.pem
rm cert.pem key.pem
chown 1000:1000 firn.config.json secret.key s3.key
# haproxy (99), PostgreSQL (999) and MinIO read theirs.
chmod 644 certificate.pem postgres.password s3.user s3.password
chmod 711 .
