/** The error that a call must throw. */
import { type CtlstoreError, type ErrorCode, isCtlstoreError } from "../../../core/errors.ts";

export function thrown(call: () => unknown, code: ErrorCode): CtlstoreError {
  try {
    call();
  } catch (error) {
    return checked(error, code);
  }
  throw new Error(`nothing was thrown; ${code} was expected`);
}

export async function rejected(call: Promise<unknown>, code: ErrorCode): Promise<CtlstoreError> {
  try {
    await call;
  } catch (error) {
    return checked(error, code);
  }
  throw new Error(`nothing was thrown; ${code} was expected`);
}

function checked(error: unknown, code: ErrorCode): CtlstoreError {
  if (isCtlstoreError(error) && error.code === code) return error;
  throw new Error(`another error than ${code} was thrown`, { cause: error });
}
