/** An app, and short ways to use its limits routes. */
import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import { type Answer, type Call, openTestApp, type TestApp } from "./test-app.ts";

export interface LimitsWorld extends AsyncDisposable {
  readonly app: TestApp;
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<Answer>;
  remove(path: string): Promise<Answer>;
  /** The call is refused, shortly, and changes nothing. */
  expectRefused(call: Call, status: number, code: string): Promise<void>;
  /** Writes behind the Executive's back, as the original's would. */
  sql(statement: string): void;
}

export async function openLimitsWorld(): Promise<LimitsWorld> {
  const app = await openTestApp();
  return {
    app,
    get: async (path) => (await app.call({ method: "GET", path })).json,
    post: (path, body) =>
      app.call({ method: "POST", path, body: typeof body === "string" ? body : JSON.stringify(body) }),
    remove: (path) => app.call({ method: "DELETE", path }),
    async expectRefused(call, status, code) {
      const before = stored(app);
      const answer = await app.call(call);
      expect([call.path, call.body, answer.status, answer.code]).toEqual([
        call.path,
        call.body,
        status,
        code,
      ]);
      expect(answer.text.length).toBeLessThan(600);
      expect(stored(app)).toEqual(before);
    },
    sql(statement) {
      const [main] = app.rows("PRAGMA database_list") as { file: string }[];
      using database = new Database(main?.file ?? "");
      database.run("PRAGMA busy_timeout = 5000");
      database.run(statement);
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

/** Everything that a change of limits may change. */
function stored(app: TestApp): unknown {
  return [
    "SELECT * FROM max_table_sizes ORDER BY 1, 2",
    "SELECT * FROM max_writer_rates ORDER BY 1",
    "SELECT policy_version, seq FROM locks",
    "SELECT COUNT(*) FROM ctlstore_audit",
  ].map((sql) => app.rows(sql));
}
