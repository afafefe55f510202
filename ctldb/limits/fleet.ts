/**
 * The name under which the fleet's total stands beside the writers' in `max_writer_rates` and `writer_usage`. No writer can
 * have it: their names have three characters at least.
 */
export const FLEET = "*";
