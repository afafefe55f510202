/** The suite's target in the tests' S3 server, by http or by https. */
import { sharedS3Server } from "../../support/s3-server.ts";
import type { StoreTarget } from "./target.ts";

export function s3Target(scheme: "http" | "https"): StoreTarget {
  return {
    name: `S3 by ${scheme}`,
    createStore: async () => (await sharedS3Server()).bucketUrl({ scheme }),
    deps: async () => ({ credentials: await sharedS3Server() }),
    env: async () => (await sharedS3Server()).env,
  };
}
