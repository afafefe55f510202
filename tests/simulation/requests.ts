/** Steps of a history as HTTP requests of the write API. */
import type { SentRequest } from "./central.ts";
import type { ModelState } from "./model.ts";
import type { FamilyIndex, SchemaStep, SentBatch, SentMutation, TableShape, WriterIndex } from "./steps.ts";

/** What the families and writers of one run are called, so that runs do not meet in one ctldb. */
export class RunNames {
  readonly #run: number;

  constructor(run: number) {
    this.#run = run;
  }

  readonly family = (family: FamilyIndex): string => `h${this.#run}f${family}`;
  readonly writer = (writer: WriterIndex): string => `Run ${this.#run} writer ${writer}`;
  readonly secret = (writer: WriterIndex): string => `s3cr3t-${this.#run}-${writer}`;

  credentials(writer: WriterIndex): Record<string, string> {
    return { "ctlstore-writer": this.writer(writer), "ctlstore-secret": this.secret(writer) };
  }
}

export function schemaRequest(step: SchemaStep, names: RunNames): SentRequest {
  switch (step.kind) {
    case "create-family":
      return { method: "POST", path: `/families/${names.family(step.family)}` };
    case "create-tables":
      return createRequest(step.tables, names);
    case "add-fields":
      return {
        method: "PUT",
        path: `/families/${names.family(step.family)}/tables/${step.table}`,
        body: JSON.stringify({ fields: step.fields }),
      };
    case "drop-table":
      return { method: "DELETE", path: `/families/${names.family(step.family)}/tables/${step.table}` };
    case "clear-rows": {
      const table = step.table === null ? "" : `/tables/${step.table}`;
      return { method: "DELETE", path: `/clear-rows/families/${names.family(step.family)}${table}` };
    }
  }
}

function createRequest(tables: readonly TableShape[], names: RunNames): SentRequest {
  const [only] = tables;
  if (tables.length === 1 && only !== undefined) {
    const { family, table, fields, keyFields } = only;
    const path = `/families/${names.family(family)}/tables/${table}`;
    return { method: "POST", path, body: JSON.stringify({ fields, keyFields }) };
  }
  return {
    method: "POST",
    path: "/tables",
    body: JSON.stringify(tables.map((table) => wireTable(table, names))),
  };
}

function wireTable({ family, table, fields, keyFields }: TableShape, names: RunNames) {
  return { family: names.family(family), name: table, fields, keyFields };
}

/** What `GET /schema/family` must answer. */
export function expectedSchema(state: ModelState, family: FamilyIndex, names: RunNames): unknown {
  return [...state.values()]
    .filter((table) => table.family === family)
    .sort((a, b) => (a.table < b.table ? -1 : 1))
    .map((table) => wireTable(table, names));
}

/** @param stored the writer's cookie as the model knows it, in base64 */
export function writeRequest(batch: SentBatch, stored: string, names: RunNames): SentRequest {
  const headers = names.credentials(batch.writer);
  if (batch.credentials === "wrong-secret") headers["ctlstore-secret"] = "s3cr3t-wrong";
  if (batch.credentials === "unknown-writer") headers["ctlstore-writer"] = "nobody";
  const members: string[] = [];
  if (batch.cookie !== null) members.push(`"cookie":${JSON.stringify(batch.cookie)}`);
  if (batch.checkCookie === "right") members.push(`"check_cookie":${JSON.stringify(stored)}`);
  if (batch.checkCookie === "wrong") members.push(`"check_cookie":${JSON.stringify(another(stored))}`);
  members.push(`"mutations":[${batch.mutations.map(mutationJson).join(",")}]`);
  const path = `/families/${names.family(batch.family)}/mutations`;
  return { method: "POST", path, body: `{${members.join(",")}}`, headers };
}

function another(cookie: string): string {
  const bytes = Buffer.from(cookie, "base64");
  return Buffer.concat([bytes.subarray(0, 1000), Buffer.from([0])]).toString("base64");
}

/** Values go as the text that they are: a JSON encoder would round them. */
function mutationJson({ table, isDelete, values }: SentMutation): string {
  const members = values.map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  const deletion = isDelete ? `"delete":true,` : "";
  return `{"table":${JSON.stringify(table)},${deletion}"values":{${members.join(",")}}}`;
}
