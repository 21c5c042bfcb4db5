# shellcheck shell=bash
# A private PostgreSQL and a private Redis for one checkout: on loopback, on free ports, with a random password, as an
# unprivileged user, in a folder of their own. Whatever DATABASE_URL or REDIS_URL already name is used instead.
#
# Every script that uses an instance holds a shared lock on it. Who leaves last stops it, so two scripts can share one,
# and what a killed script left behind is found by the next one: the kernel dropped its lock.

# The user that runs the servers when root calls: PostgreSQL refuses root, and Redis needs none of its rights.
readonly SERVICE_USER=postgres

SERVICE_DIR=
SERVICE_KIND=
SERVICE_LOCK=

# start_services KIND: KIND is "server" or "demo" (kept, safe, apart from each other: demo sign-ins never meet real
# data), "bench" or "faults" (as safe, made anew each time), or "test" or "fresh" (made anew each time, fast, lost in a
# power cut).
# Exports DATABASE_URL and REDIS_URL, and for a PostgreSQL of its own SEAL_KEY.
start_services() {
  SERVICE_KIND=$1
  if [[ -n ${DATABASE_URL:-} && -n ${REDIS_URL:-} ]]; then
    say "using the PostgreSQL and the Redis that DATABASE_URL and REDIS_URL name"
    return 0
  fi
  choose_service_dir
  lock_services
  [[ -n ${DATABASE_URL:-} ]] || start_postgres
  [[ -n ${REDIS_URL:-} ]] || start_redis
  share_lock
}

# Hands the services to the tests under the names they read, and under no other, so that no test can take a configured
# database for its own by mistake.
export_test_services() {
  export TEST_DATABASE_URL=${TEST_DATABASE_URL:-$DATABASE_URL} TEST_REDIS_URL=${TEST_REDIS_URL:-$REDIS_URL}
  unset DATABASE_URL REDIS_URL
}

is_throwaway() { [[ $SERVICE_KIND =~ ^(test|fresh|bench|faults)$ ]]; }
# Safe in a power cut, as a host has it; so is what is measured.
is_safe() { [[ ! $SERVICE_KIND =~ ^(test|fresh)$ ]]; }

# --- where and as whom ----------------------------------------------------------------------------------------------

# Runs a command as the user that owns the services, in their folder. Passwords go to it in the environment: a command
# line can be read by everybody.
as_service() {
  if ((EUID == 0)); then
    (cd "$SERVICE_DIR" && exec setpriv --reuid "$SERVICE_USER" --regid "$SERVICE_USER" --init-groups "$@")
  else
    (cd "$SERVICE_DIR" && exec "$@")
  fi
}

# The folder is .data/KIND in the checkout. Where root's checkout lies in a place that the service user may not enter
# (such as /root), it is a folder under /var/lib instead.
choose_service_dir() {
  SERVICE_DIR=$DATA_DIR/$SERVICE_KIND
  mkdir -p "$SERVICE_DIR"
  if ((EUID == 0)); then
    id "$SERVICE_USER" >/dev/null 2>&1 || as_root useradd --system --no-create-home "$SERVICE_USER"
    chown "$SERVICE_USER:" "$SERVICE_DIR"
    if ! setpriv --reuid "$SERVICE_USER" --regid "$SERVICE_USER" --init-groups test -w "$SERVICE_DIR" 2>/dev/null; then
      rmdir "$SERVICE_DIR" 2>/dev/null || true
      SERVICE_DIR=/var/lib/rapport/$(cksum <<<"$ROOT" | cut -d ' ' -f 1)-$SERVICE_KIND
      mkdir -p "$SERVICE_DIR"
      chown "$SERVICE_USER:" "$SERVICE_DIR"
      say "$ROOT cannot be entered by the user $SERVICE_USER: the databases are kept in $SERVICE_DIR"
    fi
  fi
  chmod 700 "$SERVICE_DIR"
}

# Takes the lock for oneself while looking and starting. Waits for a script that is just doing the same, not for one
# that is at work: that one holds the lock "use", and this one the lock "start".
lock_services() {
  exec 7>"$SERVICE_DIR/start.lock" 9>"$SERVICE_DIR/use.lock"
  flock 7
  SERVICE_LOCK=alone
  flock -n -x 9 || SERVICE_LOCK=shared
  on_exit stop_services
}

share_lock() {
  flock -s 9
  flock -u 7
}

# Nothing that is started here may inherit the locks, or they would outlive the script.
without_locks() { "$@" 7>&- 8>&- 9>&-; }

# A port that nobody listens on, below the range from which the system gives out its own.
free_port() {
  local port tries
  for ((tries = 0; tries < 200; tries++)); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    port_is_free "$port" && break
  done
  printf '%s' "$port"
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

random_secret() { od -An -N 32 -t x1 /dev/urandom | tr -d ' \n'; }

# secret NAME: the secret of that name, made at its first use; readable by its owner only.
secret() {
  local file=$SERVICE_DIR/$1.secret
  [[ -s $file ]] || (umask 077 && random_secret >"$file")
  cat "$file"
}

# True if the process works in the given folder: a process id from a stale file may belong to somebody else by now.
process_works_in() {
  [[ -n $1 && $(readlink "/proc/$1/cwd" 2>/dev/null) == "$2" ]]
}

processes_in() {
  local process
  for process in /proc/[0-9]*; do
    if process_works_in "${process#/proc/}" "$1"; then printf '%s\n' "${process#/proc/}"; fi
  done
}

nobody_works_in() { [[ -z $(processes_in "$1") ]]; }

# end_strays FOLDER SIGNAL: ends what still works in a data folder though no process-id file leads to it: helper
# processes of a killed server, or a server whose file is gone. Two servers on one folder would ruin it.
end_strays() {
  local process
  ! nobody_works_in "$1" || return 0
  for process in $(processes_in "$1"); do kill "-$2" "$process" 2>/dev/null || true; done
  wait_until 10 nobody_works_in "$1" || fail "Processes still use $1: $(processes_in "$1" | tr '\n' ' ')"
}

# A process that has ended but was not yet waited for has no program any more.
process_is_gone() { ! readlink "/proc/$1/exe" >/dev/null 2>&1; }

# wait_until SECONDS COMMAND...: repeats the command until it succeeds.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}

# --- PostgreSQL -----------------------------------------------------------------------------------------------------

postgres_pid() { head -n 1 "$SERVICE_DIR/postgres/postmaster.pid" 2>/dev/null || true; }
postgres_runs() { process_works_in "$(postgres_pid)" "$SERVICE_DIR/postgres"; }

# The tools' folder is spelled out: Debian keeps PostgreSQL's off the PATH.
postgres_tool() {
  local tool
  tool=$(postgres_bin)/$1
  shift
  PGPASSWORD=$(secret postgres) PGCONNECT_TIMEOUT=5 without_locks as_service "$tool" "$@"
}

postgres_answers() {
  postgres_tool psql -X -q -h 127.0.0.1 -p "$(cat "$SERVICE_DIR/postgres.port")" -U rapport -d postgres -c 'SELECT 1'
}

start_postgres() {
  local data=$SERVICE_DIR/postgres
  if postgres_runs; then
    if [[ $SERVICE_LOCK == shared ]] && wait_until 10 postgres_answers; then
      export_postgres
      return 0
    fi
    # Left over by a script that was killed: started anew, so that its settings are today's.
    stop_postgres
  fi
  end_strays "$data" QUIT
  ! is_throwaway || rm -rf "$data"
  [[ -s $data/PG_VERSION ]] || init_postgres
  same_postgres_version
  # A stale file whose process id now belongs to another process would keep PostgreSQL from starting.
  rm -f "$data/postmaster.pid"
  run_postgres
  make_database
  export_postgres
}

init_postgres() {
  local log=$SERVICE_DIR/initdb.log options=(--auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8)
  ! is_throwaway || options+=(--no-sync)
  say "making a PostgreSQL for this checkout"
  rm -rf "$SERVICE_DIR/postgres"
  secret postgres >/dev/null
  ((EUID != 0)) || chown "$SERVICE_USER:" "$SERVICE_DIR/postgres.secret"
  if ! postgres_tool initdb -D "$SERVICE_DIR/postgres" -U rapport --pwfile="$SERVICE_DIR/postgres.secret" \
    "${options[@]}" >"$log" 2>&1; then
    rm -rf "$SERVICE_DIR/postgres"
    show_failure "initdb" "$log" 1
    fail "PostgreSQL could not be set up."
  fi
}

same_postgres_version() {
  local stored installed
  stored=$(cat "$SERVICE_DIR/postgres/PG_VERSION")
  installed=$(postgres_tool postgres --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
  [[ $stored == "$installed" ]] || fail "The data in $SERVICE_DIR/postgres belong to PostgreSQL $stored, but $installed is
installed. Install PostgreSQL $stored again, or move that folder away to start with an empty database."
}

# Small enough for a laptop. Only the instances of tests trade safety for speed.
postgres_settings() {
  cat <<-END
	listen_addresses = '127.0.0.1'
	unix_socket_directories = ''
	port = $1
	max_connections = 200
	shared_buffers = 128MB
	log_min_messages = warning
	timezone = 'UTC'
	log_timezone = 'UTC'
	END
  is_safe || cat <<-END
	fsync = off
	synchronous_commit = off
	full_page_writes = off
	max_wal_size = 2GB
	autovacuum_naptime = 10min
	max_connections = 400
	END
}

# Another program may take the port in the moment between looking and starting, and processes of a killed server may
# need some seconds to go: hence several tries.
run_postgres() {
  local port try log=$SERVICE_DIR/postgres.log
  port=$(cat "$SERVICE_DIR/postgres.port" 2>/dev/null || true)
  : >"$log"
  ((EUID != 0)) || chown "$SERVICE_USER:" "$log"
  for try in 1 2 3 4 5 6; do
    if [[ -z $port ]] || ! port_is_free "$port"; then port=$(free_port); fi
    postgres_settings "$port" >"$SERVICE_DIR/postgres/postgresql.conf"
    printf '%s\n' "$port" >"$SERVICE_DIR/postgres.port"
    if postgres_tool pg_ctl -D "$SERVICE_DIR/postgres" -l "$log" -w -t 60 -s start >/dev/null 2>&1 &&
      wait_until 10 postgres_answers; then
      return 0
    fi
    say "PostgreSQL is not up yet (try $try)"
    sleep 2
  done
  show_failure "starting PostgreSQL" "$log" 1
  fail "PostgreSQL did not start."
}

make_database() {
  local port
  port=$(cat "$SERVICE_DIR/postgres.port")
  postgres_tool psql -X -q -A -t -h 127.0.0.1 -p "$port" -U rapport -d postgres \
    -c "SELECT 1 FROM pg_database WHERE datname = 'rapport'" | grep -q 1 ||
    postgres_tool createdb -h 127.0.0.1 -p "$port" -U rapport rapport
}

export_postgres() {
  DATABASE_URL=postgres://rapport:$(secret postgres)@127.0.0.1:$(cat "$SERVICE_DIR/postgres.port")/rapport
  # Its journal is sealed. The key lies beside it, which is good enough for one's own machine only.
  SEAL_KEY=${SEAL_KEY:-$(secret seal)}
  export DATABASE_URL SEAL_KEY
}

# "fast" ends open connections; a server that does not go in time is ended without its checkpoint, which costs nothing
# but a recovery at the next start.
stop_postgres() {
  postgres_runs || return 0
  postgres_tool pg_ctl -D "$SERVICE_DIR/postgres" -m fast -w -t 20 -s stop >/dev/null 2>&1 ||
    postgres_tool pg_ctl -D "$SERVICE_DIR/postgres" -m immediate -w -t 10 -s stop >/dev/null 2>&1 || true
}

# --- Redis ----------------------------------------------------------------------------------------------------------

redis_pid() { cat "$SERVICE_DIR/redis/redis.pid" 2>/dev/null || true; }
redis_runs() { process_works_in "$(redis_pid)" "$SERVICE_DIR/redis"; }

redis_tool() {
  REDISCLI_AUTH=$(secret redis) without_locks as_service redis-cli -h 127.0.0.1 \
    -p "$(cat "$SERVICE_DIR/redis.port")" "$@"
}

redis_answers() { [[ $(redis_tool PING 2>/dev/null) == PONG ]]; }

start_redis() {
  local data=$SERVICE_DIR/redis
  if redis_runs; then
    if [[ $SERVICE_LOCK == shared ]] && wait_until 10 redis_answers; then
      export_redis
      return 0
    fi
    stop_redis
  fi
  end_strays "$data" TERM
  ! is_throwaway || rm -rf "$data"
  mkdir -p "$data"
  rm -f "$data/redis.pid"
  ((EUID != 0)) || chown "$SERVICE_USER:" "$data"
  run_redis
  export_redis
}

redis_settings() {
  cat <<-END
	bind 127.0.0.1
	port $1
	protected-mode yes
	requirepass $(secret redis)
	dir $SERVICE_DIR/redis
	pidfile $SERVICE_DIR/redis/redis.pid
	logfile $SERVICE_DIR/redis.log
	daemonize yes
	save ""
	END
  if is_safe; then echo 'appendonly yes'; else echo 'appendonly no'; fi
}

run_redis() {
  local port try config=$SERVICE_DIR/redis.conf log=$SERVICE_DIR/redis.log
  port=$(cat "$SERVICE_DIR/redis.port" 2>/dev/null || true)
  (umask 077 && : >"$config" && : >"$log")
  ((EUID != 0)) || chown "$SERVICE_USER:" "$config" "$log"
  for try in 1 2 3 4 5 6; do
    if [[ -z $port ]] || ! port_is_free "$port"; then port=$(free_port); fi
    redis_settings "$port" >"$config"
    printf '%s\n' "$port" >"$SERVICE_DIR/redis.port"
    without_locks as_service redis-server "$config" >/dev/null 2>&1 || true
    wait_until 10 redis_answers && return 0
    say "Redis is not up yet (try $try)"
  done
  show_failure "starting Redis" "$log" 1
  fail "Redis did not start."
}

export_redis() {
  REDIS_URL=redis://default:$(secret redis)@127.0.0.1:$(cat "$SERVICE_DIR/redis.port")/0
  export REDIS_URL
}

redis_is_gone() { ! redis_runs; }

stop_redis() {
  redis_runs || return 0
  redis_tool SHUTDOWN >/dev/null 2>&1 || kill -TERM "$(redis_pid)" 2>/dev/null || true
  wait_until 10 redis_is_gone || kill -KILL "$(redis_pid)" 2>/dev/null || true
}

# --- the end --------------------------------------------------------------------------------------------------------

# Stops the private servers, unless another script still uses them. Servers from the environment are never touched.
stop_services() {
  flock 7 2>/dev/null
  if flock -w 1 -x 9 2>/dev/null; then
    stop_redis
    stop_postgres
  fi
  exec 7>&- 9>&-
}
