/** Which metrics a PromQL expression is about. */

/** Names of ours and of the process, without the endings of a histogram's parts. */
export function metricsIn(expression: string): string[] {
  const names = expression.match(/\b(?:up|(?:ctlstore|process)_\w+)\b/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, "")))];
}
