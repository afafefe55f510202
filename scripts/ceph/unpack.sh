#!/usr/bin/env bash
# Unpacks Ceph's object gateway, the S3 server of the tests, into FOLDER: unpack.sh FOLDER
#
# Of Debian's packages only what tests/support/ceph.ts starts is kept: the programs, their plugins, and the libraries
# that these name, with the loader that runs them. FOLDER/bin, FOLDER/lib.
set -euo pipefail

target=$(readlink -m "${1:?usage: unpack.sh FOLDER}")
packages=(radosgw ceph-mon ceph-osd openssl)
programs=(ceph-mon ceph-osd radosgw radosgw-admin monmaptool osdmaptool openssl)

here=$(dirname "$(readlink -f "$0")")
everything=$target.everything
# Testing leaves packages out for a while when a transition is under way; sid has them then.
for suite in testing sid ''; do
  [ -n "$suite" ] || { echo "Ceph's packages are in neither testing nor sid of this Debian mirror" >&2; exit 1; }
  if bash "$here/../debian/unpack.sh" "$suite" "$everything" "${packages[@]}"; then break; fi
done

kept=$target.kept
rm -rf "$kept"
mkdir -p "$kept/bin" "$kept/lib"
libraries=$everything/usr/lib/x86_64-linux-gnu
loader=$libraries/ld-linux-x86-64.so.2
for program in "${programs[@]}"; do cp "$everything/usr/bin/$program" "$kept/bin/"; done
cp -r "$libraries/rados-classes" "$libraries/ceph/erasure-code" "$libraries/ceph/crypto" "$kept/lib/"
# A plugin for hardware that is not here may lack its library; nothing loads it.
find "$kept/bin" "$kept/lib" -type f | while read -r file; do
  "$loader" --library-path "$libraries:$libraries/ceph" --list "$file" 2>/dev/null || true
done | grep -o "$everything/[^ ]*" | sort -u | xargs cp --dereference --target-directory "$kept/lib"

# Complete or not there at all: a set-up that is interrupted starts anew.
touch "$kept/complete"
rm -rf "$target" "$everything"
mv "$kept" "$target"
echo "Ceph is unpacked in $target ($(du -sm "$target" | cut -f 1) MB)" >&2
