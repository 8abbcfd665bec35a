/** Makes folders that other users may pass through, whatever the umask: PostgreSQL's user must reach its files. */
export function asTraversable(make: () => void): void {
  const before = process.umask(0o022);
  try {
    make();
  } finally {
    process.umask(before);
  }
}
