/** Options of the Executive about whom it answers. */
import { option, switchOption } from "./options.ts";
import { text } from "./parsers.ts";

export const ACCESS_OPTIONS = {
  adminToken: option<string, undefined>({
    flag: "admin-token",
    placeholder: "TOKEN",
    help: "a token with every right, beside those of operators in the ctldb; @FILE reads it from a file",
    parse: text,
    secret: true,
    fallback: undefined,
  }),
  insecure: switchOption({
    flag: "insecure",
    help: "listen for other hosts although there is neither an admin token nor an operator: open to everybody",
  }),
};
