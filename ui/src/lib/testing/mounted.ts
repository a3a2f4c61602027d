/** Components by themselves, on a stand-in for the program: what they show and ask, without a browser's layout. */
import { flushSync, mount, unmount, type Component } from 'svelte';
import { onTestFinished, vi } from 'vitest';
import { App } from '../app.svelte';
import type { Backend, Cause, Item, ItemDetail, Org, Status } from '../backend/backend';
import Within from './Within.svelte';

export const AT = '2026-03-01T10:00:00.000Z';
export const SOURCE = '00D000000000001EAA';
export const TARGET = '00D000000000002EAA';

/** An org that is well. */
export const org = (more: Partial<Org> = {}): Org => ({
  orgId: TARGET,
  alias: 'Acme',
  username: 'ada@acme.example',
  instanceUrl: 'https://acme.my.salesforce.com',
  health: 'connected',
  healthDetail: null,
  apiUsage: { used: 10, max: 100 },
  clockSkewMs: 0,
  lastDeliveredAt: null,
  lastReceivedAt: null,
  suppressedEchoes: 0,
  queueDepth: 0,
  kind: 'production',
  signedInBy: 'browser',
  signedInAt: AT,
  loginUrl: null,
  clientId: null,
  endpointPath: '/services/apexrest/dlhub/delivery/sync',
  replacedBy: null,
  ...more,
});

/** An item that has failed. */
export const item = (more: Partial<Item> = {}): Item => ({
  id: 'item-1',
  transactionId: 'txn-1',
  sourceOrgId: SOURCE,
  targetOrgId: TARGET,
  operation: 'upsert',
  externalIds: ['WI-1'],
  title: 'Add revenue report',
  status: 'failed',
  heldBy: null,
  attempts: 1,
  cycle: 1,
  createdAt: AT,
  updatedAt: AT,
  nextAttemptAt: null,
  lastError: { httpStatus: 400, errorCode: 'REQUIRED_FIELD_MISSING', message: 'Hours are missing' },
  failureKey: 'key-1',
  dismissedAt: null,
  dismissReason: null,
  ...more,
});

/** The cause of a failure that an admin of the target has to see to. */
export const cause = (more: Partial<Cause> = {}): Cause => ({
  title: 'A required field is missing',
  text: 'The target org wants a value that the change does not have.',
  fixer: 'targetAdmin',
  retryHelps: false,
  steps: ['Fill the field in.', 'Retry.'],
  ...more,
});

/** An item with all that is known of it. */
export const detail = (more: Partial<ItemDetail> = {}): ItemDetail => ({
  ...item(),
  payloadText: '{}',
  attemptLog: [],
  cause: cause(),
  history: [],
  ...more,
});

/** How a program stands that has these counts. */
export const status = (counts: Partial<Status['counts']> = {}): Status =>
  ({
    counts: {
      queued: 0,
      processing: 0,
      retrying: 0,
      failed: 0,
      synced: 0,
      superseded: 0,
      ...counts,
    },
    held: 0,
    dismissed: 0,
    schedule: ['0s', '30s', '2m', '10m', '1h'],
    serverTime: AT,
    relay: { paused: false, pausedUntil: null },
  }) as Status;

/** The page on a program that answers like this; it knows two orgs, with a route between them. */
export function page(answers: Partial<Backend> = {}): App {
  const empty = { items: [], nextCursor: null, total: 0 };
  const orgs = [org(), org({ orgId: SOURCE, alias: 'Northwind', kind: 'sandbox' })];
  const routes = [
    {
      id: 'route-1',
      sourceOrgId: SOURCE,
      targetOrgId: TARGET,
      enabled: true,
      createdAt: AT,
      queueDepth: 2,
    },
  ];
  const backend: Partial<Backend> = {
    status: () => Promise.resolve(status({ failed: 1 })),
    orgs: () => Promise.resolve(orgs),
    routes: () => Promise.resolve(routes),
    failures: () => Promise.resolve([]),
    items: () => Promise.resolve(empty),
    listen: () => () => undefined,
    desktop: null,
    ...answers,
  };
  const app = new App(backend as Backend);
  app.monitor.status = status({ failed: 1 });
  app.monitor.orgs = orgs;
  app.monitor.routes = routes;
  return app;
}

/** Shows a component on a page until the test ends. */
export function mounted<Props extends Record<string, unknown>>(
  component: Component<Props>,
  props: Props,
  app = page(),
) {
  const target = document.createElement('div');
  document.body.append(target);
  // That the properties are the component's, the types above say.
  const given = component as unknown as Component<Record<string, unknown>>;
  const shown = mount(Within, { target, props: { app, component: given, props } });
  flushSync();
  onTestFinished(async () => {
    await unmount(shown);
    target.remove();
  });
  const all = (selector: string) => [...target.querySelectorAll<HTMLElement>(selector)];
  const find = (selector: string): HTMLElement => {
    const [found] = all(selector);
    if (found === undefined) throw new Error(`${selector} is not in ${target.innerHTML}`);
    return found;
  };
  return {
    app,
    /** What is read, with white space as a reader sees it. */
    text: () => (target.textContent ?? '').replace(/\s+/g, ' ').trim(),
    all,
    find,
    /** The button or link of this name. */
    press: (name: string) => {
      const named = all('button, a').filter(
        (one) => (one.getAttribute('aria-label') ?? one.textContent ?? '').trim() === name,
      );
      if (named.length !== 1) throw new Error(`${named.length} are called ${name}`);
      named[0]?.click();
      flushSync();
    },
    /** Waits until it reads so. */
    reads: (words: string) =>
      vi.waitFor(() => {
        flushSync();
        if (!(target.textContent ?? '').replace(/\s+/g, ' ').includes(words)) {
          throw new Error(`${words} is not in ${target.textContent}`);
        }
      }),
  };
}
