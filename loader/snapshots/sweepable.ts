/** Which tables cannot be swept or cleared, whatever the mapping says: told before the first event is loaded. */
import { CtlstoreError } from "../../core/errors.ts";
import type { Mapping, TableMapping } from "../mapping/mapping.ts";

/**
 * Work on a whole table must know whose each row is.
 *
 * @param partitions the number of each topic's partitions; those that are not named are not looked at
 * @throws CtlstoreError `mapping_invalid`
 */
export function assertSweepable(mapping: Mapping, partitions: ReadonlyMap<string, number>): void {
  for (const table of mapping.tables) {
    if (!isWorkedOnWhole(table)) continue;
    const { topic, family } = table;
    if (mapping.laneOf(topic) === "partition" && (partitions.get(topic) ?? 1) > 1) {
      throw refusal(
        table,
        `each partition of topic ${topic} has a lane of its own, which sees some of the rows only`,
        'leave "lane" at "topic"',
      );
    }
    const others = mapping.tables.filter(
      (other) => other !== table && other.family === family && other.table === table.table,
    );
    for (const other of others) {
      if (table.vanishedRows !== "keep" && other.topic === topic) {
        throw refusal(
          table,
          `two tables of the origin come to it by topic ${topic}, and their snapshots cannot be told apart there`,
          "give each a topic of its own, or keep vanished rows",
        );
      }
      if (!areToldApart(table, other)) {
        throw refusal(
          table,
          `its rows come from topic ${other.topic} too, and nothing in its key tells whose a row is`,
          "give each of the two a constant in the key, or keep vanished rows and do not clear on truncate",
        );
      }
    }
  }
}

function isWorkedOnWhole({ vanishedRows, onTruncate }: TableMapping): boolean {
  return vanishedRows !== "keep" || onTruncate === "clear";
}

/** A field of the key is a constant of both, and another one. */
function areToldApart(one: TableMapping, other: TableMapping): boolean {
  const keyFields = one.schema?.keyFields ?? [...one.constants.keys()];
  return keyFields.some((field) => {
    const [mine, theirs] = [one.constants.get(field), other.constants.get(field)];
    return mine !== undefined && theirs !== undefined && String(mine) !== String(theirs);
  });
}

function refusal({ family, table }: TableMapping, reason: string, hint: string): CtlstoreError {
  return new CtlstoreError(
    "mapping_invalid",
    `Cannot report, sweep or clear table ${family}/${table}: ${reason}`,
    { hint },
  );
}
