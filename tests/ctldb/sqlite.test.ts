/** The conformance suite on the embedded ctldb. */
import { Database } from "bun:sqlite";
import { tempFolder } from "../support/temp-folder.ts";
import { conformanceTests } from "./conformance.ts";

const folder = tempFolder("ctldb-sqlite");
let databases = 0;

conformanceTests({
  name: "SQLite",
  kind: "sqlite",
  server: /^SQLite 3\./,
  async createDatabase() {
    databases += 1;
    return `sqlite:${folder.file(`${databases}.db`)}`;
  },
  async sql(url, statement) {
    const db = new Database(url.slice("sqlite:".length));
    try {
      db.run("PRAGMA busy_timeout = 5000");
      db.run(statement);
    } finally {
      db.close();
    }
  },
});
