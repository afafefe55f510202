/**
 * What is noted beside a generation's database: that it was published, and since when it has been replaced.
 *
 *     generations/<id>/published      made before `ldb.db` points here: readers may have it open
 *     generations/<id>/replaced-at    when another generation was first seen in its place, ISO 8601
 *
 * A folder without the first is a left-over of a crash, which no reader can have (R17). The second outlives the process,
 * so that a Reflector that restarts often does not keep a generation for ever (I13).
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PUBLISHED_NAME = "published";
const REPLACED_NAME = "replaced-at";

export function markPublished(generationFolder: string): void {
  writeFileSync(join(generationFolder, PUBLISHED_NAME), "");
}

export function wasPublished(generationFolder: string): boolean {
  return existsSync(join(generationFolder, PUBLISHED_NAME));
}

/** Since when the generation has been replaced, in milliseconds since 1970; noted now when it was not yet. */
export function replacedSinceMs(generationFolder: string, nowMs: number): number {
  const path = join(generationFolder, REPLACED_NAME);
  const noted = notedMs(path);
  // A clock that was set back meanwhile must not make it stay for years.
  if (noted <= nowMs) return noted;
  try {
    writeFileSync(path, `${new Date(nowMs).toISOString()}\n`);
  } catch {
    // On a full disk the removal of what nobody holds matters more than the note, which the next sweep tries again.
  }
  return nowMs;
}

/** NaN where there is no note, or none that can be read: one of them must not keep all others from being looked at. */
function notedMs(path: string): number {
  try {
    return Date.parse(readFileSync(path, "utf8").trim());
  } catch {
    return Number.NaN;
  }
}
