/** The oldest Node that the loader runs on: older ones lack what it is made of, and would fail in the middle. */

const OLDEST = [20, 10] as const;

/** What is wrong with a version such as `18.19.1`; null when it will do. */
export function nodeProblem(version: string): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return null;
  return `Cannot run on Node ${version}: it must be ${OLDEST.join(".")} or newer`;
}
