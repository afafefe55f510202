/** What else in a process wants to know how its Reflector is: marks of a host that has caught up, a Supervisor. */
import type { ReflectorStatus } from "./state.ts";

/** Started with a Reflector and stopped before it. None of it may throw. */
export interface ReflectorObserver {
  /** Called once, when the status can be asked for. */
  start(status: () => ReflectorStatus): void;
  /** Called whenever state or position may have changed; lag changes by itself, so ask for it now and then. */
  changed(): void;
  stop(): Promise<void>;
}
