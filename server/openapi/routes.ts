/** The OpenAPI document (`/openapi/json`) and a page that shows it (`/openapi`). */
import { type AnyElysia, Elysia } from "elysia";
import { type ApiDocument, describeApi } from "./document.ts";
import { openapiPage } from "./page.ts";

/** The document of an app whose routes are not there yet; made when first asked for. */
export class LateDocument {
  #app: AnyElysia | null = null;
  #document: ApiDocument | null = null;

  /** @param app with all of its routes */
  describes(app: AnyElysia): void {
    this.#app = app;
  }

  read(): ApiDocument {
    if (this.#app === null) throw new Error("no app was described yet");
    this.#document ??= describeApi(this.#app);
    return this.#document;
  }
}

export function openapiRoutes(document: LateDocument) {
  return new Elysia()
    .get("/openapi", () => openapiPage(document.read()), { detail: { hide: true } })
    .get("/openapi/json", () => document.read(), { detail: { hide: true } });
}
