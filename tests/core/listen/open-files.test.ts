/** The bound of connections by open files. */
import { expect, test } from "bun:test";
import { connectionsAllowed } from "../../../core/process/listen/open-files.ts";

const limits = (soft: string) =>
  `Limit                     Soft Limit           Hard Limit           Units     \nMax processes             63704                63704                processes \nMax open files            ${soft}                1048576              files     \n`;

test("connections are bounded by the files that may be open, when there is such a limit", () => {
  expect(connectionsAllowed(limits("20000"))).toBe(6_581);
  expect(connectionsAllowed(limits("300"))).toBe(14);
  expect(connectionsAllowed(limits("64"))).toBe(1);
  expect(connectionsAllowed(limits("unlimited"))).toBe(Number.POSITIVE_INFINITY);
  expect(connectionsAllowed(null)).toBe(Number.POSITIVE_INFINITY);
  expect(connectionsAllowed()).toBeGreaterThan(0);
});
