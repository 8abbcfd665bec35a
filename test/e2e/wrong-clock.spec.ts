import { Job } from '@mediakiln/entities';
import { JobSweeper } from '@mediakiln/jobs';
import { until } from '../support/until';
import { MatrixScene } from './route-matrix.scene';

/** The gateway's own clock, hours away from the database's. */
const HOURS_OFF = [-5, 5];

let scene: MatrixScene;
beforeAll(async () => {
  scene = await MatrixScene.open();
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => scene.close());

function turnClock(hours: number): void {
  const rightNow = Date.now.bind(Date);
  jest.spyOn(Date, 'now').mockImplementation(() => rightNow() + hours * 3_600_000);
}

it.each(HOURS_OFF)(
  'opens links for as long as was asked for, with a clock that is %i hours off',
  async (hours) => {
    const lasting = await scene.link({ expiry_time: 3_600 });
    turnClock(hours);
    expect((await scene.call('GET', `/s/${lasting.token}`)).status).toBe(200);
    const { status, body } = await login();
    expect(status).toBe(200);
    const headers = { authorization: `Bearer ${body.access_token as string}` };
    const json = { expiry_time: 1 };
    const short = await scene.call('POST', `/v1/media/${lasting.media_id}/links`, { json, headers });
    const token = (short.body.url as string).split('/').at(-1)!;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await scene.call('GET', `/s/${token}`)).status).toBe(410);
  },
);

it.each(HOURS_OFF)(
  'starts delayed jobs when they are due, with a clock that is %i hours off',
  async (hours) => {
    const media_id = await scene.media();
    turnClock(hours);
    const headers = { authorization: `Bearer ${(await login()).body.access_token as string}` };
    const ids: string[] = [];
    for (const delay_seconds of [1, 3_600]) {
      const json = { operation: 'image.compress', inputs: [{ media_id }], delay_seconds };
      ids.push((await scene.call('POST', '/v1/jobs', { json, headers })).body.id as string);
    }
    const sweeper = scene.gateway.app.get(JobSweeper, { strict: false });
    const areDue = async (): Promise<boolean[]> => {
      // One of the sweeper's own turns may be on the way: this one then leaves the duty to it.
      await sweeper.sweep(true);
      const rows = ids.map((id) => scene.gateway.database.getRepository(Job).findOneByOrFail({ id }));
      return (await Promise.all(rows)).map(({ due }) => due);
    };
    await until('the first to be due', async () => (await areDue())[0]);
    expect(await areDue()).toEqual([true, false]);
  },
);

const login = () =>
  scene.call('POST', '/v1/auth/login', {
    json: { email: scene.owner.user.email, password: 'correct horse battery' },
  });
