/**
 * Finds secrets of the tests in what a run writes (R45). Every secret, token and password that a test chooses has the
 * marker in it (tests/support/secrets.ts), so nothing else needs to be known of them. Tokens of operators are chosen by
 * ctlstore, and known by their form; only those to whom they are given may be told them.
 */

/** In parts, so that a report that shows this line is no finding. */
export const SECRET_MARKER = ["s3cr3t", ""].join("-");

/** 43 characters in base64url after what all of them begin with. */
const OPERATOR_TOKEN = /(?<![\w-])ctl_[\w-]{43}(?![\w-])/;
const LONGEST_SECRET = 47;

const MOST_FINDINGS = 20;
const CONTEXT_CHARS = 160;

/** Looks at one stream of text as it comes; lines may be cut anywhere. */
export class SecretScan {
  /** Parts of the lines with a secret in them; the first ones only. */
  findings;
  #line = "";
  #findsTokens;

  /**
   * @param findings shared with the scans of other streams
   * @param findsTokens false where a new operator's token is told to whoever made it
   */
  constructor(findings = [], { findsTokens = true } = {}) {
    this.findings = findings;
    this.#findsTokens = findsTokens;
  }

  push(text) {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#look(line);
    // A line without an end is kept only as far as a secret may have begun in it.
    if (this.#line.length > 1_000_000) {
      this.#look(this.#line);
      this.#line = this.#line.slice(-LONGEST_SECRET + 1);
    }
  }

  end() {
    this.#look(this.#line);
    this.#line = "";
    return this.findings;
  }

  #look(line) {
    const marker = line.indexOf(SECRET_MARKER);
    const at = marker === -1 && this.#findsTokens ? line.search(OPERATOR_TOKEN) : marker;
    if (at === -1 || this.findings.length >= MOST_FINDINGS) return;
    this.findings.push(line.slice(Math.max(0, at - CONTEXT_CHARS), at + CONTEXT_CHARS));
  }
}
