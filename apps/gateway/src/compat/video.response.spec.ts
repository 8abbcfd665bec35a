import { AppConfig } from '@mediakiln/config';
import type { Media } from '@mediakiln/entities';
import type { JobSnapshot } from '@mediakiln/jobs';
import { MediaUrls } from '@mediakiln/media';
import { presentTask, presentVideo } from './video.response';

const urls = new MediaUrls(new AppConfig({ jwtSecret: 'x'.repeat(32) }));
const output = {
  id: '01890000-0000-7000-8000-000000000001',
  name: 'cut.mp4',
  bytes: 5,
  sha256: 'a'.repeat(64),
  probe: null,
  created_at: new Date(0),
} as Media;

const jobOf = (job: Partial<JobSnapshot>): JobSnapshot =>
  ({
    id: 'task',
    operation: 'video.trim',
    inputs: [],
    progress: null,
    error_code: null,
    error_detail: null,
    ...job,
  }) as unknown as JobSnapshot;
const at = (percent: number): Partial<JobSnapshot> => ({
  status: 'processing',
  progress: { percent } as JobSnapshot['progress'],
});

it.each<[string, Partial<JobSnapshot>, object]>([
  ['that waits', { status: 'pending' }, { status: 'PENDING' }],
  ['that has begun', { status: 'processing' }, { status: 'STARTED' }],
  ['that has begun, of which nothing is done', at(0), { status: 'STARTED' }],
  ['of which something is done', at(1), { status: 'PROGRESS' }],
  [
    'that waits for another try, whatever the last one had done',
    { ...at(70), status: 'pending' },
    { status: 'PENDING' },
  ],
  [
    'that failed',
    { status: 'failed', error_code: 'video_corrupt', error_detail: 'Frame 7 is damaged' },
    { status: 'FAILURE', error: 'Frame 7 is damaged', code: 'video_corrupt' },
  ],
  [
    'that failed without a word',
    { status: 'failed' },
    { status: 'FAILURE', error: 'The task failed', code: 'conflict' },
  ],
  [
    'that was canceled',
    { status: 'canceled' },
    { status: 'FAILURE', error: 'The task was canceled', code: 'conflict' },
  ],
])('tells of a task %s', (_which, job, told) => {
  expect(presentTask(jobOf(job), undefined, urls)).toEqual({ task_id: 'task', ...told });
});

it('tells what a task has made, and null when that is gone', () => {
  const job = jobOf({ status: 'completed' });
  const result = presentVideo(output, urls);
  expect(presentTask(job, output, urls)).toEqual({
    task_id: 'task',
    status: 'SUCCESS',
    result,
    video: result,
  });
  expect(presentTask(job, undefined, urls)).toMatchObject({ status: 'SUCCESS', result: null, video: null });
});

it.each<[Partial<JobSnapshot>, string, number]>([
  [{ status: 'pending' }, 'PENDING', 0],
  [at(0), 'STARTED', 0],
  [at(34), 'PROGRESS', 1],
  [at(67), 'PROGRESS', 2],
  [at(100), 'PROGRESS', 2],
  [{ status: 'completed' }, 'SUCCESS', 3],
  [{ status: 'failed' }, 'FAILURE', 0],
  [{ status: 'canceled' }, 'FAILURE', 0],
])('counts the videos of a merge: %j', (job, status, current) => {
  const inputs = ['a', 'b', 'c'] as unknown as JobSnapshot['inputs'];
  const merge = jobOf({ operation: 'video.merge', inputs, ...job });
  expect(presentTask(merge, undefined, urls)).toMatchObject({ status, current, total: 3 });
});
