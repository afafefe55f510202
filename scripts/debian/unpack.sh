#!/usr/bin/env bash
# Unpacks packages of a Debian suite, with all that they depend on, into FOLDER: unpack.sh SUITE FOLDER PACKAGE...
#
# No root, and the machine's own package state is untouched: apt works on a state of its own in which nothing is
# installed, so that it names every library that a program needs, libc and its loader included. Programs are then
# started through that loader, whatever the machine's own libc is (tests/support/mysql9.ts).
set -euo pipefail

suite=${1:?usage: unpack.sh SUITE FOLDER PACKAGE...}
target=$(readlink -m "${2:?usage: unpack.sh SUITE FOLDER PACKAGE...}")
packages=("${@:3}")
architecture=${CTLSTORE_DEBIAN_ARCHITECTURE:-amd64}

work=$target.work
view=$work/apt
# What an interrupted run left may be of another suite.
rm -rf "$work"
mkdir -p "$view"/state/lists/partial "$view"/cache "$view"/etc/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d}
mkdir -p "$work"/packages/partial
: >"$view/state/status"

# CTLSTORE_DEBIAN_MIRROR, or the one that this machine uses already. Others may be among its sources, which say whose
# they are once apt has read them.
# shellcheck disable=SC2016 # apt expands it
sources() { apt-get indextargets --format '$(REPO_URI)' "$@" | grep -v security || true; }
mirror=${CTLSTORE_DEBIAN_MIRROR:-$({ sources 'Origin: Debian'; sources; } | head -n 1)}
: "${mirror:?no Debian mirror is known here: set CTLSTORE_DEBIAN_MIRROR to one}"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || { echo "the keys of Debian are missing: apt-get install debian-archive-keyring" >&2; exit 1; }
echo "deb [signed-by=$keyring] ${mirror%/} $suite main" >"$view/etc/sources.list"

apt=(apt-get -q
  -o Dir::State="$view/state" -o Dir::State::status="$view/state/status"
  -o Dir::Cache="$view/cache" -o Dir::Cache::archives="$work/packages"
  -o Dir::Etc="$view/etc" -o Dir::Etc::sourcelist="$view/etc/sources.list" -o Dir::Etc::sourceparts="$view/etc/sources.list.d"
  -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)")
"${apt[@]}" update
"${apt[@]}" install -y --no-install-recommends --download-only "${packages[@]}" >/dev/null

root=$work/root
mkdir -p "$root"
for folder in bin sbin lib lib64; do
  mkdir -p "$root/usr/$folder"
  ln -sfn "usr/$folder" "$root/$folder"
done
for package in "$work"/packages/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar --extract --directory "$root" --keep-directory-symlink --no-same-owner \
    --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'
done

# Complete or not there at all: a set-up that is interrupted starts anew.
touch "$root/complete"
rm -rf "$target"
mv "$root" "$target"
rm -rf "$work"
echo "${packages[*]} of $suite unpacked in $target ($(du -sm "$target" | cut -f 1) MB)" >&2
