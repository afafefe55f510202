/** The conformance suite on Oracle's MySQL 9.7, in the deep suite. */
import { describe, test } from "bun:test";
import { hasMysql9, sharedMysql9 } from "../support/mysql9.ts";
import { isDeep } from "../support/suite.ts";
import { conformanceTests } from "./conformance.ts";
import { mysqlTarget } from "./mysql-target.ts";

if (isDeep && hasMysql9) {
  conformanceTests(mysqlTarget("MySQL 9.7", /^MySQL 9\./, sharedMysql9));
} else {
  describe("the ctldb on MySQL 9.7", () => {
    test.skip("keeps its contract when the deep suite runs", () => {});
  });
}
