/** The client ties nobody to a runtime: it needs `fetch` and what every JavaScript has. */
import { expect, test } from "bun:test";
import { join } from "node:path";

test("the client bundles for the edge into one file that imports nothing and knows nothing of the server", async () => {
  const entry = join(import.meta.dir, "../../client/index.ts");
  const built = await Bun.build({ entrypoints: [entry], target: "browser" });
  expect(built.success).toBe(true);
  const code = (await built.outputs[0]?.text()) ?? "";
  expect(new Bun.Transpiler({ loader: "js" }).scanImports(code)).toEqual([]);
  for (const word of ["node:", "bun:", "require(", "valibot", "mysql2", "Buffer.", "process."]) {
    expect([word, code.includes(word)]).toEqual([word, false]);
  }
  expect(code.length).toBeLessThan(60_000);
});
