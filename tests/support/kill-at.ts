/** Ends a child of a test where a crash is to be tried out. */

/** A hook that kills this very process with SIGKILL at a named point, after having passed it some times. */
export function killAt<Point extends string>(fatal: string, timesBefore: number): (point: Point) => void {
  let left = timesBefore;
  return (point) => {
    if (point !== fatal) return;
    if (left === 0) process.kill(process.pid, "SIGKILL");
    left -= 1;
  };
}
