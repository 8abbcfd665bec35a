import type { JobProgress } from '@mediakiln/entities';
import type { EngineRun } from '@mediakiln/operations';

type Run = Pick<EngineRun, 'stage' | 'output' | 'output_seconds'>;

/** 100 is for the settled job alone. */
const MOST_PERCENT = 99;

/** Turns the lines of `-progress` into a job's progress over all runs of its plan. Never shrinks. */
export class Progress {
  private readonly startedMs = Date.now();
  /** Output -> how much of it there is. */
  private readonly reached = new Map<string, number>();
  private percent = 0;

  /** @param totalSeconds of output over all runs. */
  constructor(
    private readonly totalSeconds: number,
    private readonly report: (progress: JobProgress) => void,
  ) {}

  /** `out_time_us` came late and `out_time_ms` is in microseconds too; early values are `N/A`. */
  line(run: Run, line: string): void {
    const micros = /^out_time_(?:us|ms)=(\d+)$/.exec(line)?.[1];
    if (micros !== undefined) this.reach(run, Math.min(Number(micros) / 1e6, run.output_seconds));
  }

  finishRun(run: Run): void {
    this.reach(run, run.output_seconds);
  }

  private reach({ stage, output }: Run, seconds: number): void {
    this.reached.set(output, seconds);
    const doneSeconds = [...this.reached.values()].reduce((sum, one) => sum + one, 0);
    const reached = Math.min(Math.floor((100 * doneSeconds) / this.totalSeconds), MOST_PERCENT);
    if (!(reached > this.percent)) return;
    this.percent = reached;
    const elapsedSeconds = (Date.now() - this.startedMs) / 1_000;
    this.report({
      percent: reached,
      stage,
      eta_seconds: Math.round((elapsedSeconds * (100 - reached)) / reached),
    });
  }
}
