import type { JobProgress } from '@mediakiln/entities';
import type { EngineRun } from '@mediakiln/operations';

type Run = Pick<EngineRun, 'stage' | 'output' | 'output_seconds' | 'cost'>;

/** 100 is for the settled job alone. */
const MOST_PERCENT = 99;

/** Turns the lines of `-progress` into a job's progress over all runs of its plan. Never shrinks. */
export class Progress {
  private readonly startedMs = Date.now();
  /** Output -> what of its cost is spent. */
  private readonly reached = new Map<string, number>();
  private readonly total: number;
  private percent = 0;

  /** @param runs all of them. */
  constructor(
    runs: readonly Run[],
    private readonly report: (progress: JobProgress) => void,
  ) {
    this.total = runs.reduce((sum, run) => sum + costOf(run, run.output_seconds), 0);
  }

  /** `out_time_us` came late and `out_time_ms` is in microseconds too; early values are `N/A`. */
  line(run: Run, line: string): void {
    const micros = /^out_time_(?:us|ms)=(\d+)$/.exec(line)?.[1];
    if (micros !== undefined) this.reach(run, Math.min(Number(micros) / 1e6, run.output_seconds));
  }

  finishRun(run: Run): void {
    this.reach(run, run.output_seconds);
  }

  private reach(run: Run, seconds: number): void {
    const { stage, output } = run;
    this.reached.set(output, costOf(run, seconds));
    const spent = [...this.reached.values()].reduce((sum, one) => sum + one, 0);
    const reached = Math.min(Math.floor((100 * spent) / this.total), MOST_PERCENT);
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

const costOf = ({ cost = 1 }: Run, seconds: number): number => cost * seconds;
