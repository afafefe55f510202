/** The table that the stories of this folder write and read. */
import { type Client, createClient, unwrap } from "../../client/index.ts";
import { SERVICE_ADMIN_TOKEN } from "../support/services.ts";

export const STORY_WRITER = { writer: "storyteller", secret: "s3cr3t-story", family: "story" } as const;

/** Makes family `story` with table `rows` (id, text) and a writer for it. */
export async function makeStoryTable(executiveUrl: string): Promise<Client> {
  const client = createClient(executiveUrl, { adminToken: SERVICE_ADMIN_TOKEN });
  unwrap(await client.families({ family: "story" }).post());
  const table = {
    fields: [
      ["id", "integer"],
      ["text", "text"],
    ] as [string, string][],
    keyFields: ["id"],
  };
  unwrap(await client.families({ family: "story" }).tables({ table: "rows" }).post(table));
  unwrap(await client.writers({ writer: STORY_WRITER.writer }).post(STORY_WRITER.secret));
  return client;
}
