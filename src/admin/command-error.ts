/** What an operator asked for can't be done. The message is one sentence that says what to do. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** The command line itself is wrong: exit code 2 (PRODUCT §10). */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
}
