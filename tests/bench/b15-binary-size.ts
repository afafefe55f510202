/** B15: size of the host binaries, against a program that does nothing: on disk, and as it travels. */
import { readFileSync, statSync } from "node:fs";
import { zstdBytes } from "../../scripts/binaries/sizes.ts";
import { binaryOf } from "../support/binaries.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { emptyBinary } from "./empty-binary.ts";
import type { Benchmark } from "./report.ts";

/** Five seconds a binary; `npm run build -- --smallest` has level 19 and xz. */
const ZSTD_LEVEL = 10;
const MOST_OVER_FLOOR_MB = 5;

export const binarySize: Benchmark = {
  id: "B15",
  title: "size of the host binaries",
  async run(progress) {
    using folder = tempFolder("bench");
    const paths = {
      floor: await emptyBinary(folder),
      reflector: (await binaryOf("ctlstore-reflector")).path,
      full: (await binaryOf("ctlstore")).path,
    };
    const onDisk = (path: string) => statSync(path).size / 1e6;
    const packed = (path: string) => {
      progress(`compressing ${path.split("/").at(-1)}`);
      return zstdBytes(readFileSync(path), ZSTD_LEVEL) / 1e6;
    };
    const packedFloor = packed(paths.floor);
    const packedReflector = packed(paths.reflector);
    const over = onDisk(paths.reflector) - onDisk(paths.floor);
    return {
      id: this.id,
      title: this.title,
      settings: `MB of 10^6 bytes; the floor is an empty program compiled by the same Bun; zstd -${ZSTD_LEVEL}`,
      figures: [
        { name: "the floor", unit: "MB", values: [onDisk(paths.floor)] },
        { name: "ctlstore-reflector", unit: "MB", values: [onDisk(paths.reflector)] },
        { name: "ctlstore", unit: "MB", values: [onDisk(paths.full)] },
        { name: "the floor, compressed", unit: "MB", values: [packedFloor] },
        { name: "ctlstore-reflector, compressed", unit: "MB", values: [packedReflector] },
      ],
      verdicts: [
        {
          name: "ctlstore-reflector over the floor",
          value: over,
          unit: "MB",
          aim: `≤ ${MOST_OVER_FLOOR_MB}`,
          met: over <= MOST_OVER_FLOOR_MB,
        },
        {
          name: "the same, compressed",
          value: packedReflector - packedFloor,
          unit: "MB",
          aim: `≤ ${MOST_OVER_FLOOR_MB}`,
          met: packedReflector - packedFloor <= MOST_OVER_FLOOR_MB,
        },
      ],
    };
  },
};
