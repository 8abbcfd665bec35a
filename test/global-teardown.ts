const PATIENCE_MS = 30_000;

/** Ends the process that owns the servers, and waits until it has taken them down. */
export default async function globalTeardown(): Promise<void> {
  const servers = globalThis.testServers;
  if (!servers || servers.exitCode !== null || servers.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => servers.once('exit', () => resolve()));
  servers.stdin?.end();
  const late = setTimeout(() => servers.kill('SIGKILL'), PATIENCE_MS);
  await ended;
  clearTimeout(late);
}
