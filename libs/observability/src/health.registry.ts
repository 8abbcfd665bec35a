import { Injectable } from '@nestjs/common';

export interface HealthReport {
  status: 'ok' | 'unavailable';
  checks: Record<string, { status: 'ok' | 'failing'; detail?: string }>;
}

const CHECK_TIMEOUT_MS = 2_000;

/** Whoever owns a dependency registers its check here; `/health/ready` runs them all. */
@Injectable()
export class HealthRegistry {
  private readonly checks = new Map<string, () => Promise<void>>();
  private draining = false;

  /** @param check resolves when the dependency works; its error message is shown to operators. */
  register(name: string, check: () => Promise<void>): void {
    this.checks.set(name, check);
  }

  /** From now on the process is not ready: load balancers should look elsewhere. */
  startDraining(): void {
    this.draining = true;
  }

  async report(): Promise<HealthReport> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await run(check)] as const),
    );
    if (this.draining)
      results.push(['draining', { status: 'failing', detail: 'the process is shutting down' }]);
    const isOk = results.every(([, result]) => result.status === 'ok');
    return { status: isOk ? 'ok' : 'unavailable', checks: Object.fromEntries(results) };
  }
}

async function run(check: () => Promise<void>): Promise<HealthReport['checks'][string]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([check(), late]);
    return { status: 'ok' };
  } catch (error) {
    return { status: 'failing', detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
