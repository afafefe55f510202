/** Shapes as the binlog's reader gives them, in the form of Debezium: well-known binary without its own SRID. */

export type PlainGeometry = "point" | "linestring" | "polygon";

interface Point {
  readonly x: number;
  readonly y: number;
}

const WKB_TYPES = { point: 1, linestring: 2, polygon: 3 } as const;

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function coordinates({ x, y }: Point): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeDoubleLE(x, 0);
  bytes.writeDoubleLE(y, 8);
  return bytes;
}

const line = (points: readonly Point[]): Buffer =>
  Buffer.concat([uint32(points.length), ...points.map(coordinates)]);

function body(kind: PlainGeometry, value: unknown): Buffer {
  if (kind === "point") return coordinates(value as Point);
  if (kind === "linestring") return line(value as readonly Point[]);
  const rings = value as readonly (readonly Point[])[];
  return Buffer.concat([uint32(rings.length), ...rings.map(line)]);
}

/** @param value `{x, y}`, a list of such, or a list of lists */
export function geometryOf(kind: PlainGeometry, value: unknown): Readonly<Record<string, unknown>> {
  const wkb = Buffer.concat([Buffer.from([1]), uint32(WKB_TYPES[kind]), body(kind, value)]).toString(
    "base64",
  );
  if (kind !== "point") return { wkb, srid: null };
  const { x, y } = value as Point;
  return { x, y, wkb, srid: null };
}
