import type { JobProgress } from '@mediakiln/entities';

/** 100 is for the settled job alone. */
const MOST_PERCENT = 99;

/** Turns the lines of `-progress` into a job's progress over all runs of its plan. Never shrinks. */
export class Progress {
  private readonly startedMs = Date.now();
  private doneSeconds = 0;
  private percent = 0;

  /** @param totalSeconds of output over all runs. */
  constructor(
    private readonly totalSeconds: number,
    private readonly report: (progress: JobProgress) => void,
  ) {}

  /** `out_time_us` came late and `out_time_ms` is in microseconds too; early values are `N/A`. */
  line(stage: string, line: string): void {
    const micros = /^out_time_(?:us|ms)=(\d+)$/.exec(line)?.[1];
    if (micros !== undefined) this.reach(stage, this.doneSeconds + Number(micros) / 1e6);
  }

  finishRun(stage: string, outputSeconds: number): void {
    this.doneSeconds += outputSeconds;
    this.reach(stage, this.doneSeconds);
  }

  private reach(stage: string, seconds: number): void {
    const reached = Math.min(Math.floor((100 * seconds) / this.totalSeconds), MOST_PERCENT);
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
