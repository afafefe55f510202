/** Starting on a well-known port, or on any free one when that is taken, which is said. */

export interface PortChoice {
  readonly name: string;
  readonly port: number;
  readonly note: (line: string) => void;
}

/** @param start gets the address to bind; it must fail with the system's EADDRINUSE somewhere in its causes */
export async function startOnFreePort<T>(
  choice: PortChoice,
  start: (bind: string) => Promise<T>,
): Promise<T> {
  try {
    return await start(`127.0.0.1:${choice.port}`);
  } catch (error) {
    if (!isAddressInUse(error)) throw error;
    choice.note(`port ${choice.port} is taken: the ${choice.name} listens on a free one instead`);
    return start("127.0.0.1:0");
  }
}

function isAddressInUse(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && error.code === "EADDRINUSE") || isAddressInUse(error.cause);
}
