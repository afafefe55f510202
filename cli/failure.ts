/** A command that did its work and has bad news, such as a row that is not there: exit code 1, one line, no code. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}

/** A program that did the command's work has ended with this code and said why: nothing is left to print. */
export class ExitCode extends Error {
  override readonly name = "ExitCode";
  readonly code: number;

  constructor(code: number) {
    super(`exit code ${code}`);
    this.code = code;
  }
}
