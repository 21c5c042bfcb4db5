# shellcheck shell=bash
# Builds the release (the program, which holds WASM and style) when its sources changed, and knows where it lies.

TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
[[ $TARGET_DIR == /* ]] || TARGET_DIR=$PWD/$TARGET_DIR
readonly TARGET_DIR
# cargo-leptos puts the site where Cargo.toml says, whatever the target folder is.
readonly SITE_DIR=$ROOT/target/site
readonly BINARY=$TARGET_DIR/release/rapport
# The program of a build for work on it, which reads the site from the disk.
readonly WORK_BINARY=$TARGET_DIR/debug/rapport

# What a release is made of.
readonly SOURCES=(Cargo.toml Cargo.lock .cargo package-lock.json domain service migration app frontend server style public)

# One line that changes when a source, the compiler or the place of the release changes. Contents count, not times: a
# fresh checkout of the same commit builds nothing anew.
source_fingerprint() {
  {
    rustc --version
    printf '%s\n' "$ROOT" "$TARGET_DIR"
    list_sources | tr '\n' '\0' | xargs -0 -r sha256sum
  } | sha256sum | cut -d ' ' -f 1
}

# Every file of the release that is tracked or new, and exists. Without git (an unpacked archive) every file counts.
list_sources() {
  if git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1; then
    git -C "$ROOT" -c core.quotePath=off ls-files -co --exclude-standard -- "${SOURCES[@]}"
  else
    find "${SOURCES[@]}" -type f 2>/dev/null
  fi | sort -u | while read -r file; do [[ ! -f $file ]] || printf '%s\n' "$file"; done
}

release_is_current() {
  [[ -x $BINARY && -d $SITE_DIR/pkg && $(cat "$SITE_DIR/.fingerprint" 2>/dev/null) == "$1" ]]
}

# Returns the build's status. The fingerprint is taken before the build, so that an edit made meanwhile is not missed.
build_release() {
  local fingerprint
  cd "$ROOT" || return 1
  fingerprint=$(source_fingerprint)
  if release_is_current "$fingerprint"; then
    say "the release is up to date"
    return 0
  fi
  # File names hold a hash of their contents: those of earlier builds would pile up.
  rm -rf "$SITE_DIR"
  # A backtrace of cargo-leptos itself says nothing about what did not compile.
  step "building the release (the first time takes many minutes)" env RUST_BACKTRACE=0 NO_COLOR=1 \
    cargo leptos build --release --split --precompress || return 1
  [[ -x $BINARY ]] || {
    warn "The build left no ${BINARY#"$ROOT"/}."
    return 1
  }
  printf '%s\n' "$fingerprint" >"$SITE_DIR/.fingerprint"
}

# Builds fast what runs slowly, in one part and with plain names, in the place of a release's site.
build_for_work() {
  cd "$ROOT" || return 1
  rm -rf "$SITE_DIR"
  # The second is what makes a build one of `cargo leptos watch`, which would else begin with another one.
  export LEPTOS_HASH_FILES=false LEPTOS_WATCH=true
  step "building (the first time takes some minutes)" env RUST_BACKTRACE=0 NO_COLOR=1 cargo leptos build
}

# The status that http://127.0.0.1:PORT/PATH answers with.
http_status() {
  local line
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
    IFS=' ' read -r -t 5 _ line _ <&3
    printf '%s' "$line"
  ) 2>/dev/null
}

# The same, asked with API_KEY.
key_status() {
  local line
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n' \
      "$2" "$1" "$API_KEY" >&3
    IFS=' ' read -r -t 5 _ line _ <&3
    printf '%s' "$line"
  ) 2>/dev/null
}

server_is_ready() { [[ $(http_status "$1" /health/ready) == 200 ]]; }
