// Reads prices through the sidecar of this host.
//
//	go run . [http://127.0.0.1:1331 | unix:/run/ctlstore/sidecar.sock] [SEQUENCE]
//
// SEQUENCE is what a write answered: with it, the program sees that write.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"
)

func main() {
	address, sequence := "http://127.0.0.1:1331", ""
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if len(os.Args) > 2 {
		sequence = os.Args[2]
	}
	if err := show(context.Background(), NewSidecar(address, 15*time.Second), sequence); err != nil {
		// "ldb_empty" and others mean: ask later. They never mean "no such row".
		log.Fatalf("cannot read: %v", err)
	}
}

func show(ctx context.Context, sidecar *Sidecar, sequence string) error {
	// Waits until this host has the write; "wait_timeout" when it does not come.
	waiting := Conditions{MinSequence: sequence, Timeout: 10 * time.Second}
	apple, _, err := sidecar.Row(ctx, "shop", "prices", Key{"eu", "apple"}, waiting)
	if err != nil {
		return err
	}
	if apple == nil {
		fmt.Println("an apple in Europe: not sold")
	} else {
		fmt.Printf("an apple in Europe: %v cents\n", apple["cents"])
	}

	found, _, err := sidecar.Rows(ctx, []Read{
		{Family: "shop", Table: "regions", Keys: []Key{{"eu"}, {"mars"}}},
		{Family: "shop", Table: "prices", Keys: []Key{{"us", "gold"}}},
	})
	if err != nil {
		return err
	}
	fmt.Printf("regions: %v, %v\n", found[0][0]["name"], found[0][1])
	fmt.Printf("gold: %v\n", found[1][0]["cents"])

	rows, state, err := sidecar.RowsWithPrefix(ctx, "shop", "prices", Key{"eu"}, "")
	if err != nil {
		return err
	}
	for _, row := range rows {
		fmt.Printf("  %v: %v (%v)\n", row["sku"], row["cents"], row["label"])
	}
	_, _, err = sidecar.RowsWithPrefix(ctx, "shop", "prices", Key{"eu"}, state.ETag)
	fmt.Printf("asked again: %v\n", err) // not modified, while nothing was written

	var refused *Error
	_, state, err = sidecar.Row(ctx, "shop", "prices", Key{"eu", "apple"}, Conditions{MaxStaleness: time.Hour})
	if errors.As(err, &refused) && refused.Code == "too_stale" {
		fmt.Println("older than an hour: the Reflector of this host is stuck, or nothing was written for an hour")
	} else if err != nil {
		return err
	}
	fmt.Printf("at sequence %s, %s s old\n", state.Sequence, state.Latency)
	return nil
}
