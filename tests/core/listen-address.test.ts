import { describe, expect, test } from "bun:test";
import { isLoopbackBind } from "../../core/process/listen.ts";

describe("isLoopbackBind", () => {
  test.each([
    "127.0.0.1:3000",
    "127.255.0.9:0",
    "[::1]:3000",
    "[0:0:0:0:0:0:0:1]:3000",
    "[::ffff:127.0.0.1]:3000",
    "localhost:3000",
    "LOCALHOST:3000",
    "unix:/run/ctlstore/executive.sock",
  ])("takes %s for this host alone", (bind) => {
    expect(isLoopbackBind(bind)).toBe(true);
  });

  test.each([
    "0.0.0.0:3000",
    "[::]:3000",
    "[::ffff:10.0.0.1]:3000",
    "[fe80::1]:3000",
    "10.127.0.1:3000",
    "127.0.0.1.example.org:3000",
    "127.1:3000",
    "localhost.example.org:3000",
    "3000",
    "",
  ])("takes %s for open to others", (bind) => {
    expect(isLoopbackBind(bind)).toBe(false);
  });
});
