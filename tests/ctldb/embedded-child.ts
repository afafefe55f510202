/** Writes one row after the other into an embedded ctldb, and says so each time, until it is killed. Argument: URL. */
import { bytes, count, open, request, SECRET, WRITER } from "./fixture.ts";

const ctldb = await open(process.argv[2] ?? "");
let last = Number(new TextDecoder().decode(await ctldb.readCookie(WRITER, SECRET)) || "0");
for (;;) {
  const checkCookie = bytes(last === 0 ? "" : `${last}`);
  last += 1;
  await ctldb.write(request([count(`n${last}`, last)], { cookie: bytes(`${last}`), checkCookie }));
  process.stdout.write(`done ${last}\n`);
}
