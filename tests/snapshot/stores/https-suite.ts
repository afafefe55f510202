/**
 * The stores' suite by https, where the SDK sends bodies without signing them; run by s3.test.ts with
 * NODE_EXTRA_CA_CERTS, which a process reads at its start only.
 */
import { isDeep } from "../../support/suite.ts";
import { conformanceTests } from "./conformance.ts";
import { s3Target } from "./s3-target.ts";
import { objectTests } from "./suite/objects.ts";

const target = s3Target("https");
if (isDeep) conformanceTests(target);
else objectTests(target);
