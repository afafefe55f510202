/** The end of a command: nothing of its output is lost, and nothing left open keeps it. */
import { expect, test } from "bun:test";
import { runProcess } from "../support/process.ts";

const CHILD = new URL("./printing-child.ts", import.meta.url).pathname;

test.each([
  // Longer than a command lingers, as a pager does: what the pipe does not hold has to wait.
  ["a pipe that is read late", "sleep 1.5; wc -c", "1000001"],
  ["a pipe whose reader has seen enough", "head -c 3", "xxx"],
])("a command exits 0 with all of its output written when it goes to %s", async (_, reader, seen) => {
  const script = `{ "$0" "$1"; echo "exit $?" >&2; } | { ${reader}; }`;
  const { stdout, stderr } = await runProcess(["/bin/sh", "-c", script, process.execPath, CHILD]);
  expect(stdout.trim()).toBe(seen);
  expect(stderr.trim()).toBe("exit 0");
});
