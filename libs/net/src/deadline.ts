import { AppError } from '@mediakiln/contracts';

/** The caller's signal and a time limit as one signal. `end` is owed in any case: it lets go of both. */
export class Deadline {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly pass = (): void => this.controller.abort(this.caller?.reason);

  constructor(
    readonly totalMs: number,
    private readonly caller?: AbortSignal,
  ) {
    const late = new AppError(
      'download_stalled',
      `The host took more than the ${totalMs / 1_000} s that it may`,
    );
    this.timer = setTimeout(() => this.controller.abort(late), totalMs);
    if (caller?.aborted) this.pass();
    else caller?.addEventListener('abort', this.pass, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    clearTimeout(this.timer);
    this.caller?.removeEventListener('abort', this.pass);
  }
}
