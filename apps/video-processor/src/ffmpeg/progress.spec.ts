import type { JobProgress } from '@mediakiln/entities';
import { Progress } from './progress';

const encoding = { stage: 'encoding', output: 'output.mp4', output_seconds: 10 };

describe('Progress', () => {
  let seen: JobProgress[];
  let progress: Progress;

  beforeEach(() => {
    seen = [];
    progress = new Progress([encoding], (reached) => seen.push(reached));
  });

  it('reads both spellings of microseconds and nothing else', () => {
    for (const line of ['out_time_us=N/A', 'frame=7', 'out_time=00:00:09.000000', 'out_time_ms=2000000'])
      progress.line(encoding, line);
    progress.line(encoding, 'out_time_us=5000000');
    expect(seen.map((one) => one.percent)).toEqual([20, 50]);
  });

  it('never goes back, never reaches 100, and says nothing twice', () => {
    for (const micros of [4e6, 3e6, 4e6, 12e6, 13e6]) progress.line(encoding, `out_time_us=${micros}`);
    expect(seen.map((one) => one.percent)).toEqual([40, 99]);
  });

  it('adds up over the runs of a plan', () => {
    progress.finishRun({ stage: 'first', output: 'a.mp4', output_seconds: 5 });
    progress.line({ stage: 'second', output: 'b.mp4', output_seconds: 5 }, 'out_time_us=1000000');
    expect(seen.map(({ stage, percent }) => [stage, percent])).toEqual([
      ['first', 50],
      ['second', 60],
    ]);
  });

  it('weighs a run that copies less than one that encodes', () => {
    const copying = { stage: 'copying', output: 'copy.mp4', output_seconds: 10, cost: 0.25 };
    progress = new Progress([encoding, copying], (reached) => seen.push(reached));
    progress.finishRun(encoding);
    progress.line(copying, 'out_time_us=5000000');
    expect(seen.map(({ stage, percent }) => [stage, percent])).toEqual([
      ['encoding', 80],
      ['copying', 90],
    ]);
  });

  it('adds up what runs that go beside each other have reached', () => {
    const [head, tail] = ['a.mp4', 'b.mp4'].map((output) => ({
      stage: 'encoding',
      output,
      output_seconds: 5,
    }));
    progress.line(head!, 'out_time_us=2000000');
    progress.line(tail!, 'out_time_us=3000000');
    progress.line(head!, 'out_time_us=4000000');
    expect(seen.map((one) => one.percent)).toEqual([20, 50, 70]);
  });
});
