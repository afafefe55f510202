/** What shows outside of the process whether this host is ready: a file, the service manager, an attribute in ECS. */
import type { ObservedStatus, Readiness } from "../state.ts";

export interface HostMark {
  /** Called about once a second and after each change. Returns at once and never throws: a mark may not harm reads. */
  show(readiness: Readiness, status: ObservedStatus): void;
  /** The Reflector ends. Never rejects. */
  stop(): Promise<void>;
}
