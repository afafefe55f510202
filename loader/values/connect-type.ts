/** The type of a column as Kafka Connect's JSON converter writes it into an event's schema. */
export interface ConnectType {
  /** int8, int16, int32, int64, float, double, boolean, string, bytes, struct, array, map. */
  readonly type: string;
  /** The logical type: `org.apache.kafka.connect.data.Decimal`, `io.debezium.time.MicroTimestamp`, …; null for a plain one. */
  readonly name: string | null;
  readonly isOptional: boolean;
  /** `scale`, `connect.decimal.precision`, `length`, `allowed`, `__debezium.source.column.type`, … */
  readonly parameters: Readonly<Record<string, string>>;
  /** Of a struct. */
  readonly fields: ReadonlyMap<string, ConnectType> | null;
  /** Of an array. */
  readonly items: ConnectType | null;
}
