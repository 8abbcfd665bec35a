import { Client } from '../../../../test/support/client';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { givenImage } from '../../../../test/support/given-image';

let gateway: TestGateway;
let client: Client;
let media: string;

beforeAll(async () => {
  gateway = await startGateway();
  client = await Client.register(gateway.url);
  // Of 4 x 4 pixels.
  media = await givenImage(gateway.database, client.userId);
});
afterAll(() => gateway.close());

const step = (operation: string, params?: object, more: object = {}) => ({ operation, params, ...more });
const post = (body: object) =>
  client.request('POST', '/v1/jobs', { json: { inputs: [{ media_id: media }], ...body } });

describe('a request by steps', () => {
  it('becomes one job that runs them all', async () => {
    const { status, body } = await post({
      steps: [
        step('image.resize', { width: 3 }),
        step('image.crop', { width: 2, height: 2 }),
        step('image.compress'),
      ],
      metadata: { order: 1 },
    });
    expect([status, body.operation, body.metadata]).toEqual([202, 'image.steps', { order: 1 }]);
    expect(body.params).toEqual({
      steps: [
        { operation: 'image.resize', params: { width: 3 } },
        { operation: 'image.crop', params: { width: 2, height: 2 } },
        { operation: 'image.compress' },
      ],
    });
  });

  it('is the operation itself where there is one step', async () => {
    const { status, body } = await post({ steps: [step('image.crop', { width: 2, height: 2 })] });
    expect([status, body.operation, body.params]).toEqual([
      202,
      'image.crop',
      expect.objectContaining({ width: 2, height: 2, format: 'keep' }),
    ]);
  });

  it('names the input of a mark', async () => {
    const { status, body } = await post({
      inputs: [{ media_id: media }, { media_id: media }],
      steps: [step('image.resize', { width: 3 }), step('image.watermark', {}, { input: 1 })],
    });
    expect([status, body.operation]).toEqual([202, 'image.steps']);
  });

  it.each([
    [
      'parameters of a step',
      [step('image.resize', { width: 0 }), step('image.compress')],
      '/steps/0/params/width',
    ],
    ['those of a single step', [step('image.crop', { width: 2 })], '/steps/0/params/height'],
    [
      'a field that is not there',
      [step('image.resize', { width: 3 }), step('image.crop', { size: 1, width: 1, height: 1 })],
      '/steps/1/params/size',
    ],
    [
      'a crop outside of what the resize leaves',
      [step('image.resize', { width: 3 }), step('image.crop', { width: 4, height: 2 })],
      '/steps/1/params/width',
    ],
    [
      'a crop outside of the picture',
      [step('image.crop', { width: 2, height: 5 })],
      '/steps/0/params/height',
    ],
    ['a probe', [step('image.probe'), step('image.compress')], '/steps/0/operation'],
    [
      'steps within steps',
      [step('image.compress'), step('image.steps', { steps: [] })],
      '/steps/1/operation',
    ],
    ['no steps', [], '/steps'],
    ['eleven', Array.from({ length: 11 }, () => step('image.compress')), '/steps'],
    ['something else', ['image.compress'], '/steps'],
    [
      'an input where none is taken',
      [step('image.compress', {}, { input: 1 }), step('image.compress')],
      '/steps/0/input',
    ],
    [
      'what is no parameter of a step',
      [step('image.compress', {}, { when: 1 }), step('image.compress')],
      '/steps/0/when',
    ],
    [
      'a size before the end',
      [step('image.compress', { max_bytes: 500 }), step('image.compress')],
      '/steps/0/params/max_bytes',
    ],
    [
      'metadata that only a file has',
      [step('image.resize', { width: 3 }), step('image.compress', { keep_metadata: true })],
      '/steps/1/params/keep_metadata',
    ],
  ])('is refused for %s, at its place', async (_, steps, pointer) => {
    const { status, body } = await post({ steps });
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(
      (body.errors as { pointer: string }[]).map((error) => error.pointer.slice(0, pointer.length)),
    ).toContain(pointer);
  });

  it.each([
    [
      'an operation beside them',
      { operation: 'image.compress', steps: [step('image.compress')] },
      '/operation',
    ],
    ['parameters beside them', { params: {}, steps: [step('image.compress')] }, '/params'],
    ['neither', {}, '/operation'],
  ])('is refused with %s', async (_, body, pointer) => {
    const answer = await post(body);
    expect([answer.status, (answer.body.errors as { pointer: string }[])[0]?.pointer]).toEqual([
      422,
      pointer,
    ]);
  });

  it('is refused for an operation that there is not', async () => {
    const { status, body } = await post({ steps: [step('image.compress'), step('image.sharpen')] });
    expect([status, body.code]).toEqual([422, 'unknown_operation']);
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '/steps/1/operation' })]);
  });

  it.each([
    ['a mark that is missing', 1, [step('image.watermark'), step('image.compress')]],
    ['an input that no step takes', 2, [step('image.resize', { width: 3 }), step('image.compress')]],
  ])('is refused for %s', async (_, count, steps) => {
    const { status, body } = await post({
      inputs: Array.from({ length: count }, () => ({ media_id: media })),
      steps,
    });
    expect([status, body.code]).toEqual([422, 'wrong_input_count']);
  });
});
