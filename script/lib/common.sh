# shellcheck shell=bash
# What every script needs: where the checkout is, plain messages, steps that are never silent, and an orderly end.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
DATA_DIR=$ROOT/.data
LOG_DIR=$DATA_DIR/log
readonly ROOT DATA_DIR LOG_DIR

# A step says that it is still running this often.
readonly HEARTBEAT_SECONDS=5

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }

fail() {
  warn "$*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# "1 min 20 s" from a number of seconds.
duration() {
  local seconds=$1
  if ((seconds >= 60)); then
    printf '%d min %d s' $((seconds / 60)) $((seconds % 60))
  else
    printf '%d s' "$seconds"
  fi
}

# True if version $1 is $2 or newer.
version_at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# The version of a package as Cargo.lock fixes it.
locked_version() {
  awk -v name="$1" '$1 == "name" { hit = ($3 == "\"" name "\"") }
    hit && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' "$ROOT/Cargo.lock"
}

# Runs a command as root: directly, or through sudo if it asks for no password.
as_root() {
  if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

can_be_root() { ((EUID == 0)) || { have sudo && sudo -n true 2>/dev/null; }; }

# --- an orderly end -------------------------------------------------------------------------------------------------

EXIT_ACTIONS=()

# Runs the named function when the script ends, the last registered first.
on_exit() { EXIT_ACTIONS=("$1" "${EXIT_ACTIONS[@]}"); }

run_exit_actions() {
  local status=$? action
  # A second Ctrl-C must not interrupt the clean-up half way.
  trap '' INT TERM HUP
  set +e
  end_groups
  for action in "${EXIT_ACTIONS[@]}"; do "$action"; done
  exit "$status"
}

trap run_exit_actions EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- steps ----------------------------------------------------------------------------------------------------------

# Process groups of commands that run in the background; ended with the script.
RUNNING_GROUPS=()

end_groups() {
  local group
  for group in "${RUNNING_GROUPS[@]}"; do kill -TERM -- "-$group" 2>/dev/null; done
}

forget_group() {
  local group kept=()
  for group in "${RUNNING_GROUPS[@]}"; do [[ $group == "$1" ]] || kept+=("$group"); done
  RUNNING_GROUPS=("${kept[@]}")
}

# Starts a command in a process group of its own, so that Ctrl-C reaches this script first and the whole group can be
# ended. Its process id is left in GROUP. Locks (7, 8, 9) stay with the script.
GROUP=
start_group() {
  set -m
  "$@" </dev/null 7>&- 8>&- 9>&- &
  GROUP=$!
  set +m
  RUNNING_GROUPS+=("$GROUP")
}

# step LABEL COMMAND...: runs the command with its output in a log, says every few seconds that it is still at it, and
# shows the end of the log if it fails. Returns the command's status. STEP_LOG names the log.
step() {
  local status=0
  try_step "$@" || status=$?
  ((status == 0)) || show_failure "$1" "$STEP_LOG" "$status"
  return "$status"
}

# The same for a command that may well fail: the log stays unshown.
STEP_LOG=
try_step() {
  local label=$1 started=$SECONDS spoken=$SECONDS status=0 group
  shift
  mkdir -p "$LOG_DIR"
  STEP_LOG=$LOG_DIR/$(tr -cs 'a-zA-Z0-9._\n' '-' <<<"$label").log
  say "$label"
  start_group "$@" >"$STEP_LOG" 2>&1
  group=$GROUP
  while kill -0 "$group" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - spoken >= HEARTBEAT_SECONDS)); then
      spoken=$SECONDS
      say "  still $label, $(duration $((SECONDS - started)))$(last_line "$STEP_LOG")"
    fi
  done
  wait "$group" || status=$?
  forget_group "$group"
  return "$status"
}

# The last line of a log, cut to fit one line of a terminal.
last_line() {
  local line
  line=$(tail -c 400 "$1" 2>/dev/null | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | awk 'NF { l = $0 } END { print l }')
  line=${line:0:80}
  [[ -z $line ]] || printf ' · %s' "${line#"${line%%[! ]*}"}"
}

show_failure() {
  warn "  failed ($3): $1. The end of its log:"
  # Colours would be noise in a log, and the name of a type may fill a whole screen.
  tail -n 60 "$2" | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | cut -c 1-300 | sed 's/^/  | /' >&2
  warn "  The whole log: ${2#"$ROOT"/}"
}
