/** Random changes of writers on two Executives against a model that says who may write what (D22, R45). */
import { describe, expect, test } from "bun:test";
import { type FamilyName, parseFamilyName, parseWriterName } from "../../../core/names.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";
import type { ConformanceTarget } from "../conformance.ts";
import { count, FAMILY, open, openFilled, request, table } from "../fixture.ts";

const OTHER = parseFamilyName("other");
const SECRETS = ["s3cr3t-a", "s3cr3t-b", "s3cr3t-c"] as const;
const NAMES = ["model 1", "model 2"].map(parseWriterName);
const HOUR = 3_600;

type Secret = (typeof SECRETS)[number];

interface ModelWriter {
  current: Secret | null;
  previous: Secret | null;
  grants: readonly FamilyName[] | null;
}

/** What a call comes to: an error's code, or "ok"; and whether anything was changed. */
interface Expected {
  readonly end: string;
  readonly changes: boolean;
}

const OK: Expected = { end: "ok", changes: true };
const NOTHING: Expected = { end: "ok", changes: false };
const refused = (end: string): Expected => ({ end, changes: false });

class Model {
  readonly writers = new Map<string, ModelWriter>();

  register(name: string, secret: Secret): Expected {
    const writer = this.writers.get(name);
    if (writer === undefined) {
      this.writers.set(name, { current: secret, previous: null, grants: null });
      return OK;
    }
    return [writer.current, writer.previous].includes(secret) ? NOTHING : refused("writer_exists");
  }

  rotate(name: string, secret: Secret, overlap: number): Expected {
    const writer = this.writers.get(name);
    if (writer === undefined) return refused("unknown_writer");
    if (writer.current === secret) {
      if (writer.previous === null || overlap > 0) return NOTHING;
      writer.previous = null;
      return OK;
    }
    writer.previous = overlap > 0 ? writer.current : null;
    writer.current = secret;
    return OK;
  }

  revoke(name: string): Expected {
    const writer = this.writers.get(name);
    if (writer === undefined) return refused("unknown_writer");
    if (writer.current === null) return NOTHING;
    writer.current = null;
    writer.previous = null;
    return OK;
  }

  grant(name: string, families: readonly FamilyName[] | null): Expected {
    const writer = this.writers.get(name);
    if (writer === undefined) return refused("unknown_writer");
    if (JSON.stringify(writer.grants) === JSON.stringify(families)) return NOTHING;
    writer.grants = families;
    return OK;
  }

  write(name: string, secret: Secret, family: FamilyName): Expected {
    const writer = this.writers.get(name);
    const isKnown = writer !== undefined && [writer.current, writer.previous].includes(secret);
    if (!isKnown) return refused("bad_credentials");
    return writer.grants === null || writer.grants.includes(family) ? NOTHING : refused("not_granted");
  }
}

interface Step {
  readonly text: string;
  readonly expected: Expected;
  run(ctldb: CtlDb): Promise<unknown>;
}

function nextStep(model: Model, random: () => number): Step {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T; // never empty
  const name = pick(NAMES);
  const secret = pick(SECRETS);
  const family = pick([FAMILY, OTHER]);
  const overlap = pick([0, HOUR]);
  const families = pick([null, [], [FAMILY], [FAMILY, OTHER]]);
  switch (pick(["write", "write", "write", "write", "register", "rotate", "rotate", "revoke", "grant"])) {
    case "register":
      return {
        text: `register ${name} ${secret}`,
        expected: model.register(name, secret),
        run: (ctldb) => ctldb.writers.register(name, secret),
      };
    case "rotate":
      return {
        text: `rotate ${name} ${secret} ${overlap}`,
        expected: model.rotate(name, secret, overlap),
        run: (ctldb) => ctldb.writers.rotate(name, secret, overlap),
      };
    case "revoke":
      return {
        text: `revoke ${name}`,
        expected: model.revoke(name),
        run: (ctldb) => ctldb.writers.revoke(name),
      };
    case "grant":
      return {
        text: `grant ${name} ${families}`,
        expected: model.grant(name, families),
        run: (ctldb) => ctldb.writers.grant(name, families),
      };
    default:
      return {
        text: `write ${name} ${secret} ${family}`,
        expected: model.write(name, secret, family),
        run: (ctldb) => ctldb.write(request([count("a")], { writer: name, secret, family })),
      };
  }
}

export function accessModelTests(target: ConformanceTarget): void {
  describe("writers that are changed at random", () => {
    test("D22 R45 may write what a model says, on two Executives, with each change once in the trail", async () => {
      const seed = suiteSeed();
      const random = seededRandom(seed);
      const url = await target.createDatabase();
      // Every request is looked up, so that what one Executive changes holds for the other with its next request.
      const options = { access: { cacheMs: 0, refusedCacheMs: 0 } };
      await using first = await openFilled(url, options);
      await using second = await open(url, options);
      await first.createFamily(OTHER);
      const fields = [
        ["name", "string"],
        ["count", "integer"],
      ] as const;
      await first.createTables([table("counts", { fields, keyFields: ["name"] }, OTHER)]);
      const model = new Model();
      const history: string[] = [];
      let changes = (await first.audit.read({ limit: 1_000 })).entries.length;
      for (let i = 0; i < runsOf({ quick: 80, deep: 500 }); i++) {
        const step = nextStep(model, random);
        history.push(step.text);
        const end = await step.run(random() < 0.5 ? first : second).then(
          () => "ok",
          (error) => error.code ?? String(error),
        );
        changes += step.expected.changes ? 1 : 0;
        expect({ seed, history: history.slice(-20), end }).toEqual({
          seed,
          history: history.slice(-20),
          end: step.expected.end,
        });
      }
      const { entries } = await first.audit.read({ limit: 1_000 });
      expect({ seed, entries: entries.length }).toEqual({ seed, entries: changes });
    });
  });
}
