/** A process of its own that is in the middle of a change of tables on MariaDB, for tests that kill or stop it there. */
import { join } from "node:path";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { count, openFilled, request } from "./fixture.ts";

const CHILD = join(import.meta.dir, "mysql-child.ts");

export interface Interrupted extends AsyncDisposable {
  readonly url: string;
  readonly child: TestProcess;
  readonly proxy: FaultProxy;
}

/**
 * A child in the middle of a change: its request has reached the server, and the answer never reaches the child.
 * @param before what is done to the database while the child is ready, and before it begins
 */
export async function interruptAt(
  change: string,
  hold: RegExp,
  { idleSeconds = 60, before }: { idleSeconds?: number; before?: (url: string) => Promise<void> } = {},
): Promise<Interrupted> {
  const server = await sharedMariadb();
  const url = await server.createDatabase();
  {
    await using ctldb = await openFilled(url);
    await ctldb.write(request([count("before", 1)]));
  }
  const proxy = await startFaultProxy(server);
  const through = new URL(url);
  through.port = String(proxy.port);
  const child = startProcess([process.execPath, CHILD, through.href, change, String(idleSeconds)]);
  await child.waitForOutput(/ready/);
  await before?.(url);
  proxy.set({ holdReplyOf: hold });
  child.signal("SIGUSR1");
  const dispose = async () => {
    await child.kill();
    await proxy.close();
  };
  return { url, child, proxy, [Symbol.asyncDispose]: dispose };
}
