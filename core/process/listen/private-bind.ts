/** A unix socket's file is for its owner and its group from its first moment: its rights are what guards it. */

/** Of the file of a socket. */
export const SOCKET_MODE = 0o660;

/** Runs what makes the file, in one step: nobody else may connect before its rights are set, whatever the umask is. */
export function bindPrivately<Made>(bind: () => Made): Made {
  const usual = process.umask(0o777 & ~SOCKET_MODE);
  try {
    return bind();
  } finally {
    process.umask(usual);
  }
}
