/** Assertions of the suite, on what every runtime has. */
import assert from "node:assert/strict";

/** Runs and expects a CtlstoreError with this code, told by name because the package carries its own copy. */
export function throwsCode(code: string, run: () => unknown): Error & { details: { field?: string } } {
  let thrown: unknown;
  try {
    const result = run();
    assert.fail(
      `expected ${code}, got ${typeof result === "bigint" ? `${result}n` : JSON.stringify(result)}`,
    );
  } catch (error) {
    thrown = error;
  }
  return hasCode(code, thrown);
}

export async function rejectsCode(code: string, promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => assert.fail(`expected ${code}, but it resolved`),
    (error) => hasCode(code, error),
  );
}

function hasCode(code: string, error: unknown): Error & { details: { field?: string } } {
  if (!(error instanceof Error) || !("code" in error)) throw error;
  assert.equal(error.code, code, error.message);
  return error as Error & { code: unknown; details: { field?: string } };
}
