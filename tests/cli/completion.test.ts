/** Completion scripts, run by the shells that they are for where those are here. */
import { describe, expect, test } from "bun:test";
import { ALL_COMMANDS } from "../../cli/all-commands.ts";
import { completionScript } from "../../cli/completion.ts";
import { runProcess } from "../support/process.ts";

/** What bash offers after these words; the last one is being typed. */
async function bashOffers(...typed: string[]): Promise<string[]> {
  const script = [
    completionScript("bash", ALL_COMMANDS),
    `COMP_WORDS=(${typed.map((word) => `'${word}'`).join(" ")})`,
    `COMP_CWORD=${typed.length - 1}`,
    "_ctlstore",
    `printf '%s\\n' "\${COMPREPLY[@]}"`,
  ].join("\n");
  const { code, stdout, stderr } = await runProcess(["bash", "-c", script]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout.split("\n").filter((line) => line !== "");
}

describe("bash completion", () => {
  test("offers commands when the first word is typed", async () => {
    expect(await bashOffers("ctlstore", "create-")).toEqual(["create-family", "create-table"]);
  });

  test("offers the commands of a group when its second word is typed", async () => {
    expect((await bashOffers("ctlstore", "ldb", "")).toSorted()).toEqual(["skip", "status", "verify"]);
  });

  test("offers the commands of a group that is a command itself, at any depth", async () => {
    expect(await bashOffers("ctlstore", "limits", "t")).toEqual(["tables"]);
    expect((await bashOffers("ctlstore", "limits", "tables", "")).toSorted()).toEqual(["reset", "set"]);
    expect(await bashOffers("ctlstore", "limits", "tables", "set", "--ma")).toEqual(["--max"]);
  });

  test("offers the flags of the command when a dash is typed, also of a command in a group", async () => {
    expect(await bashOffers("ctlstore", "create-table", "fam/tbl", "--f")).toEqual(["--field"]);
    expect(await bashOffers("ctlstore", "ldb", "skip", "--re")).toEqual(["--reason"]);
    expect(await bashOffers("ctlstore", "status", "--re")).toEqual(["--reflector"]);
  });
});

test.each(["zsh", "fish"] as const)("%s completion names every command and flag", (shell) => {
  const script = completionScript(shell, ALL_COMMANDS);
  for (const { name, options } of ALL_COMMANDS) {
    for (const word of name.split(" ")) expect(script).toContain(word);
    for (const { flag } of Object.values(options)) expect(script).toContain(flag);
  }
});
