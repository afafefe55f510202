/**
 * B19, parsing: change events per second and core, from bytes to events, on the Node that the loader runs on and on Bun.
 *
 * The peer is `JSON.parse` of the same bytes, which rounds integers and knows nothing of events.
 */
import { join } from "node:path";
import { runProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Benchmark, type Figure, median, ratio, type Verdict } from "./report.ts";

const AIM = 10_000;
const PROGRAM = join(import.meta.dir, "b19-parse-program.ts");

type Measured = Readonly<Record<string, { bytes: number; ours: number[]; plain: number[] }>>;

async function measure(runtime: readonly string[], program: string): Promise<Measured> {
  const run = await runProcess([...runtime, program]);
  if (run.code !== 0) throw new Error(`${runtime.join(" ")} failed: ${run.stderr}`);
  return JSON.parse(run.stdout) as Measured;
}

async function bundle(to: string): Promise<void> {
  const built = await Bun.build({ entrypoints: [PROGRAM], target: "node", format: "esm", throw: false });
  if (!built.success) throw new Error(built.logs.map(String).join("\n"));
  await Bun.write(to, (await built.outputs[0]?.text()) ?? "");
}

function figuresOf(name: string, measured: Measured): Figure[] {
  return Object.entries(measured).flatMap(([form, { bytes, ours, plain }]) => [
    { name: `${name}: ${form}, ${bytes} bytes`, unit: "events/s", values: ours },
    { name: `${name}: the same by JSON.parse alone`, unit: "events/s", values: plain },
  ]);
}

function verdictsOf(name: string, measured: Measured): Verdict[] {
  return Object.entries(measured).flatMap(([form, { ours, plain }]) => [
    {
      name: `${name}: ${form}`,
      value: median(ours),
      unit: "events/s",
      aim: `≥ ${AIM.toLocaleString("en-US")}`,
      met: median(ours) >= AIM,
    },
    {
      name: `${name}: ${form}, against JSON.parse alone`,
      value: ratio(ours, plain),
      unit: "×",
      aim: "(none set)",
      met: true,
    },
  ]);
}

export const parseEvents: Benchmark = {
  id: "B19",
  title: "the loader parses change events",
  async run(progress) {
    using folder = tempFolder("bench-parse");
    const program = folder.file("program.mjs");
    await bundle(program);
    const node = (await runProcess(["node", "--version"])).stdout.trim();
    progress(`on Node ${node}`);
    const onNode = await measure(["node"], program);
    progress("on Bun");
    const onBun = await measure([process.execPath], program);
    return {
      id: this.id,
      title: this.title,
      settings: `from bytes to events, key and value, one core; Node ${node}, Bun ${Bun.version}; nothing is written`,
      figures: [...figuresOf("Node", onNode), ...figuresOf("Bun", onBun)],
      verdicts: [...verdictsOf("Node", onNode), ...verdictsOf("Bun", onBun)],
    };
  },
};
