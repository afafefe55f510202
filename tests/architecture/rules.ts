/**
 * The import rules of ctlstore: the one table that says who may know whom. ARCHITECTURE.md explains it.
 *
 * Server, reflector, reader and loader never import one another: they meet through the ctldb, the ledger, the LDB or
 * HTTP. A package of others is known to one place only, so that it can be replaced there.
 */

export interface FolderRule {
  /** Our other folders that it may import from. */
  readonly may: readonly string[];
  /** Our folders of which it may know the types and nothing else. */
  readonly types?: readonly string[];
}

export const FOLDER_RULES: Readonly<Record<string, FolderRule>> = {
  core: { may: [] },
  ctldb: { may: ["core"] },
  server: { may: ["core", "ctldb"] },
  client: { may: ["core"], types: ["server"] },
  heartbeat: { may: ["core", "client"] },
  ldb: { may: ["core"] },
  snapshot: { may: ["core", "ldb"] },
  reflector: { may: ["core", "ctldb", "ldb", "snapshot"] },
  reader: { may: ["core", "ldb"] },
  codegen: { may: ["core"] },
  verify: { may: ["core", "ctldb", "ldb"] },
  sidecar: { may: ["core", "reader"] },
  loader: { may: ["core", "client"] },
};

/** Folders that put the others together: they may import anything. */
export const COMPOSING_FOLDERS = ["cli", "tests", "scripts"] as const;

/** Files or folders (ending in a slash) that may import a package. What is not listed may be imported nowhere. */
export const PACKAGE_PLACES: Readonly<Record<string, readonly string[]>> = {
  valibot: ["core/wire/", "snapshot/manifest.ts", "loader/mapping/"],
  "@valibot/to-json-schema": ["core/wire/", "loader/mapping/"],
  pino: ["core/process/logger.ts"],
  "prom-client": ["core/process/metrics.ts"],
  "@opentelemetry/api": ["core/process/tracing/"],
  "@opentelemetry/otlp-transformer": ["core/process/tracing/"],
  "@opentelemetry/resources": ["core/process/tracing/"],
  "@opentelemetry/sdk-trace": ["core/process/tracing/"],
  mysql2: ["ctldb/mysql/"],
  elysia: ["server/"],
  "@elysiajs/openapi": ["server/openapi/"],
  "@elysiajs/eden": ["client/"],
  "@aws-sdk/client-s3": ["snapshot/stores/s3/"],
  "@aws-sdk/client-ecs": ["reflector/readiness/ecs.ts"],
  "@aws-sdk/lib-storage": ["snapshot/stores/s3/"],
  "@confluentinc/kafka-javascript": ["loader/kafka/client.ts", "tests/support/kafka/"],
  // The origin of a test: reads the binlog of a real server.
  "@vlasky/zongji": ["tests/support/origin/"],
  commander: ["cli/program.ts"],
  "cli-progress": ["cli/demo/progress.ts", "cli/bootstrap-bar.ts", "cli/loader-bar.ts"],
  "mime-db": ["cli/demo/mime-rows.ts"],
  "bun:sqlite": ["ctldb/sqlite/", "ctldb/proof.ts", "ctldb/legacy-schema.ts", "ldb/"],
  // Calls into C can end the process: one place, and in tests the mounts and the process that is a Kafka cluster.
  "bun:ffi": [
    "reflector/readiness/sd-notify.ts",
    "tests/support/mounts.ts",
    "tests/support/kafka/librdkafka.ts",
    "tests/support/kafka/cluster-host.ts",
  ],
  "node:sqlite": ["ldb/drivers/"],
  "better-sqlite3": ["ldb/drivers/"],
};

/** Where a runtime must get by with less. Roots, with everything that they import at run time. */
export const CLOSURE_RULES: readonly {
  readonly root: string;
  readonly reason: string;
  /** Outside modules that may be reached. */
  readonly allowed: RegExp;
}[] = [
  {
    root: "reader/index.ts",
    reason: "the reader has no dependencies: the runtime's own modules and one SQLite driver",
    allowed: /^(node:|bun:sqlite$|better-sqlite3$)/,
  },
  {
    root: "reader/node.ts",
    reason: "as above, on Node and Deno",
    allowed: /^(node:|better-sqlite3$)/,
  },
  {
    root: "client/index.ts",
    reason: "the write client uses fetch alone, so it also runs at the edge",
    allowed: /^@elysiajs\/eden/,
  },
];
