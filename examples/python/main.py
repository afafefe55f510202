"""Reads prices through the sidecar of this host.

    python3 main.py [http://127.0.0.1:1331 | unix:/run/ctlstore/sidecar.sock] [SEQUENCE]

SEQUENCE is what a write answered: with it, the program sees that write.
"""

import sys

from ctlstore_sidecar import Sidecar, SidecarError


def main(address: str, sequence: str | None) -> None:
    with Sidecar(address) as sidecar:
        # Waits until this host has the write; "wait_timeout" when it does not come.
        waiting = {} if sequence is None else {"min_sequence": sequence, "timeout": "10s"}
        apple = sidecar.row("shop", "prices", "eu", "apple", **waiting)
        print(f"an apple in Europe: {'not sold' if apple is None else str(apple['cents']) + ' cents'}")

        found = sidecar.rows({("shop", "regions"): [["eu"], ["mars"]], ("shop", "prices"): [["us", "gold"]]})
        print("regions:", [None if region is None else region["name"] for region in found["shop", "regions"]])
        print("gold:", found["shop", "prices"][0])

        rows = sidecar.rows_with_prefix("shop", "prices", "eu")
        for row in rows:
            print(f"  {row['sku']}: {row['cents']} ({row['label']})")
        again = sidecar.rows_with_prefix("shop", "prices", "eu")
        print("asked again:", "not modified" if again is rows else "something was written")

        try:
            sidecar.row("shop", "prices", "eu", "apple", max_staleness=3600)
        except SidecarError as error:
            if error.code != "too_stale":
                raise
            print("older than an hour: the Reflector of this host is stuck, or nothing was written for an hour")
        print(f"at sequence {sidecar.sequence}, {sidecar.latency} s old")


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:1331"
    sequence = sys.argv[2] if len(sys.argv) > 2 else None
    try:
        main(address, sequence)
    except SidecarError as error:
        # "ldb_empty" and others mean: ask later. They never mean "no such row".
        sys.exit(f"cannot read: {error}")
