/** What an operator asked for can't be done. The message is one sentence that says what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
