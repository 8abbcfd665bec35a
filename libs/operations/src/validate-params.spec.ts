import { AppError } from '@mediakiln/contracts';
import { validateParams } from './validate-params';
import { videoProbe } from './video/probe';
import { VideoTrimParams, videoTrim } from './video/trim';

function refusal(run: () => unknown): AppError {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('validateParams', () => {
  it('accepts no parameters for an operation that has none', () => {
    expect(validateParams(videoProbe, {})).toEqual({});
    expect(validateParams(videoProbe, undefined)).toEqual({});
  });

  it('refuses a field that the operation does not know, also when it knows none', () => {
    for (const operation of [videoProbe, videoTrim]) {
      const error = refusal(() => validateParams(operation, { start_time: 0, end_time: 1, evil: 1 }));
      expect(error.code).toBe('validation_failed');
      expect(error.options.errors?.map((one) => one.pointer)).toContain('/params/evil');
    }
  });

  it('reads clock times and fills in defaults', () => {
    const params = validateParams(videoTrim, { start_time: '00:00:01.500', end_time: '2.25' });
    expect(params).toBeInstanceOf(VideoTrimParams);
    expect(params).toEqual({ start_time: 1.5, end_time: 2.25, on_overrun: 'clamp' });
  });

  it.each([
    [{ end_time: 1 }, '/params/start_time'],
    [{ start_time: -1, end_time: 1 }, '/params/start_time'],
    [{ start_time: Number.NaN, end_time: 1 }, '/params/start_time'],
    [{ start_time: 'NaN', end_time: 1 }, '/params/start_time'],
    [{ start_time: 0, end_time: Number.POSITIVE_INFINITY }, '/params/end_time'],
    [{ start_time: 0, end_time: '00:61:00' }, '/params/end_time'],
    [{ start_time: 0, end_time: 1, on_overrun: 'ignore' }, '/params/on_overrun'],
  ])('refuses %j at %s', (raw, pointer) => {
    const error = refusal(() => validateParams(videoTrim, raw));
    expect(error.code).toBe('validation_failed');
    expect(error.options.errors?.map((one) => one.pointer)).toEqual(expect.arrayContaining([pointer]));
  });
});
