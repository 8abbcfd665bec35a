import { testConfig } from '../../../../test/support/jobs';
import { WebhookSecrets } from './webhook.secrets';

const secrets = new WebhookSecrets(testConfig());
const [ROW, OTHER_ROW] = ['0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b70', '0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b71'];

it('opens what it has sealed for the same row', () => {
  const secret = secrets.make();
  const sealed = secrets.seal(ROW, secret);
  expect(secrets.open(ROW, sealed)).toBe(secret);
  expect(secrets.seal(ROW, secret)).not.toBe(sealed);
  expect(secrets.make()).not.toBe(secret);
});

it('opens nothing of another row, under another JWT_SECRET, or with a bit changed', () => {
  const sealed = secrets.seal(ROW, secrets.make());
  expect(secrets.open(OTHER_ROW, sealed)).toBeNull();
  const others = new WebhookSecrets(testConfig({ jwtSecret: 'another-secret-that-is-long-enough-too' }));
  expect(others.open(ROW, sealed)).toBeNull();
  for (const place of [0, 12, 28, 59]) {
    const bytes = Buffer.from(sealed, 'base64');
    bytes[place]! ^= 1;
    expect(secrets.open(ROW, bytes.toString('base64'))).toBeNull();
  }
  expect(secrets.open(ROW, '')).toBeNull();
});
