/** Writes the churn table until a sequence is reached or it is killed: `churn-writer.ts LDB SEQUENCE`. */
import { Database } from "bun:sqlite";
import { type ChurnKey, makeChurnTable } from "./churn.ts";

const [path = "", last = "0"] = process.argv.slice(2);
const database = new Database(path);
database.exec("PRAGMA synchronous = OFF; PRAGMA busy_timeout = 5000");
let key: ChurnKey = "a";
let schemaVersion = 1;

for (let sequence = 2; sequence <= Number(last); sequence++) {
  database.exec("BEGIN IMMEDIATE");
  if (sequence % 7 === 0) {
    key = key === "a" ? "b" : "a";
    schemaVersion += 1;
    database.exec(makeChurnTable(key, sequence));
  } else if (sequence % 7 === 3) {
    schemaVersion += 1;
    database.exec(`ALTER TABLE fam___churn ADD COLUMN "x${sequence}" TEXT`);
    database.exec(`UPDATE fam___churn SET v = ${sequence}`);
  } else {
    database.exec(`UPDATE fam___churn SET v = ${sequence}`);
  }
  database.exec(`UPDATE _ldb_seq SET seq = ${sequence};
    UPDATE _ldb_meta SET hash_sequence = ${sequence}, schema_version = ${schemaVersion}; COMMIT`);
}
database.close();
console.log("written");
