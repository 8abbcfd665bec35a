export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** What a process serves on /metrics, read. */
export class Metrics {
  private constructor(
    readonly samples: readonly Sample[],
    /** Of every metric that is declared, with or without a value. */
    readonly names: ReadonlySet<string>,
  ) {}

  static async read(url: string): Promise<Metrics> {
    const answer = await fetch(url);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${text}`);
    const lines = text.split('\n');
    const names = lines.flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
    return new Metrics(
      lines.flatMap((line) => sampleOf(line) ?? []),
      new Set(names),
    );
  }

  /** The sum over all samples of this name that have these labels; 0 where there is none. */
  sum(name: string, labels: Record<string, string> = {}): number {
    return this.samples
      .filter(
        (sample) =>
          sample.name === name &&
          Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      )
      .reduce((sum, { value }) => sum + value, 0);
  }
}

function sampleOf(line: string): Sample | undefined {
  const [, name, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  const pairs = [...(labels ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return {
    name,
    labels: Object.fromEntries(pairs.map((pair) => [pair[1]!, pair[2]!])),
    value: Number(value),
  };
}
