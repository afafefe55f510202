/** The Kafka client, for the loader's tests. Without it they are left out, and all others run. */
import { installKafkaClient } from "../kafka/install.mjs";
import { SetupError, say } from "./run.mjs";

export function setUpKafka() {
  try {
    installKafkaClient();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`leaving out the tests of the loader with Kafka: ${error.message}`);
  }
}
