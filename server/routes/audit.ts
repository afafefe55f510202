/** The audit trail: who changed what, and when. */
import { Elysia } from "elysia";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import { sequenceToJson } from "../../core/sequence.ts";
import { AuditAnswer, type AuditQuery, AuditQuery as AuditQuerySchema } from "../../core/wire/access.ts";
import { jsonSafeMembers } from "../../core/wire/json-safe.ts";
import { AUDIT_ACTIONS, type AuditAction, type AuditEntry } from "../../ctldb/access/contract.ts";
import type { RouteContext } from "../context.ts";
import { exactQuery } from "../exact-query.ts";
import { ERRORS, notAParameter, parsePageLimit } from "./common.ts";
import { isoOfUs } from "./times.ts";

async function readAudit({ ctldb }: RouteContext, query: AuditQuery): Promise<AuditAnswer> {
  const { actor, target } = query;
  const { entries, next } = await ctldb.audit.read({
    limit: parsePageLimit(query.limit, ACCESS_LIMITS.auditPage),
    ...(query.before === undefined ? {} : { before: parseId(query.before) }),
    ...(query.action === undefined ? {} : { action: parseAction(query.action) }),
    ...(actor === undefined ? {} : { actor: parseFilter("actor", actor) }),
    ...(target === undefined ? {} : { target: parseFilter("target", target) }),
  });
  return { entries: entries.map(entryAnswer), next: next === null ? null : sequenceToJson(next) };
}

function entryAnswer({ id, atUs, actor, action, target, detail, sequence }: AuditEntry) {
  return {
    id: sequenceToJson(id),
    at: isoOfUs(atUs),
    actor,
    action,
    target,
    ...(detail === undefined ? {} : { detail: jsonSafeMembers(detail) }),
    ...(sequence === undefined ? {} : { sequence: sequenceToJson(sequence) }),
  };
}

const LARGEST_ID = 2n ** 63n - 1n;

function parseId(text: string): bigint {
  const id = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
  if (id < 1n || id > LARGEST_ID) throw notAParameter("before", text, "`next` of another page");
  return id;
}

function parseAction(text: string): AuditAction {
  const action = AUDIT_ACTIONS.find((known) => known === text);
  if (action === undefined) throw notAParameter("action", text, `one of ${AUDIT_ACTIONS.join(", ")}`);
  return action;
}

/** What the trail may hold: printable, and no longer than its column. */
function parseFilter(name: string, text: string): string {
  if (/^[^\u0000-\u001f\u007f]{1,191}$/u.test(text) && text.isWellFormed()) return text;
  throw notAParameter(name, text, "1 to 191 printable characters");
}

export function auditRoutes(context: RouteContext) {
  return new Elysia().get("/audit", ({ query }) => readAudit(context, query), {
    transform: exactQuery,
    query: AuditQuerySchema,
    response: { 200: AuditAnswer, ...ERRORS },
    detail: {
      summary: "Who changed what and when, the newest first",
      description:
        "One entry for each change of families, tables, writers, operators, declared readers and limits. Writes of rows are in the ledger, not here.",
      tags: ["operators"],
    },
  });
}
