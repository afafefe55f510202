/** Lets everything else that waits run before going on: long work stays answerable (R21). */
export function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
