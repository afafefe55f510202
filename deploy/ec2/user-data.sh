#!/bin/bash
# EC2 user-data (Amazon Linux 2023, Debian 12 or newer): makes this host a ctlstore host. Fill in the settings, and give
# the whole file to the instance or the launch template. Run again, as root, it changes only what differs from the
# settings; a new binary that does not become ready is taken back. All of it is also in the console's log.

# ---- settings ----
# s3://BUCKET/KEY (needs the AWS CLI and the instance's role) or a URL for curl, such as a presigned one.
# {arch} stands for x64 or arm64.
BINARY_URL='s3://example-releases/ctlstore/0.1.0/ctlstore-reflector-linux-{arch}'
# From SHA256SUMS; that of the other processor may stay empty.
BINARY_SHA256_X64=''
BINARY_SHA256_ARM64=''
# The Reflector's options, one a line (ctlstore-reflector --help). A value ssm:NAME is fetched from Parameter Store:
# everyone on this host can read user-data, so a password does not belong here.
REFLECTOR_SETTINGS='
CTLSTORE_CTLDB=ssm:/ctlstore/ctldb-url
CTLSTORE_LDB=/var/spool/ctlstore
CTLSTORE_BOOTSTRAP=s3://example-snapshots/ctlstore?region=eu-west-1
CTLSTORE_BIND=127.0.0.1:3001
CTLSTORE_READY_FILE=/run/ctlstore/ready
'
# yes: the sidecar too, which answers reads over HTTP on 127.0.0.1:1331 (settings: /etc/ctlstore/sidecar.env).
SIDECAR=no
# How long to wait until the host has caught up.
READY_LIMIT_SECONDS=900
# ---- end of settings ----

set -euo pipefail
umask 022

HOME_DIR=/opt/ctlstore
BINARY=ctlstore-reflector
SETTINGS_FILE=/etc/ctlstore/reflector.env
UNIT=ctlstore-reflector.service
UNIT_FILE=/etc/systemd/system/$UNIT
DROP_IN=$UNIT_FILE.d/50-ldb.conf
SERVICE_USER=ctlstore
SIDECAR_UNIT=ctlstore-sidecar.service
SIDECAR_FILE=/etc/systemd/system/$SIDECAR_UNIT
SIDECAR_USER=ctlstore-sidecar
# There while something was changed that the service does not run with yet; a run that was cut off leaves it to the next.
UNAPPLIED=$HOME_DIR/unapplied
# A service that ends so often is not going to stay up.
MOST_RESTARTS=3
RETRY_SECONDS=2

say() {
  echo "ctlstore: $*" >&2
  # cloud-init may keep its output in a file; the console is what one sees of a host that cannot be reached.
  if [ ! -t 2 ] && [ -w /dev/console ]; then echo "ctlstore: $*" 2>/dev/null >/dev/console || true; fi
}

fail() {
  failure=$*
  exit 1
}

# Also for what ends the script by itself: a full disk, a command that is missing.
at_end() {
  local code=$?
  [ $code = 0 ] || say "FAILED: ${failure:-see the lines above (exit code $code)}"
}

# Network and role of an instance may come a moment after it has booted.
again() { # COMMAND...
  local attempt
  for attempt in 1 2 3 4 5; do
    "$@" && return
    [ "$attempt" = 5 ] || sleep "$((attempt * RETRY_SECONDS))"
  done
  return 1
}

# A URL without what gives access to it.
shown() { echo "${1%%\?*}"; }

setting() { sed -n "s/^$1=//p" <<<"$REFLECTOR_SETTINGS" | tail -n 1; }

check_settings() {
  [ "$(id -u)" = 0 ] || fail "only root can install a service"
  case "$(uname -m)" in
    x86_64) arch=x64 sha256=$BINARY_SHA256_X64 ;;
    aarch64) arch=arm64 sha256=$BINARY_SHA256_ARM64 ;;
    *) fail "there is no binary for $(uname -m)" ;;
  esac
  [[ $sha256 =~ ^[0-9a-f]{64}$ ]] || fail "the SHA-256 for $arch is \"$sha256\"; 64 hex digits are needed (SHA256SUMS)"
  binary_url=${BINARY_URL//\{arch\}/$arch}
  case $binary_url in
    s3://?*/?*) command -v aws >/dev/null || fail "the AWS CLI is missing: install it, or give a presigned https URL" ;;
    https://?* | http://?*) command -v curl >/dev/null || fail "curl is missing" ;;
    *) fail "BINARY_URL is \"$(shown "$binary_url")\"; s3://BUCKET/KEY or https://… is needed" ;;
  esac
  [[ ${SIDECAR:-no} =~ ^(yes|no)$ ]] || fail "SIDECAR is \"$SIDECAR\"; yes or no is needed"
  [ -n "$(setting CTLSTORE_CTLDB)" ] || fail "CTLSTORE_CTLDB is not among the Reflector's settings"
  ldb=$(setting CTLSTORE_LDB)
  [[ ${ldb:=/var/spool/ctlstore} =~ ^/[^[:space:]\"\\%]+$ ]] || fail "CTLSTORE_LDB is \"$ldb\"; an absolute path is needed"
}

# Puts a file in place when its content differs.
put_file() { # PATH MODE, content from stdin
  local new
  mkdir -p "$(dirname "$1")"
  rm -f "$1".new.*
  new=$(mktemp "$1.new.XXXXXX")
  cat >"$new"
  chmod "$2" "$new"
  if cmp -s "$new" "$1" && [ "$(stat -c %a:%u "$1")" = "$2:0" ]; then
    rm "$new"
    return
  fi
  sync "$new"
  touch $UNAPPLIED
  mv "$new" "$1"
  say "wrote $1"
}

# A value of Parameter Store, in the form that it has between the double quotes of an environment file.
parameter() { # NAME
  # shellcheck disable=SC2016 # these characters themselves are meant
  aws ssm get-parameter --with-decryption --name "$1" --query Parameter.Value --output text </dev/null |
    sed 's/[\\"`$]/\\&/g'
}

# The settings with the parameters in place of their names.
resolved_settings() {
  local line value
  while IFS= read -r line; do
    if [[ $line =~ ^([A-Z0-9_]+)=ssm:(.+)$ ]]; then
      value=$(again parameter "${BASH_REMATCH[2]}") || return 1
      line="${BASH_REMATCH[1]}=\"$value\""
    fi
    [ -z "$line" ] || printf '%s\n' "$line"
  done <<<"$REFLECTOR_SETTINGS"
}

make_user() { # NAME
  getent passwd "$1" >/dev/null && return
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$1"
  say "made the user $1"
}

make_ldb_folder() {
  mkdir -p "$ldb"
  [ "$(stat -c %U "$ldb")" = $SERVICE_USER ] || chown $SERVICE_USER:$SERVICE_USER "$ldb"
  [ "$(stat -c %a "$ldb")" = 755 ] || chmod 755 "$ldb"
}

fetch() { # FILE
  case $binary_url in
    s3://*) again aws s3 cp --only-show-errors "$binary_url" "$1" ;;
    # From stdin, since everyone can read a command line.
    *) printf 'url = "%s"\n' "$binary_url" |
      curl --config - --silent --show-error --fail --location --output "$1" --connect-timeout 10 --max-time 900 \
        --retry 5 --retry-delay 2 --retry-connrefused ;;
  esac
}

# Each binary has a folder named by its checksum; `current` points to one.
install_binary() {
  local target=$HOME_DIR/$sha256 incoming found
  if ! echo "$sha256  $target/$BINARY" | sha256sum --check --status 2>/dev/null; then
    mkdir -p $HOME_DIR
    rm -rf $HOME_DIR/incoming.*
    incoming=$(mktemp -d $HOME_DIR/incoming.XXXXXX)
    say "fetching $(shown "$binary_url")"
    fetch "$incoming/$BINARY" || fail "cannot fetch $(shown "$binary_url")"
    found=$(sha256sum "$incoming/$BINARY" | cut -d ' ' -f 1)
    if [ "$found" != "$sha256" ]; then
      rm -rf "$incoming"
      fail "$(shown "$binary_url") has the SHA-256 $found; $sha256 is wanted. Nothing was installed"
    fi
    chmod 755 "$incoming" "$incoming/$BINARY"
    sync "$incoming/$BINARY"
    rm -rf "$target"
    mv "$incoming" "$target"
  fi
  "$target/$BINARY" --version >/dev/null || fail "the binary does not run here: see above"
  [ "$(readlink $HOME_DIR/current || true)" = "$sha256" ] && return
  touch $UNAPPLIED
  point_to "$sha256"
  say "installed $("$target/$BINARY" --version)"
}

point_to() { # CHECKSUM
  ln -sfn "$1" $HOME_DIR/current.new
  mv -T $HOME_DIR/current.new $HOME_DIR/current
}

# What runs well now, to go back to; where nothing does, or a run was cut off, what was kept before.
keep_former() {
  if [ -L $HOME_DIR/former/current ] && { [ -e $UNAPPLIED ] || ! systemctl is-active --quiet $UNIT; }; then
    former=$(readlink $HOME_DIR/former/current)
    return
  fi
  rm -rf $HOME_DIR/former
  systemctl is-active --quiet $UNIT || return 0
  # What was not installed by this script cannot be put back by it.
  [ -L $HOME_DIR/current ] && [ -e $SETTINGS_FILE ] && [ -e $DROP_IN ] || return 0
  install -d -m 700 $HOME_DIR/former
  # The link last: with it all are there.
  cp -a $SETTINGS_FILE $UNIT_FILE $DROP_IN $HOME_DIR/former/
  cp -a $HOME_DIR/current $HOME_DIR/former/
  former=$(readlink $HOME_DIR/current)
}

go_back() {
  say "going back to what ran before"
  touch $UNAPPLIED
  point_to "$former"
  cp -a $HOME_DIR/former/reflector.env $SETTINGS_FILE
  cp -a $HOME_DIR/former/$UNIT $UNIT_FILE
  cp -a $HOME_DIR/former/50-ldb.conf $DROP_IN
  start_anew
  wait_ready || fail "neither the new nor the former Reflector becomes ready"
  fail "the new Reflector does not become ready; the former one runs again"
}

# Stops first, so that what is seen to be ready afterwards is the new one. Readers of the LDB notice nothing.
start_anew() {
  systemctl daemon-reload
  systemctl stop $UNIT
  systemctl reset-failed $UNIT 2>/dev/null || true
  systemctl start --no-block $UNIT
  rm -f $UNAPPLIED
}

of_unit() { systemctl show --property "$1" --value $UNIT; }

wait_ready() {
  local deadline=$((SECONDS + READY_LIMIT_SECONDS)) state text last=
  while :; do
    state=$(of_unit ActiveState)
    [ "$state" != active ] || return 0
    text=$(of_unit StatusText)
    [ "$text" = "$last" ] || say "$UNIT: $text"
    last=$text
    case $state in
      failed | inactive) if [[ $(of_unit Job) =~ ^0?$ ]]; then break; fi ;;
    esac
    if [ "$(of_unit NRestarts)" -ge $MOST_RESTARTS ]; then break; fi
    if [ $SECONDS -ge $deadline ]; then break; fi
    sleep 1
  done
  say "$UNIT is not ready: $state, restarted $(of_unit NRestarts) times; its last words:"
  journalctl --unit $UNIT --lines 15 --no-pager --output cat | while IFS= read -r text; do say "| $text"; done
  return 1
}

remove_old() {
  local folder
  rm -rf $HOME_DIR/former
  for folder in "$HOME_DIR"/*/; do
    folder=$(basename "$folder")
    [[ $folder =~ ^[0-9a-f]{64}$ ]] || continue
    [ "$folder" = "$sha256" ] || [ "$folder" = "$former" ] || rm -rf "${HOME_DIR:?}/$folder"
  done
}

put_sidecar() {
  if [ "${SIDECAR:-no}" = yes ]; then
    make_user $SIDECAR_USER
    sidecar_file | put_file $SIDECAR_FILE 644
    printf '[Service]\nEnvironment=CTLSTORE_LDB=%s\n' "$ldb" | put_file $SIDECAR_FILE.d/50-ldb.conf 644
    systemctl enable --quiet $SIDECAR_UNIT
  elif [ -e $SIDECAR_FILE ]; then
    systemctl disable --now --quiet $SIDECAR_UNIT
    rm -r $SIDECAR_FILE $SIDECAR_FILE.d
    say "removed $SIDECAR_UNIT"
  fi
}

# It is not waited for: it answers 503 until there is data.
sidecar() { # start or restart
  [ "${SIDECAR:-no}" != yes ] || systemctl "$1" $SIDECAR_UNIT
}

unit_file() {
  cat <<'UNIT'
# The Reflector of this host. Settings: /etc/ctlstore/reflector.env. Binary: /opt/ctlstore/current.
# A service that must not start before the data is there says After= and Wants=ctlstore-reflector.service. Not Requires=:
# an upgrade stops the Reflector for a moment, and that would stop the service too.
[Unit]
Description=ctlstore Reflector: keeps this host's copy of the control data
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
# Started once the copy has caught up, however long a bootstrap takes (--ready-lag-seconds).
Type=notify
NotifyAccess=main
TimeoutStartSec=infinity
TimeoutStopSec=60
WatchdogSec=120
# What hangs does not clean up; the LDB survives this at any moment.
WatchdogSignal=SIGKILL
ExecStart=/opt/ctlstore/current/ctlstore-reflector
EnvironmentFile=/etc/ctlstore/reflector.env
Restart=always
RestartSec=3
# Wrong settings do not mend themselves.
RestartPreventExitStatus=2
KillMode=mixed

User=ctlstore
Group=ctlstore
# Processes of other users read the LDB, and take SQLite's read locks on ldb.db-shm: they need to read all of its files.
UMask=0022
RuntimeDirectory=ctlstore
ReadWritePaths=-/var/spool/ctlstore
LimitNOFILE=8192
# No core files: its memory holds the password of the ctldb.
LimitCORE=0
# The services of this host go first; but they read what it writes, so it is not the first to be killed.
Nice=5
IOSchedulingClass=best-effort
IOSchedulingPriority=6
OOMScoreAdjust=-100

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
# It names the process that keeps its write-ahead log from being cut, whoever's that is.
ProtectProc=default
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# Bun compiles JavaScript to machine code while it runs.
MemoryDenyWriteExecute=no

[Install]
WantedBy=multi-user.target
UNIT
}

sidecar_file() {
  cat <<'SIDECAR'
# The sidecar of this host: reads of its data over HTTP, for programs without a reader library. Settings, all optional:
# /etc/ctlstore/sidecar.env. Binary: the Reflector's, /opt/ctlstore/current. User: useradd --system --user-group ctlstore-sidecar
# It may start first: it answers 503 until there is data.
[Unit]
Description=ctlstore sidecar: answers reads of this host's control data over HTTP
Wants=network-online.target
After=network-online.target ctlstore-reflector.service
StartLimitIntervalSec=0

[Service]
Type=exec
TimeoutStopSec=30
ExecStart=/opt/ctlstore/current/ctlstore-reflector sidecar
EnvironmentFile=-/etc/ctlstore/sidecar.env
Restart=always
RestartSec=1
# Wrong settings do not mend themselves.
RestartPreventExitStatus=2
KillMode=mixed

# Not the Reflector's: it reads the LDB, and could not write it.
User=ctlstore-sidecar
Group=ctlstore-sidecar
UMask=0077
# For a unix socket. Who is to connect needs to be in the group.
RuntimeDirectory=ctlstore-sidecar
RuntimeDirectoryMode=0750
LimitNOFILE=65536
LimitCORE=0

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# Bun compiles JavaScript to machine code while it runs.
MemoryDenyWriteExecute=no

[Install]
WantedBy=multi-user.target
SIDECAR
}

main() {
  local arch sha256 binary_url ldb settings changed former=''
  trap at_end EXIT
  check_settings
  exec 9>/run/ctlstore-user-data.lock
  flock -n 9 || fail "another run of this script is at work"
  settings=$(resolved_settings) || fail "a setting cannot be fetched from Parameter Store"
  keep_former
  make_user $SERVICE_USER
  make_ldb_folder
  install_binary
  put_file $SETTINGS_FILE 600 <<<"$settings"
  unit_file | put_file $UNIT_FILE 644
  printf '[Unit]\nRequiresMountsFor=%s\n\n[Service]\nReadWritePaths=%s\n' "$ldb" "$ldb" | put_file $DROP_IN 644
  put_sidecar
  systemctl enable --quiet $UNIT
  [ -e $UNAPPLIED ] && changed=yes || changed=no
  case $changed:$(of_unit ActiveState) in
    no:active)
      sidecar start
      say "nothing to do: $UNIT runs as the settings say"
      exit 0
      ;;
    no:activating) say "$UNIT is still on its way" ;;
    *) start_anew ;;
  esac
  if ! wait_ready; then
    [ -z "$former" ] || go_back
    fail "the Reflector does not become ready; systemd goes on trying (journalctl -u $UNIT)"
  fi
  # The binary that it runs from may be another one.
  sidecar restart
  remove_old
  say "ready: services of this host find their data in $ldb/ldb.db"
}

main
