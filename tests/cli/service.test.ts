/** The end of several services together. */
import { expect, test } from "bun:test";
import { runUntilStopped, type Service, stopAll } from "../../cli/service.ts";

function service(name: string, stopped: string[], stop: () => Promise<void> = async () => {}): Service {
  return {
    name,
    stop: () => {
      stopped.push(name);
      return stop();
    },
  };
}

const never = () => new Promise<void>(() => {});
const refuse = () => Promise.reject(new Error("cannot close"));

test("services are all stopped, the last started first, when one of them fails or hangs", async () => {
  const stopped: string[] = [];
  const services = [
    service("ctldb", stopped),
    service("hung", stopped, never),
    service("bad", stopped, refuse),
  ];
  await expect(stopAll(services, 20)).rejects.toThrow("cannot close");
  expect(stopped).toEqual(["bad", "hung", "ctldb"]);
});

test("services end with the reason of the one that gave up when another then does not stop", async () => {
  const stopped: string[] = [];
  const done = Promise.reject(new Error("cannot go on"));
  const services = [{ ...service("first", stopped), done }, service("bad", stopped, refuse)];
  const context = { stopSignal: () => new AbortController().signal };
  await expect(runUntilStopped(context, services)).rejects.toThrow("cannot go on");
  expect(stopped).toEqual(["bad", "first"]);
});
