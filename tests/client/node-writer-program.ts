/** Writes twenty batches to `shop/item`: `node-writer-program ADDRESS CA [CERT KEY]`, the secret in WRITER_SECRET. */
import { Writer } from "../../client/index.ts";
import { reach } from "../../client/reach.ts";

const [address = "", caFile, certFile, keyFile] = process.argv.slice(2);
const secret = process.env["WRITER_SECRET"] ?? "";
const way = reach(address, { caFile, certFile, keyFile });
const writer = new Writer({ ...way, writer: "importer", secret, family: "shop", retryForMs: 0 });
try {
  for (let id = 0; id < 20; id++) await writer.write([{ table: "item", values: { id } }]);
  console.log("wrote 20 batches");
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
