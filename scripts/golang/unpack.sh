#!/usr/bin/env bash
# Unpacks the Go compiler and its standard library into FOLDER: unpack.sh FOLDER
#
# Of Debian's packages only Go itself is kept, which needs nothing but libc; C is not compiled (tests/examples/go.ts).
set -euo pipefail

target=$(readlink -m "${1:?usage: unpack.sh FOLDER}")
everything=$target.everything
here=$(dirname "$(readlink -f "$0")")
bash "$here/../debian/unpack.sh" bookworm "$everything" golang-go

kept=$target.kept
rm -rf "$kept"
mkdir -p "$kept"
# Links lead from one of the packages to another.
cp -rL "$everything"/usr/lib/go-*/{bin,pkg,VERSION} "$everything"/usr/share/go-*/src "$kept/"
find "$kept/src" -name testdata -prune -exec rm -rf {} +

# Complete or not there at all: a set-up that is interrupted starts anew.
touch "$kept/complete"
rm -rf "$target" "$everything"
mv "$kept" "$target"
echo "Go is unpacked in $target ($(du -sm "$target" | cut -f 1) MB)" >&2
