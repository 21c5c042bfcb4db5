# shellcheck shell=bash source-path=SCRIPTDIR
# Finds what building and testing need and installs what is missing. Nothing here starts a service or builds Rapport.

# One compiler everywhere: the same one gives the same lints on every machine.
readonly RUST_VERSION=1.96.0
readonly WASM=wasm32-unknown-unknown
readonly CARGO_LEPTOS_VERSION=0.3.11
readonly NODE_VERSION=20
readonly CARGO_ABOUT_VERSION=0.9.3
readonly CARGO_DENY_VERSION=0.20.2
readonly CARGO_FUZZ_VERSION=0.13.2
readonly CARGO_MACHETE_VERSION=0.9.2
readonly SCHEMATHESIS_VERSION=4.32.5
# The name under which a toolchain from Debian's packages is linked into rustup.
readonly LINKED_TOOLCHAIN=rapport

# Tools built from source lie here, one folder per version, shared by all checkouts and in nobody's way.
TOOL_DIR=${RAPPORT_TOOL_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/rapport}

# --- packages of the system -----------------------------------------------------------------------------------------

# Packages somebody has asked for and that are to be installed in one go.
APT_WANTED=()

want_apt() { APT_WANTED+=("$@"); }

# Installs all wanted packages, or says what to install and stops.
install_wanted_apt() {
  ((${#APT_WANTED[@]})) || return 0
  if ! have apt-get || ! can_be_root; then
    explain_missing_packages
    exit 1
  fi
  step "refreshing the package lists" as_root apt-get update -q || fail "apt-get update failed."
  hold_services
  step "installing ${APT_WANTED[*]}" as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${APT_WANTED[@]}" || fail "apt-get install failed."
  release_services
  APT_WANTED=()
}

explain_missing_packages() {
  warn "Something is missing that only an administrator can install, and this user is none"
  warn "(root, or sudo without a password, and apt are needed). On Debian 12 run:"
  warn ""
  warn "  sudo apt-get update"
  warn "  sudo apt-get install --no-install-recommends ${APT_WANTED[*]}"
  warn ""
  warn "and then this script again. On other systems install what these packages hold: PostgreSQL 15 or newer,"
  warn "Redis 7 or newer, a C compiler, and for the tests Chromium. PostgreSQL and Redis are not needed if"
  warn "DATABASE_URL and REDIS_URL name running ones."
  if ! have rustup && ! have_rust; then
    warn ""
    warn "With rustup instead of the Rust packages: rustup toolchain install $RUST_VERSION --target $WASM"
  fi
  node_problem >&2
}

# Debian starts a service as soon as it is installed. Rapport runs its own, so a stray one on the usual port would only
# be in the way: a policy forbids the start for the length of the installation.
HELD_POLICY=/usr/sbin/policy-rc.d
HOLDING=
hold_services() {
  [[ ! -e $HELD_POLICY ]] || return 0
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$HELD_POLICY" >/dev/null
  as_root chmod +x "$HELD_POLICY"
  HOLDING=yes
}
release_services() {
  [[ -n $HOLDING ]] || return 0
  as_root rm -f "$HELD_POLICY"
  HOLDING=
}
on_exit release_services

# --- what stands and what does not ----------------------------------------------------------------------------------

# The folder of PostgreSQL's server programs, which Debian keeps off the PATH; the newest if there are several.
postgres_bin() {
  local newest
  newest=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  if [[ -n $newest ]]; then
    dirname "$newest"
  elif have initdb; then
    dirname "$(readlink -f "$(command -v initdb)")"
  else
    return 1
  fi
}

# Databases that are configured need no server here, but the tests still need psql to make theirs.
want_postgres() {
  if [[ -z ${DATABASE_URL:-} ]]; then
    postgres_bin >/dev/null || want_apt postgresql
  elif ! have psql; then
    want_apt postgresql-client
  fi
}

want_redis() {
  [[ -n ${REDIS_URL:-} ]] || { have redis-server && have redis-cli; } || want_apt redis-server
}

want_chromium() { [[ -n $(chromium_path) ]] || want_apt chromium-headless-shell; }

# The browser of the tests: CHROMIUM_PATH, or the one of the system. The shell without a window of its own is twice as
# fast: the whole browser keeps half a core busy with its toolbar even where nobody sees it.
chromium_path() {
  if [[ -n ${CHROMIUM_PATH:-} ]]; then
    printf '%s' "$CHROMIUM_PATH"
  else
    command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome || true
  fi
}

# What stands in front of the servers in script/bench faults.
want_proxy() { have haproxy || want_apt haproxy; }

want_python() { python3 -c 'import ensurepip, venv' 2>/dev/null || want_apt python3 python3-venv; }

# Says what is wrong with Node.js, if anything is. Debian 12's own is too old, so it cannot be installed from there.
node_problem() {
  local found
  found=$(node --version 2>/dev/null) || found=
  if [[ -z $found ]] || ! version_at_least "${found#v}" "$NODE_VERSION" || ! have npm; then
    printf 'Node.js %s or newer with npm is needed (found: %s). Install it and run this again.\n' \
      "$NODE_VERSION" "${found:-none}"
  fi
}

check_node() {
  local problem
  problem=$(node_problem)
  [[ -z $problem ]] || fail "$problem"
}

# --- the compiler ---------------------------------------------------------------------------------------------------

# Runs a command of a toolchain; without rustup there is only the one on the PATH.
with_toolchain() {
  local name=$1
  shift
  if have rustup; then
    RUSTUP_AUTO_INSTALL=0 RUSTUP_TOOLCHAIN=$name "$@"
  else
    "$@"
  fi
}

# True if the toolchain is new enough and no preview.
toolchain_is_new_enough() {
  local version
  version=$(with_toolchain "$1" rustc --version 2>/dev/null | awk '{ print $2 }') || return 1
  [[ -n $version && $version != *-* ]] && version_at_least "$version" "$RUST_VERSION"
}

toolchain_has_wasm() {
  local sysroot
  sysroot=$(with_toolchain "$1" rustc --print sysroot 2>/dev/null) || return 1
  compgen -G "$sysroot/lib/rustlib/$WASM/lib/libstd-*.rlib" >/dev/null
}

toolchain_has_lints() {
  local sysroot
  sysroot=$(with_toolchain "$1" rustc --print sysroot 2>/dev/null) || return 1
  [[ -x $sysroot/bin/cargo-clippy && -x $sysroot/bin/rustfmt ]]
}

toolchain_is_ready() { toolchain_is_new_enough "$1" && toolchain_has_wasm "$1" && toolchain_has_lints "$1"; }

# The toolchains to look at, best first: the caller's choice, the version the project is checked with, the linked one,
# and what is active here anyway.
candidate_toolchains() {
  if ! have rustup; then
    have rustc && have cargo && printf 'system\n'
    return 0
  fi
  local known
  known=$(rustup toolchain list -q 2>/dev/null) || known=
  [[ -z ${RUSTUP_TOOLCHAIN:-} ]] || printf '%s\n' "$RUSTUP_TOOLCHAIN"
  grep -E "^($RUST_VERSION-|$LINKED_TOOLCHAIN\$)" <<<"$known" || true
  (cd / && RUSTUP_AUTO_INSTALL=0 rustup show active-toolchain 2>/dev/null | awk '{ print $1 }') || true
}

# Makes the toolchain the one that every later command uses.
use_toolchain() {
  if have rustup; then export RUSTUP_TOOLCHAIN=$1; fi
}

# Finds a compiler that does and makes it the one to use.
have_rust() {
  local name
  while read -r name; do
    if toolchain_is_ready "$name"; then
      use_toolchain "$name"
      return 0
    fi
  done < <(candidate_toolchains)
  return 1
}

# Or gets it: from rustup where that reaches its server, else from Debian's packages.
need_rust() { have_rust || rust_from_rustup || rust_from_debian; }

# Without rustup it is clear from the start that Debian's packages are needed.
want_rust() {
  have cc || want_apt gcc libc6-dev
  have rustup || have_rust || want_debian_rust
}

# One try only and a limit: a machine without a way to rustup's server must not wait long for it.
rust_from_rustup() {
  local name
  have rustup || return 1
  if ! RUSTUP_MAX_RETRIES=0 try_step "fetching Rust $RUST_VERSION with $WASM" timeout 600 rustup toolchain install \
    "$RUST_VERSION" --profile minimal --component clippy --component rustfmt --target "$WASM" --no-self-update; then
    say "rustup cannot fetch it here (see ${STEP_LOG#"$ROOT"/}); taking Debian's compiler instead"
    return 1
  fi
  name=$(rustup toolchain list -q | grep "^$RUST_VERSION-" | head -n 1)
  toolchain_is_ready "$name" || return 1
  use_toolchain "$name"
}

# Debian's own Rust packages that browsers are built with: a newer compiler than the release's, with matching source.
readonly DEBIAN_RUST=(rustc-web cargo-web rust-web-src rust-web-llvm rust-web-clippy rustfmt-web lld-22)

want_debian_rust() {
  local package
  for package in "${DEBIAN_RUST[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || want_apt "$package"
  done
}

rust_from_debian() {
  want_debian_rust
  install_wanted_apt
  build_wasm_std
  if have rustup; then
    rustup toolchain link "$LINKED_TOOLCHAIN" /usr
    toolchain_is_ready "$LINKED_TOOLCHAIN" || fail "The toolchain $LINKED_TOOLCHAIN (linked to /usr) does not work."
    use_toolchain "$LINKED_TOOLCHAIN"
  fi
}

# Debian ships the standard library for WASM as source only. It is built once, in an empty crate, and put where the
# compiler looks for it.
build_wasm_std() {
  local library=/usr/lib/rustlib/$WASM/lib work=$TOOL_DIR/wasm-std
  ! compgen -G "$library/libstd-*.rlib" >/dev/null || return 0
  rm -rf "$work"
  mkdir -p "$work/src"
  : >"$work/src/lib.rs"
  printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n[workspace]\n' \
    >"$work/Cargo.toml"
  step "building the standard library for $WASM" in_folder "$work" env -u CARGO_TARGET_DIR RUSTC_BOOTSTRAP=1 \
    RUSTC=/usr/bin/rustc /usr/bin/cargo build -Zbuild-std=std,panic_abort --target "$WASM" --release ||
    fail "The standard library for $WASM did not build."
  rm -f "$work/target/$WASM/release/deps/"libempty*
  if ! can_be_root; then
    fail "Run this as an administrator, then this script again:
  sudo install -D -m 644 -t $library $work/target/$WASM/release/deps/*.rlib"
  fi
  as_root install -D -m 644 -t "$library" "$work/target/$WASM/release/deps/"*.rlib
  rm -rf "$work"
}

in_folder() { (cd "$1" && shift && "$@"); }

# --- tools of the build ---------------------------------------------------------------------------------------------

# True if the program on the PATH says that it is this version.
is_version() { [[ $("$1" --version 2>/dev/null | awk '{ print $2 }') == "$2" ]]; }

# cargo_tool PACKAGE VERSION PROGRAM SETTING... -- ARGUMENT...: builds a tool into its own folder, with the settings in
# the environment, unless that was done before, and puts it first on the PATH.
cargo_tool() {
  local package=$1 version=$2 program=$3 settings=() folder
  shift 3
  while [[ $1 != -- ]]; do
    settings+=("$1")
    shift
  done
  shift
  folder=$TOOL_DIR/$package-$version
  if [[ ! -x $folder/bin/$program ]]; then
    # An interrupted build goes on where it stood: its folder stays until it is through.
    step "building $package $version" in_folder / env "${settings[@]}" CARGO_TARGET_DIR="$folder/build" \
      cargo install "$package" --version "$version" --root "$folder" "$@" || fail "$package did not build."
    rm -rf "$folder/build"
  fi
  PATH=$folder/bin:$PATH
}

need_cargo_leptos() {
  is_version cargo-leptos "$CARGO_LEPTOS_VERSION" && return 0
  # Its release profile takes an hour on two cores; a debug build does the same work in this place.
  cargo_tool cargo-leptos "$CARGO_LEPTOS_VERSION" cargo-leptos CARGO_PROFILE_DEV_DEBUG=0 -- --locked --debug
}

# Tools that are asked once in a while: built in half the time, they are fast enough.
readonly QUICKLY_BUILT=(CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=0)

need_cargo_about() {
  cargo_tool cargo-about "$CARGO_ABOUT_VERSION" cargo-about "${QUICKLY_BUILT[@]}" -- --locked --features cli
}
need_cargo_deny() { cargo_tool cargo-deny "$CARGO_DENY_VERSION" cargo-deny "${QUICKLY_BUILT[@]}" -- --locked; }
need_cargo_fuzz() { cargo_tool cargo-fuzz "$CARGO_FUZZ_VERSION" cargo-fuzz "${QUICKLY_BUILT[@]}" -- --locked; }
need_cargo_machete() {
  cargo_tool cargo-machete "$CARGO_MACHETE_VERSION" cargo-machete "${QUICKLY_BUILT[@]}" -- --locked
}

# The program and the library of that name must be the same version, so Cargo.lock decides. Its own lock file names a
# crate version that registries no longer have, hence no --locked.
need_wasm_bindgen() {
  local version
  version=$(locked_version wasm-bindgen)
  [[ -n $version ]] || fail "Cargo.lock names no wasm-bindgen."
  is_version wasm-bindgen "$version" && return 0
  cargo_tool wasm-bindgen-cli "$version" wasm-bindgen CARGO_PROFILE_RELEASE_OPT_LEVEL=1 --
}

# Asks the API everything that its description allows, and much that it does not. A folder without its stamp was
# interrupted.
need_schemathesis() {
  local folder=$TOOL_DIR/schemathesis-$SCHEMATHESIS_VERSION
  SCHEMATHESIS=$folder/bin/schemathesis
  [[ ! -e $folder/.installed ]] || return 0
  rm -rf "$folder"
  step "installing schemathesis $SCHEMATHESIS_VERSION" install_schemathesis "$folder" ||
    fail "schemathesis was not installed."
  touch "$folder/.installed"
}

install_schemathesis() {
  python3 -m venv "$1" &&
    "$1/bin/python" -m pip install -q --disable-pip-version-check "schemathesis==$SCHEMATHESIS_VERSION"
}

# What is in node_modules was installed from this package-lock.json if the copy beside it is the same.
need_npm_packages() {
  local stamp=$ROOT/node_modules/.installed-from
  if ! cmp -s "$ROOT/package-lock.json" "$stamp"; then
    step "installing npm packages" in_folder "$ROOT" env PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 \
      npm ci --no-audit --no-fund || fail "npm ci failed."
    cp "$ROOT/package-lock.json" "$stamp"
  fi
  PATH=$ROOT/node_modules/.bin:$PATH
}

# --- everything -----------------------------------------------------------------------------------------------------

# set_up PART...: installs the named parts (rust, build, services, browser, contract, proxy) and puts them on the PATH.
set_up() {
  local part parts=" $* "
  mkdir -p "$DATA_DIR"
  # One setup at a time: two would build the same tools twice.
  exec 8>"$DATA_DIR/setup.lock"
  if ! flock -n 8; then
    say "waiting for another setup in this checkout to end"
    flock 8
  fi
  for part in "$@"; do
    case $part in
      rust) want_rust ;;
      services) want_postgres && want_redis ;;
      browser) want_chromium ;;
      contract) want_python ;;
      proxy) want_proxy ;;
      build) ;;
      *) fail "set_up does not know '$part'." ;;
    esac
  done
  install_wanted_apt
  [[ $parts != *" build "* && $parts != *" browser "* ]] || check_node
  [[ $parts != *" rust "* ]] || need_rust
  [[ $parts != *" contract "* ]] || need_schemathesis
  if [[ $parts == *" build "* ]]; then
    need_wasm_bindgen
    need_cargo_leptos
  fi
  [[ $parts != *" build "* && $parts != *" browser "* ]] || need_npm_packages
  exec 8>&-
  export PATH
}
