#!/bin/sh
# A private Postgres for the tests: no password, loopback only, nothing kept.
#
#   tests/postgres.sh start   prints the URL to put into TOCSIN_TEST_POSTGRES
#   tests/postgres.sh stop    stops it and removes its files
#
# TOCSIN_TEST_POSTGRES_FSYNC=on makes commits as durable as in use, for benchmarks; tests do without.
# TOCSIN_TEST_POSTGRES_DIR names its directory (default: a fixed one under the temporary directory), so that `stop` finds
# what `start` made. Needs the server programs of Debian's postgresql package; initdb refuses to run as root, so root
# runs them as the user postgres.
set -eu

fsync=${TOCSIN_TEST_POSTGRES_FSYNC:-off}
dir=${TOCSIN_TEST_POSTGRES_DIR:-${TMPDIR:-/tmp}/tocsin-test-postgres}

bin=$(dirname "$(command -v pg_ctl || ls -d /usr/lib/postgresql/*/bin/pg_ctl 2>/dev/null | sort -V | tail -n 1)")
if [ ! -x "$bin/initdb" ]; then
  echo "tests/postgres.sh: no Postgres server programs found (Debian: apt install postgresql)" >&2
  exit 1
fi

as_owner() {
  if [ "$(id -u)" = 0 ]; then
    runuser -u postgres -- "$@"
  else
    "$@"
  fi
}

url() {
  echo "postgres://postgres@127.0.0.1:$(cat "$dir/port")/postgres"
}

case ${1:-} in
  start)
    if [ -f "$dir/port" ] && as_owner "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then
      url
      exit 0
    fi
    rm -rf "$dir"
    mkdir -p "$dir"
    [ "$(id -u)" != 0 ] || chown postgres "$dir"
    as_owner "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 ||
      { cat "$dir/log" >&2; exit 1; }
    # Ports are tried until one is free: the server itself finds out.
    port=$((20000 + $$ % 20000))
    tries=0
    until as_owner "$bin/pg_ctl" -D "$dir/data" -w -t 30 -l "$dir/data/server.log" -o "-p $port -k '' \
        -c listen_addresses=127.0.0.1 -c fsync=$fsync -c full_page_writes=$fsync -c max_connections=200" \
        start >"$dir/log" 2>&1; do
      tries=$((tries + 1))
      [ "$tries" -lt 10 ] || { cat "$dir/log" "$dir/data/server.log" >&2; exit 1; }
      port=$((port + 7))
    done
    echo "$port" >"$dir/port"
    url
    ;;
  stop)
    if [ -d "$dir/data" ]; then
      as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true
    fi
    rm -rf "$dir"
    ;;
  *)
    echo "usage: tests/postgres.sh start|stop" >&2
    exit 2
    ;;
esac
