/** The other end of NOTIFY_SOCKET: a real datagram socket, held by a Python process, since Bun has none. */
import { startProcess } from "../../support/process.ts";
import { until } from "../../support/until.ts";

const RECEIVER = new URL("./receive-datagrams.py", import.meta.url).pathname;

export interface NotifyReceiver extends AsyncDisposable {
  /** The lines of all messages so far. */
  lines(): readonly string[];
  messages(): readonly string[];
  signal(signal: NodeJS.Signals): void;
  waitFor(line: string | RegExp, deadlineMs?: number): Promise<string>;
}

/** @param socket a path, or `@` and an abstract name */
export async function receiveNotifications(socket: string): Promise<NotifyReceiver> {
  const child = startProcess(["python3", RECEIVER, socket]);
  await child.waitForOutput(/^bound$/m);
  const messages = () =>
    child.stdout
      .split("\n")
      .filter((line) => line.startsWith('"'))
      .map((line) => String(JSON.parse(line)));
  const lines = () => messages().flatMap((message) => message.split("\n"));
  return {
    lines,
    messages,
    signal: (signal) => child.signal(signal),
    waitFor: (wanted, deadlineMs = 20_000) =>
      until(
        () => lines().find((line) => (typeof wanted === "string" ? line === wanted : wanted.test(line))),
        { what: `${wanted} among the notifications`, deadlineMs },
      ),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
