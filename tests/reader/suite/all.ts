/** The whole suite. */

import { defineChangesTests } from "./changes.ts";
import { defineChangesBreaksTests } from "./changes-breaks.ts";
import { defineChangesFilesTests } from "./changes-files.ts";
import { defineChangesIterationTests } from "./changes-iteration.ts";
import type { SuiteEnvironment } from "./environment.ts";
import { defineFollowingTests } from "./following.ts";
import { defineKeyTests } from "./keys.ts";
import { defineOneStateTests } from "./one-state.ts";
import { defineOriginalTests } from "./original.ts";
import { defineStateTests } from "./states.ts";
import { defineTypedTests } from "./typed.ts";
import { defineValueTests } from "./values.ts";
import { defineWaitingTests } from "./waiting.ts";

export function defineReaderSuite(environment: SuiteEnvironment): void {
  defineValueTests(environment);
  defineKeyTests(environment);
  defineOneStateTests(environment);
  defineFollowingTests(environment);
  defineStateTests(environment);
  defineWaitingTests(environment);
  defineTypedTests(environment);
  defineOriginalTests(environment);
  defineChangesTests(environment);
  defineChangesIterationTests(environment);
  defineChangesFilesTests(environment);
  defineChangesBreaksTests(environment);
}
