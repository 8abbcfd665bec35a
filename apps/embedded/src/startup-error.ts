/** Why the process cannot run, for the person at the terminal: printed as one line, then exit code 1. */
export class StartupError extends Error {
  override readonly name = 'StartupError';

  /**
   * @param what what is missing or busy
   * @param where the path, address or variable that it is about
   * @param cure what to do about it
   */
  constructor(
    readonly what: string,
    readonly where: string,
    readonly cure: string,
    cause?: unknown,
  ) {
    super(oneLine(`${what} (${where}): ${cure}`), { cause });
  }
}

function oneLine(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .join('; ');
}
