/** Opens the LDB of a folder, changes a row without a checkpoint, and dies: its row is in the -wal alone. */
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { ignoreCrashPoint } from "../../ldb/crash-points.ts";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";

const [folder = "", value = ""] = process.argv.slice(2);
const deps = { clock: systemClock, logger: silentLogger, onPoint: ignoreCrashPoint };
openLdbFolder(folder, deps).database.run("UPDATE fam___tbl SET v = ?", value);
process.kill(process.pid, "SIGKILL");
