/** The OpenAPI document (`/openapi/json`) and a page that shows it (`/openapi`). */
import { openapi } from "@elysiajs/openapi";
import { VERSION } from "../core/version.ts";
import { wireJsonSchema } from "../core/wire/json-schema.ts";
import { SECRET_HEADER, WRITER_HEADER } from "./credentials.ts";

export function openapiRoutes() {
  return openapi({
    path: "/openapi",
    exclude: { paths: ["/openapi", "/openapi/json"] },
    mapJsonSchema: { valibot: wireJsonSchema },
    documentation: {
      info: {
        title: "ctlstore Executive",
        version: VERSION,
        description: "The write API of ctlstore. Reads go to the local LDB of each host, not here.",
      },
      tags: [
        { name: "writes", description: "What writers do" },
        { name: "writers", description: "Writers and their cookies" },
        { name: "schema", description: "Families, tables and fields" },
        { name: "operations", description: "Health, status and metrics" },
      ],
      components: {
        securitySchemes: {
          adminToken: { type: "http", scheme: "bearer" },
          writer: { type: "apiKey", in: "header", name: WRITER_HEADER },
          secret: { type: "apiKey", in: "header", name: SECRET_HEADER },
        },
      },
    },
  });
}
