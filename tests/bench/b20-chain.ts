/** B20, the other half: entries a second whose link of the chain is computed and compared, against SHA-256 of the same bytes. */
import { nextLink, sameHash, ZERO_HASH } from "../../core/ledger/chain.ts";
import { type Benchmark, inTurns, median, ratio } from "./report.ts";
import { sampleLedger } from "./sample-ldb.ts";

const ROWS = 500_000;
const ROUNDS = 5;

export const verifyChain: Benchmark = {
  id: "B20b",
  title: "checking the chain of a ledger",
  async run(progress) {
    progress("making the ledger");
    const entries = sampleLedger(ROWS, 100);
    const texts = entries.map(({ statement }) => Buffer.from(" ".repeat(48) + statement));
    const perSecond = (work: () => void): number => {
      const startedMs = performance.now();
      work();
      return entries.length / ((performance.now() - startedMs) / 1000);
    };
    const digest = new Uint8Array(32);
    const speeds = await inTurns(ROUNDS, {
      chain: () =>
        perSecond(() => {
          let hash = ZERO_HASH;
          for (const entry of entries) {
            hash = nextLink(hash, entry);
            if (!sameHash(hash, entry.hash ?? ZERO_HASH))
              throw new Error(`entry ${entry.sequence} does not fit`);
          }
        }),
      bare: () =>
        perSecond(() => {
          for (const text of texts) Bun.SHA256.hash(text, digest);
        }),
    });
    const value = median(speeds.chain);
    return {
      id: this.id,
      title: this.title,
      settings: `${entries.length} entries of 120 bytes on average, in memory; one core`,
      figures: [
        { name: "links computed and compared", unit: "entries/s", values: speeds.chain },
        { name: "SHA-256 of bytes that lie ready", unit: "entries/s", values: speeds.bare },
      ],
      verdicts: [
        { name: "chain", value, unit: "entries/s", aim: "≥ 1,000,000", met: value >= 1_000_000 },
        {
          name: "against SHA-256 alone",
          value: ratio(speeds.chain, speeds.bare),
          unit: "×",
          aim: "(none set)",
          met: true,
        },
      ],
    };
  },
};
