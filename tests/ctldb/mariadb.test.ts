/** The conformance suite on MariaDB. */
import { sharedMariadb } from "../support/mariadb.ts";
import { conformanceTests } from "./conformance.ts";
import { mysqlTarget } from "./mysql-target.ts";

conformanceTests(mysqlTarget("MariaDB", /^MariaDB \d+\./, sharedMariadb));
