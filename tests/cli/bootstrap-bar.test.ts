/** The bar of a bootstrap says what the status says. */
import { expect, test } from "bun:test";
import { Writable } from "node:stream";
import { bootstrapBar } from "../../cli/bootstrap-bar.ts";
import { toSequence } from "../../core/sequence.ts";
import type { BootstrapStatus, ReflectorStatus } from "../../reflector/state.ts";

const MIB = 1024 * 1024;
const WAITING: BootstrapStatus = {
  cause: "empty",
  phase: "choosing",
  sequence: null,
  bytes: 0,
  totalBytes: 0,
  failedAttempts: 0,
  failure: null,
};

/** A bar on what looks like a terminal. */
function shownBar() {
  const written: string[] = [];
  const terminal = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  const screen = Object.assign(terminal, { isTTY: true, columns: 120 });
  const bar = bootstrapBar(screen);
  let bootstrap: BootstrapStatus | null = null;
  bar.start(() => ({ bootstrap }) as ReflectorStatus); // all that it looks at
  return {
    show(now: BootstrapStatus | null) {
      bootstrap = now;
      bar.changed();
    },
    async end(): Promise<string> {
      await bar.stop();
      return written.join("");
    },
  };
}

const downloading = (sequence: number, mebibytes: number, of: number): BootstrapStatus => ({
  ...WAITING,
  phase: "downloading",
  sequence: toSequence(sequence),
  bytes: mebibytes * MIB,
  totalBytes: of * MIB,
});

test("the bar tells how far a download is, and ends with it", async () => {
  const { show, end } = shownBar();
  show(null);
  show(WAITING);
  show(downloading(7, 3, 10));
  show(null);
  expect(await end()).toContain("30% | 3/10 MiB");
});

test("the bar is of the snapshot that is fetched when the one before it was passed over", async () => {
  const { show, end } = shownBar();
  show(downloading(7, 10, 10));
  show(downloading(6, 5, 20));
  expect(await end()).toContain("25% | 5/20 MiB");
});
