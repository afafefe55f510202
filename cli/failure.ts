/** A command that did its work and has bad news, such as a row that is not there: exit code 1, one line, no code. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}
