# shellcheck shell=bash
# The stages of script/test: what each runs, how its results are counted, and the summary.

# shellcheck disable=SC2034 # read by script/test
readonly STAGES=(format lint-native lint-wasm graph supply domain service server contract build browser restore)

# Every compile of the tests starts from nothing on a fresh machine, where an incremental one is only slower.
export CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never

# The crates of the pages and the server, as the server compiles them.
readonly PAGES=(-p rapport-kit -p rapport-appointment -p rapport-customer -p rapport-import -p rapport-admin
  -p rapport-app -p rapport-server --features rapport-app/ssr)

# --- what each stage runs -------------------------------------------------------------------------------------------

stage_format() { cargo fmt --all --check -- --color=never; }

# The pages are linted and tested as the server compiles them, and as the browser does in the next stage.
stage_lint_native() {
  cargo clippy --locked -p rapport-domain -p rapport-service -p rapport-migration -p rapport-testing -p rapport-bench \
    "${PAGES[@]}" --all-targets -- -D warnings
}

stage_lint_wasm() {
  cargo clippy --locked -p rapport-domain -p rapport-frontend --target "$WASM" -- -D warnings
}

stage_graph() { "$ROOT/script/check-graph"; }
stage_supply() { "$ROOT/script/check-supply"; }
stage_domain() { cargo test --locked --no-fail-fast -p rapport-domain; }
stage_service() { cargo test --locked --no-fail-fast -p rapport-service -p rapport-migration -p rapport-testing; }

stage_server() {
  cargo test --locked --no-fail-fast "${PAGES[@]}"
}

# Every operation of the API, by its description: what fits and what does not, each answer held against what is said of
# it. The same questions each time. The key comes in the environment, and what is kept between runs goes.
stage_contract() {
  local folder=$DATA_DIR/contract
  rm -rf "$folder" && mkdir -p "$folder" && cd "$folder" || return 1
  "$SCHEMATHESIS" --config-file "$ROOT/script/schemathesis.toml" run "$ROOT/docs/openapi.json" --url "$RAPPORT_URL" \
    --no-color || return 1
  # A key that was lost on the way would have asked nothing.
  [[ $(key_status "$SITE_PORT" /api/v1/users) == 200 ]] || {
    say "The key was not good to the end."
    return 1
  }
}

# Runs in end2end/, against the server that run_browser started. A test that passes only at the second try fails.
stage_browser() {
  cd "$ROOT/end2end" || return 1
  # The client of the API, as its description makes it, and whether the program that uses it fits.
  npx openapi-typescript "$ROOT/docs/openapi.json" -o generated/api.d.ts && npx tsc -p . || return 1
  PLAYWRIGHT_JSON_OUTPUT_NAME=$BROWSER_RESULTS npx playwright test --reporter=list,json --fail-on-flaky-tests
}

# --- running and counting -------------------------------------------------------------------------------------------

ROWS=()
FAILURES=
TOTAL_PASSED=0
TOTAL_FAILED=0

# note_stage NAME STATUS SECONDS [PASSED FAILED]: remembers a line of the summary. A stage that fails without a failing
# test (a lint, a build, a crash) counts as one failure.
note_stage() {
  local passed=${4:-0} failed=${5:-0} result=ok
  if (($2 != 0)); then
    result=FAILED
    ((failed > 0)) || failed=1
  fi
  TOTAL_PASSED=$((TOTAL_PASSED + passed))
  TOTAL_FAILED=$((TOTAL_FAILED + failed))
  ROWS+=("$(printf '%-12s %-7s %8s %8d %8d' "$1" "$result" "$(minutes "$3")" "$passed" "$failed")")
}

# Seconds as minutes with one decimal.
minutes() { printf '%d.%d' $(($1 / 60)) $(($1 % 60 / 6)); }

run_stage() {
  local name=$1 started=$SECONDS status=0 passed=0 failed=0
  # What an earlier run left is not this one's.
  rm -f "$LOG_DIR/stage-$name.log"
  case $name in
    build) build_release || status=$? ;;
    browser) run_browser || status=$? ;;
    contract) run_contract || status=$? ;;
    restore) run_restore || status=$? ;;
    *) step "stage $name" "stage_${name//-/_}" || status=$? ;;
  esac
  case $name in
    domain | service | server) read -r passed failed < <(cargo_results "$STEP_LOG") ;;
    browser) read -r passed failed < <(browser_results "$BROWSER_RESULTS") ;;
    restore) read -r passed failed < <(browser_results "$RESTORE_RESULTS") ;;
    contract) read -r passed failed < <(contract_results "$STEP_LOG") ;;
  esac
  # A test stage in which nothing ran has tested nothing.
  if [[ $name =~ ^(domain|service|server|contract|browser|restore)$ ]] && ((status == 0 && passed == 0)); then
    warn "  stage $name ran no test"
    status=1
  fi
  ((status == 0)) || FAILURES+=$(list_failures "$name")$'\n'
  note_stage "$name" "$status" $((SECONDS - started)) "$passed" "$failed"
  say "  $name: $( ((status == 0)) && echo ok || echo FAILED), $(duration $((SECONDS - started)))"
}

# What each test that failed printed, said again after the summary: in a long log it is far above its end.
list_failures() {
  local log=$LOG_DIR/stage-$1.log
  [[ -f $log ]] || return 0
  case $1 in
    domain | service | server)
      awk '/^---- .* ----$/ { left = 12 } /^failures:$/ { left = 0 } left-- > 0' "$log" | head -n 120
      ;;
    contract) awk '/^=+ FAILURES =+$/ { left = 100 } left-- > 0' "$log" ;;
    browser | restore) grep -E '^ +[0-9]+\) ' "$log" | sort -u | head -n 40 ;;
  esac | sed "s/^/  $1: /" || true
}

# "PASSED FAILED" from the result lines of all test programs in a log of cargo test.
cargo_results() {
  awk '/^test result:/ {
      for (i = 1; i < NF; i++) { if ($(i + 1) == "passed;") p += $i; if ($(i + 1) == "failed;") f += $i }
    } END { print p + 0, f + 0 }' "$1"
}

# "PASSED FAILED" from a report of Playwright; errors outside a test count too.
browser_results() {
  [[ -s $1 ]] || {
    echo 0 0
    return 0
  }
  node -e 'const r = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))
    console.log(r.stats.expected, r.stats.unexpected + r.stats.flaky + (r.errors || []).length)' "$1"
}

# "PASSED FAILED" of what schemathesis asked.
contract_results() {
  awk '/^ +[0-9]+ generated/ {
      for (i = 1; i <= NF; i++) { if ($i == "generated,") all = $(i - 1); if ($i == "found") f = $(i - 1) }
    } END { print all - f, f + 0 }' "$1"
}

print_summary() {
  say ""
  say "$(printf '%-12s %-7s %8s %8s %8s' stage result minutes passed failed)"
  printf '%s\n' "${ROWS[@]}"
  say "$(printf '%-12s %-7s %8s' all '' "$(minutes "$1")")"
  say "$FAILURES"
  say "$TOTAL_PASSED passed, $TOTAL_FAILED failed"
  ((TOTAL_FAILED == 0))
}

# --- a server of its own --------------------------------------------------------------------------------------------

SITE_DATABASE=
SITE_SERVER=
SITE_PORT=
BROWSER_RESULTS=$LOG_DIR/browser-results.json
export RESTORE_RESULTS=$LOG_DIR/restore-results.json

# The same address with another database.
with_database() {
  local base=${1%%\?*} query=
  [[ $1 != *\?* ]] || query="?${1#*\?}"
  printf '%s/%s%s' "${base%/*}" "$2" "$query"
}

# begin_site NAME PROGRAM: a fresh database and a free port for a program, which is migrated but not yet started.
begin_site() {
  # The tests take databases of this kind of name away when they are hours old.
  SITE_DATABASE=rapport_test_$(date +%s)_$1$$
  psql -X -q "$TEST_DATABASE_URL" -c "CREATE DATABASE $SITE_DATABASE" || return 1
  on_exit end_site
  export DATABASE_URL REDIS_URL
  DATABASE_URL=$(with_database "$TEST_DATABASE_URL" "$SITE_DATABASE")
  REDIS_URL=$TEST_REDIS_URL
  # The tests of the service use database 0 of the private Redis.
  [[ -z $SERVICE_DIR ]] || REDIS_URL=${TEST_REDIS_URL%/0}/1
  choose_site "$1" "$2"
  step "migrating the database of the $1 tests" "$2" migrate
}

# choose_site NAME PROGRAM: where a program is to serve, under names that the tests know.
choose_site() {
  export RAPPORT_ADDRESS RAPPORT_URL RAPPORT_LOG RAPPORT_BINARY=$2
  SITE_PORT=$(free_port)
  RAPPORT_ADDRESS=127.0.0.1:$SITE_PORT
  RAPPORT_URL=http://$RAPPORT_ADDRESS
  mkdir -p "$LOG_DIR"
  RAPPORT_LOG=$LOG_DIR/$1-server.log
}

start_site() {
  start_group "$RAPPORT_BINARY" serve >"$RAPPORT_LOG" 2>&1
  SITE_SERVER=$GROUP
  wait_until 30 server_is_up_or_gone "$SITE_PORT" || true
  server_is_ready "$SITE_PORT" || {
    show_failure "starting the server" "$RAPPORT_LOG" 1
    return 1
  }
}

server_is_up_or_gone() { process_is_gone "$SITE_SERVER" || server_is_ready "$1"; }

end_site() {
  if [[ -n $SITE_SERVER ]]; then
    kill -TERM -- "-$SITE_SERVER" 2>/dev/null || true
    wait "$SITE_SERVER" 2>/dev/null || true
    forget_group "$SITE_SERVER"
    SITE_SERVER=
  fi
  if [[ -n $SITE_DATABASE ]]; then
    psql -X -q "$TEST_DATABASE_URL" -c "DROP DATABASE IF EXISTS $SITE_DATABASE WITH (FORCE)" || true
    SITE_DATABASE=
  fi
  unset DATABASE_URL REDIS_URL
}

# A fresh database, the release on a free port, the tests, and everything away again. The tests find the server by
# RAPPORT_URL, what it printed (with the set-up token) by RAPPORT_LOG, and the program itself by RAPPORT_BINARY.
run_browser() {
  local status=0
  build_release || return 1
  rm -f "$BROWSER_RESULTS"
  export CHROMIUM_PATH
  CHROMIUM_PATH=$(chromium_path)
  # What webhooks are sent is received on this machine.
  begin_site browser "$BINARY" && WEBHOOK_NETWORKS=127.0.0.1 start_site || status=1
  if ((status == 0)); then step "stage browser" stage_browser || status=$?; fi
  end_site
  return "$status"
}

# The same for the program as the tests before it built it, with the demo data and a key of its admin.
run_contract() {
  local status=0 key=
  step "building the program" cargo build --locked -p rapport-server --features rapport-app/ssr || return 1
  begin_site contract "$TARGET_DIR/debug/rapport" &&
    step "loading the demo data" "$RAPPORT_BINARY" seed --demo &&
    key=$("$RAPPORT_BINARY" key create --email admin@demo.example --name Contract --access write) &&
    API_RATE=1000000 start_site || status=1
  if ((status == 0)); then API_KEY=$key step "stage contract" stage_contract || status=$?; fi
  end_site
  return "$status"
}

# A backup of the demo data, brought back where nothing was before.
run_restore() {
  local status=0 backup=$DATA_DIR/restore.backup
  build_release || return 1
  rm -f "$backup" "$RESTORE_RESULTS"
  begin_site restore "$BINARY" &&
    step "loading the demo data" "$BINARY" seed --demo &&
    step "writing a backup" "$BINARY" backup "$backup" || status=1
  end_site
  if ((status == 0)); then step "stage restore" "$ROOT/script/check-restore" "$backup" || status=$?; fi
  rm -f "$backup"
  return "$status"
}
