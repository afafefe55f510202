#!/usr/bin/env bash
# Unpacks promtool, which checks metrics, alert rules and their tests, into FOLDER: unpack.sh FOLDER
#
# Of Debian's packages only the program, libc and its loader are kept (tests/support/promtool.ts starts it through that).
set -euo pipefail

target=$(readlink -m "${1:?usage: unpack.sh FOLDER}")
everything=$target.everything
here=$(dirname "$(readlink -f "$0")")
bash "$here/../debian/unpack.sh" bookworm "$everything" prometheus libc6

kept=$target.kept
rm -rf "$kept"
mkdir -p "$kept/bin" "$kept/lib"
libraries=$everything/usr/lib/x86_64-linux-gnu
cp "$everything/usr/bin/promtool" "$kept/bin/"
"$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" --list "$kept/bin/promtool" |
  grep -o "$everything/[^ ]*" | sort -u | xargs cp --dereference --target-directory "$kept/lib"

# Complete or not there at all: a set-up that is interrupted starts anew.
touch "$kept/complete"
rm -rf "$target" "$everything"
mv "$kept" "$target"
echo "promtool is unpacked in $target ($(du -sm "$target" | cut -f 1) MB)" >&2
