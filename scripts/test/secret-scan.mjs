/**
 * Finds secrets of the tests in what a run writes (R45). Every secret, token and password that a test chooses has the
 * marker in it (tests/support/secrets.ts), so nothing else needs to be known of them.
 */

/** In parts, so that a report that shows this line is no finding. */
export const SECRET_MARKER = ["s3cr3t", ""].join("-");

const MOST_FINDINGS = 20;
const CONTEXT_CHARS = 160;

/** Looks at one stream of text as it comes; lines may be cut anywhere. */
export class SecretScan {
  /** Parts of the lines with a secret in them; the first ones only. */
  findings;
  #line = "";

  /** @param findings shared with the scans of other streams */
  constructor(findings = []) {
    this.findings = findings;
  }

  push(text) {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#look(line);
    // A line without an end is kept only as far as a marker may have begun in it.
    if (this.#line.length > 1_000_000) {
      this.#look(this.#line);
      this.#line = this.#line.slice(-SECRET_MARKER.length + 1);
    }
  }

  end() {
    this.#look(this.#line);
    this.#line = "";
    return this.findings;
  }

  #look(line) {
    const at = line.indexOf(SECRET_MARKER);
    if (at === -1 || this.findings.length >= MOST_FINDINGS) return;
    this.findings.push(line.slice(Math.max(0, at - CONTEXT_CHARS), at + CONTEXT_CHARS));
  }
}
