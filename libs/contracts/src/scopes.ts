/** What an API key may do: a public contract. `*` is all of them, those that come later too. */
export const SCOPES = [
  '*',
  'media:read',
  'media:write',
  'jobs:read',
  'jobs:write',
  'links:read',
  'links:write',
  'batches:read',
  'batches:write',
  'webhooks:read',
  'webhooks:write',
] as const;

export type Scope = (typeof SCOPES)[number];

export const allows = (granted: readonly Scope[], needed: Scope): boolean =>
  granted.includes('*') || granted.includes(needed);
