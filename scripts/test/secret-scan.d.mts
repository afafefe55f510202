/** Types of secret-scan.mjs, for the tests that use it. */
export const SECRET_MARKER: string;

export class SecretScan {
  constructor(findings?: string[], options?: { readonly findsTokens?: boolean });
  readonly findings: readonly string[];
  push(text: string): void;
  end(): readonly string[];
}
